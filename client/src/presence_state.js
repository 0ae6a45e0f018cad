// SPDX-License-Identifier: Apache-2.0
// What this connection tells of itself in one room. Partial objects merge, null removes. Keeps what was
// changed since it was last said, and what was removed, so that it can be said again over another
// connection.

/** @typedef {Record<string, any>} State */

/** @param {State} [first] */
export function createPresenceState(first = {}) {
	/** As others should see it, with the nulls that removed something. @type {State} */
	let said = { ...first };
	/** @type {State} */
	let unsaid = {};
	/** @type {Readonly<State>} */
	let value = strip(said);

	return {
		get value() {
			return value;
		},
		/** @param {State} part */
		set(part) {
			said = { ...said, ...part };
			unsaid = { ...unsaid, ...part };
			value = strip(said);
		},
		/** What is to be sent now. */
		take() {
			const part = unsaid;
			unsaid = {};
			return part;
		},
		/** Everything, for a room that is joined again; undefined: nothing to say. @returns {State | undefined} */
		all() {
			unsaid = {};
			return Object.keys(said).length > 0 ? said : undefined;
		},
	};
}

/** @param {State} state @returns {Readonly<State>} */
function strip(state) {
	return Object.freeze(Object.fromEntries(Object.entries(state).filter(([, value]) => value !== null && value !== undefined)));
}
