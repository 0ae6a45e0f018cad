// SPDX-License-Identifier: Apache-2.0
// Who is in a room, each user once, however many tabs. Pure. What it gives out never changes later: a
// member that is the same as before is the same object, and the list is a new one only when it differs.

/** @typedef {{id: string, since: string, state: Record<string, any>}} Connection  id: the session */
/** @typedef {{id: string, name: string, email: string, connections: Connection[]}} Member */
/** @typedef {{joined: Member[], left: Member[], changed: Member[], isNews: boolean}} Difference */

/** @returns {Difference} */
const nothing = () => ({ joined: [], left: [], changed: [], isNews: false });

export function createRoster() {
	/** @type {Map<string, Member>} */
	const members = new Map();
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

	/** @param {Difference} difference @param {number} said */
	function settle(difference, said) {
		const { joined, left, changed } = difference;
		if (members.size - old.size >= said)
			for (const id of [...old])
				remove(id, difference);
		if (joined.length + left.length + changed.length > 0)
			list = Object.freeze([...members.values()]);
		difference.isNews = count !== said || joined.length + left.length + changed.length > 0;
		count = said;
		return difference;
	}

	/** Too many to be listed: nobody came or went by that. @param {number} said */
	function forget(said) {
		const difference = { ...nothing(), isNews: listed || count !== said };
		members.clear();
		old.clear();
		list = Object.freeze([]);
		count = said;
		listed = false;
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
			if (!all)
				return forget(said ?? 0);
			const difference = nothing();
			listed = true;
			old.clear();
			for (const id of members.keys())
				old.add(id);
			for (const member of all)
				put(member, difference);
			return settle(difference, said ?? all.length);
		},
		/** With `count` the members are too many to be named from now on; without it, they are those named since.
		 * @param {{joined: Member[], left: {id: string}[], changed: Member[], count?: number}} presence */
		apply({ joined, left, changed, count: said }) {
			if (said !== undefined)
				return forget(said);
			const difference = nothing();
			if (!listed)
				count = 0;
			listed = true;
			for (const member of [...joined, ...changed])
				put(member, difference);
			for (const { id } of left)
				remove(id, difference);
			return settle(difference, Math.max(count - difference.left.length, members.size - old.size));
		},
	};
}
