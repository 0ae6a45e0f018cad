// SPDX-License-Identifier: Apache-2.0
// Time as this package sees it, so that tests can be in charge of it. `now` is wall time: it goes on
// while a laptop sleeps, which timers do not.

/**
 * @typedef {object} Clock
 * @property {() => number} now                                       ms
 * @property {(ms: number, then: () => void) => () => void} after     returns how to cancel it
 */

/** @type {Clock} */
export const clock = {
	now: () => Date.now(),
	after(ms, then) {
		const timer = setTimeout(then, ms);
		return () => clearTimeout(timer);
	},
};
