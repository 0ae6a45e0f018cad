// SPDX-License-Identifier: Apache-2.0
// Who is in a room, each user once, however many tabs. Pure. What it gives out never changes later: a
// member that is the same as before is the same object, and the list is a new one only when it differs.

/** @typedef {{id: string, since: string, state: Record<string, any>}} Connection  id: the session */
/** @typedef {{id: string, name: string, email: string, connections: Connection[]}} Member */
/** @typedef {{joined: Member[], left: Member[], changed: Member[]}} Difference */

/** @returns {Difference} */
const nothing = () => ({ joined: [], left: [], changed: [] });

export function createRoster() {
	/** @type {Map<string, Member>} */
	let members = new Map();
	/** Of the roster before, and not confirmed yet by the parts of the new one. @type {Set<string>} */
	const old = new Set();
	/** @type {readonly Member[]} */
	let list = Object.freeze([]);
	let count = 0;
	let listed = true;

	/** @param {Member} member @param {Difference} difference */
	function put(member, difference) {
		const before = members.get(member.id);
		old.delete(member.id);
		if (before && JSON.stringify(before) === JSON.stringify(member))
			return;
		members.set(member.id, member);
		difference[before ? 'changed' : 'joined'].push(member);
	}

	/** @param {string} id @param {Difference} difference */
	function remove(id, difference) {
		const before = members.get(id);
		old.delete(id);
		if (members.delete(id) && before)
			difference.left.push(before);
	}

	/** @param {Difference} difference @param {number | undefined} said */
	function settle(difference, said) {
		count = said ?? members.size - old.size;
		if (old.size > 0 && members.size - old.size >= count)
			for (const id of [...old])
				remove(id, difference);
		if (difference.joined.length + difference.left.length + difference.changed.length > 0)
			list = Object.freeze([...members.values()]);
		return difference;
	}

	return {
		get list() {
			return list;
		},
		/** How many users there are, also when they are not listed. */
		get count() {
			return count;
		},
		/** Whether `list` has all of them. */
		get listed() {
			return listed && members.size >= count;
		},
		/** The whole roster, or its beginning, or only its size. @param {Member[] | undefined} all @param {number} [said] */
		replace(all, said) {
			const difference = nothing();
			listed = all !== undefined;
			old.clear();
			for (const id of members.keys())
				old.add(id);
			for (const member of all ?? [])
				put(member, difference);
			if (!listed)
				for (const id of [...old])
					remove(id, difference);
			return settle(difference, said);
		},
		/** @param {{joined?: Member[], left?: {id: string}[], changed?: Member[], count?: number}} presence */
		apply({ joined = [], left = [], changed = [], count: said }) {
			const difference = nothing();
			for (const member of [...joined, ...changed])
				put(member, difference);
			for (const { id } of left)
				remove(id, difference);
			return settle(difference, said ?? Math.max(count - difference.left.length, members.size - old.size));
		},
	};
}
