// SPDX-License-Identifier: Apache-2.0
// JSON as it was on the wire: what JSON.parse no longer tells, such as the order of keys and doubled ones.

/** The keys of the outermost object, as often and in the order in which they were written.
 * @param {string} text valid JSON @returns {string[]} */
export function writtenKeys(text) {
	const keys = [];
	let depth = 0;
	for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"\s*:?|[[\]{}]/g)) {
		if (token === '{' || token === '[')
			depth++;
		else if (token === '}' || token === ']')
			depth--;
		else if (depth === 1 && token.endsWith(':'))
			keys.push(JSON.parse(token.slice(0, -1)));
	}
	return keys;
}
