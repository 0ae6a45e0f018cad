// SPDX-License-Identifier: Apache-2.0
// What differs between two texts, in words that people can see; and where a place in one of them is in the
// other. Pure.

const cellsMax = 1_000_000; // of the table of words by words; beyond that what differs is one piece

/** @typedef {{text: string, differs: boolean}} Piece */

/** How many characters of the beginning, and of the rest from the end, both have. @param {string} a @param {string} b */
function shared(a, b) {
	const most = Math.min(a.length, b.length);
	let from = 0;
	while (from < most && a[from] === b[from])
		from++;
	let end = 0;
	while (end < most - from && a[a.length - 1 - end] === b[b.length - 1 - end])
		end++;
	return { from, end };
}

/** Where `at` in `before` is in `after`: what was inserted or removed ahead of it moves it.
 * @param {number} at @param {string} before @param {string} after */
export function carried(at, before, after) {
	const { from, end } = shared(before, after);
	if (at <= from)
		return at;
	return at < before.length - end ? after.length - end : at + after.length - before.length;
}

/** `text` in pieces, those that `other` does not have marked; whole words. @param {string} text @param {string} other @returns {Piece[]} */
export function pieces(text, other) {
	let { from, end } = shared(text, other);
	while (from > 0 && /\S/.test(text[from - 1]))
		from--;
	while (end > 0 && /\S/.test(text[text.length - end]))
		end--;
	const words = split(text.slice(from, text.length - end));
	const kept = common(words, split(other.slice(from, other.length - end)));
	/** @type {Piece[]} */
	const all = [];
	const add = (/** @type {string} */ one, /** @type {boolean} */ differs) => {
		const last = all.at(-1);
		if (last?.differs === differs)
			last.text += one;
		else if (one)
			all.push({ text: one, differs });
	};
	add(text.slice(0, from), false);
	words.forEach((word, i) => add(word, !kept.has(i)));
	add(text.slice(text.length - end), false);
	return all;
}

/** Words and what is between them. @param {string} text */
const split = (text) => text.match(/\s+|\S+/g) ?? [];

/** Which of `a` are in the longest list that both have in order. @param {string[]} a @param {string[]} b @returns {Set<number>} */
function common(a, b) {
	/** @type {Set<number>} */
	const kept = new Set();
	const width = b.length + 1;
	if (a.length * width > cellsMax)
		return kept;
	const longest = new Uint32Array((a.length + 1) * width); // of a[i..] and b[j..]
	for (let i = a.length - 1; i >= 0; i--)
		for (let j = b.length - 1; j >= 0; j--)
			longest[i * width + j] = a[i] === b[j] ? longest[(i + 1) * width + j + 1] + 1 : Math.max(longest[(i + 1) * width + j], longest[i * width + j + 1]);
	for (let i = 0, j = 0; i < a.length && j < b.length;)
		if (a[i] === b[j]) {
			kept.add(i++);
			j++;
		} else if (longest[(i + 1) * width + j] >= longest[i * width + j + 1]) {
			i++;
		} else {
			j++;
		}
	return kept;
}
