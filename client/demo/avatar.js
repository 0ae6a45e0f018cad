// SPDX-License-Identifier: Apache-2.0
// Small pieces of the page that more than one list shows: a person's avatar and a time of day.

/** Hues that the eye tells apart and that white letters are readable on. */
const hues = [8, 28, 46, 95, 150, 178, 205, 230, 275, 325];

/** The same person has the same colour on every screen. @param {string} id */
function hue(id) {
	let hash = 141; // any start will do; with this one the demo reviewers differ
	for (const char of id)
		hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 16777619);
	hash = Math.imul(hash ^ (hash >>> 15), 2246822507);
	return hues[((hash ^ (hash >>> 13)) >>> 0) % hues.length];
}

/** @param {string} id @param {string} name */
export function avatar(id, name) {
	const span = document.createElement('span');
	span.className = 'avatar';
	span.setAttribute('aria-hidden', 'true'); // the name is always beside it
	span.textContent = ([...(name || id).trim()][0] ?? '?').toUpperCase();
	span.style.setProperty('--hue', String(hue(id)));
	return span;
}

/** @param {string} [iso] */
export function clock(iso) {
	const at = iso ? new Date(iso) : new Date();
	const time = document.createElement('time');
	if (Number.isNaN(at.getTime()))
		return time;
	time.dateTime = at.toISOString();
	time.textContent = at.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
	return time;
}
