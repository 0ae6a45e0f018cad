// SPDX-License-Identifier: Apache-2.0
// Says the latest of each key at once, and then not more often than every few milliseconds: what is
// replaced meanwhile is never sent.

/**
 * @template T
 * @param {object} how
 * @param {import('./clock.js').Clock} how.clock
 * @param {number} how.ms
 * @param {(value: T) => void} how.send
 */
export function createPacer({ clock, ms, send }) {
	/** @type {Map<string, {next: (() => T) | null, cancel: () => void}>} */
	const keys = new Map();

	/** @param {string} key */
	function due(key) {
		const of = keys.get(key);
		if (!of?.next) {
			keys.delete(key);
			return;
		}
		const { next } = of;
		of.next = null;
		of.cancel = clock.after(ms, () => due(key));
		send(next());
	}

	return {
		/** @param {string} key @param {() => T} value asked when it is time */
		say(key, value) {
			const of = keys.get(key);
			if (of) {
				of.next = value;
				return;
			}
			keys.set(key, { next: value, cancel: () => {} });
			due(key);
		},
		/** What waits is forgotten. */
		clear() {
			for (const { cancel } of keys.values())
				cancel();
			keys.clear();
		},
	};
}
