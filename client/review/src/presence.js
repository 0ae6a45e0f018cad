// SPDX-License-Identifier: Apache-2.0
// What the states of somebody's connections say. Native clients have `mode`, `field`, `typing`, `cursor`;
// of clients of the relay the server shows `editing`, `typing` and `cursor` as they sent them. Pure.

/** @typedef {import('moothall').Member} Member */

/** @param {Member} member */
export const isEditing = ({ connections }) => connections.some(({ state }) => state.mode === 'editing' || state.editing);

/** @param {Member} member */
export const isTyping = ({ connections }) => connections.some(({ state }) => state.typing);

/** Edits in a client that knows nothing of turns. @param {Member} member */
export const editsElsewhere = ({ connections }) => connections.some(({ state }) => !state.mode && state.editing && !dataOf(state.editing).via);

/** The relay's clients' states are whole messages. @param {any} state */
const dataOf = (state) => state?.data ?? state;

/** A cursor as a range of the text, or null. @param {any} cursor @param {string} text @param {string} field */
export function rangeOf(cursor, text, field) {
	const clamp = (/** @type {number} */ at) => Math.max(0, Math.min(text.length, Math.trunc(at)));
	const said = dataOf(cursor);
	if (Number.isFinite(said?.from))
		return said.field === field ? { from: clamp(said.from), to: clamp(said.to ?? said.from) } : null;
	const { anchor, focus, line, column } = said?.position ?? {};
	const ends = [anchor ?? { line, column }, focus ?? anchor ?? { line, column }].map((place) => offsetOf(place, text));
	if (ends.includes(-1))
		return null;
	return { from: Math.min(...ends), to: Math.max(...ends) };
}

/** @param {any} place lines and columns from 1 @param {string} text */
function offsetOf(place, text) {
	if (!Number.isFinite(place?.line) || !Number.isFinite(place?.column))
		return -1;
	const lines = text.split('\n');
	const line = Math.max(0, Math.min(lines.length - 1, place.line - 1));
	const before = lines.slice(0, line).reduce((sum, one) => sum + one.length + 1, 0);
	return before + Math.max(0, Math.min(lines[line].length, place.column - 1));
}

/** As the relay's clients say it. @param {string} text @param {number} offset */
export function placeOf(text, offset) {
	const before = text.slice(0, offset).split('\n');
	return { line: before.length, column: before[before.length - 1].length + 1 };
}
