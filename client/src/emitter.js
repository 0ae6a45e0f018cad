// SPDX-License-Identifier: Apache-2.0
// Names and who wants to hear of them. A handler that throws harms nobody else: its error surfaces as
// an uncaught one, as it would from any listener of the page.

/**
 * @template {Record<string, any>} Map_  name -> what its handlers are given
 * @typedef {object} Emitter
 * @property {<K extends keyof Map_ & string>(name: K, handler: (value: Map_[K]) => void) => () => void} on  returns how to stop
 * @property {<K extends keyof Map_ & string>(name: K, value: Map_[K]) => void} emit
 */

/** @template {Record<string, any>} Map_ @returns {Emitter<Map_>} */
export function createEmitter() {
	/** @type {Map<string, Set<(value: any) => void>>} */
	const handlers = new Map();
	return {
		on(name, handler) {
			const one = (/** @type {any} */ value) => handler(value); // the same function twice is two
			const of = handlers.get(name) ?? new Set();
			handlers.set(name, of.add(one));
			return () => void of.delete(one);
		},
		emit(name, value) {
			for (const handler of [...(handlers.get(name) ?? [])])
				try {
					handler(value);
				} catch (cause) {
					queueMicrotask(() => {
						throw cause;
					});
				}
		},
	};
}
