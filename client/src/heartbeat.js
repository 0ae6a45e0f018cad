// SPDX-License-Identifier: Apache-2.0
// Whether the other end still lives. Any message is a sign of life, a pong is only the one that can be
// asked for. Judged by the time that went by, not by how often a timer fired: pages that are hidden and
// laptops that sleep fire them late. Pure but for the clock.

const idleMs = 15_000; // between signs of life, before one is asked for
const sentMs = 2_000; // after something was sent; whoever works here notices soon
const doubtMs = 2_000; // without an answer: it is said that something is wrong
const deadMs = 5_000; // without an answer: given up
const lateMs = 3_000; // a timer that fires so much too late has slept

/**
 * @param {object} on
 * @param {import('./clock.js').Clock} on.clock
 * @param {number} on.pingMs        the server wants to hear something this often
 * @param {() => void} on.ping      ask
 * @param {() => void} on.silence   an answer is overdue
 * @param {() => void} on.heard     a sign of life
 * @param {() => void} on.dead
 */
export function createHeartbeat({ clock, pingMs, ping, silence, heard, dead }) {
	const quietMs = Math.min(idleMs, pingMs);
	let cancel = () => {};
	let hurried = false;
	let asked = false;
	let slept = false;

	rest();

	/** @param {number} ms @param {() => void} then */
	function wait(ms, then) {
		cancel();
		const due = clock.now() + ms;
		cancel = clock.after(ms, () => {
			// The answer may wait behind this timer: ask once more before judging.
			if (clock.now() > due + lateMs && asked && !slept) {
				slept = true;
				ask();
			} else {
				then();
			}
		});
	}

	function rest() {
		wait(quietMs, ask);
	}

	function ask() {
		asked = true;
		wait(doubtMs, doubt);
		ping();
	}

	function doubt() {
		wait(deadMs - doubtMs, dead);
		silence();
	}

	return {
		/** A message came. */
		alive() {
			hurried = asked = slept = false;
			rest();
			heard();
		},
		/** Something was sent that is not itself the question. */
		sent() {
			if (hurried || asked)
				return;
			hurried = true;
			wait(sentMs, ask);
		},
		/** There is a reason to doubt, or somebody looks: ask now. */
		check() {
			if (!asked)
				ask();
		},
		stop: () => cancel(),
	};
}
