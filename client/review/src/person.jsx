// SPDX-License-Identifier: Apache-2.0
// A person, small: the avatar, and a time of day.

/** Hues that the eye tells apart, and on which white letters are readable. */
const hues = [8, 28, 46, 95, 150, 178, 205, 230, 275, 325];

/** The same person has the same colour on every screen. @param {string} id */
function hueOf(id) {
	let hash = 141; // any start will do; with this one the demo reviewers differ
	for (const char of id)
		hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 16777619);
	hash = Math.imul(hash ^ (hash >>> 15), 2246822507);
	return hues[((hash ^ (hash >>> 13)) >>> 0) % hues.length];
}

/** The hue as page.css uses it. @param {string} id */
export const tinted = (id) => /** @type {import('react').CSSProperties} */ ({ '--hue': hueOf(id) });

/** @param {string} name */
function initials(name) {
	const words = name.trim().split(/\s+/);
	return [words[0], words.length > 1 ? words[words.length - 1] : ''].map((word) => [...word][0] ?? '').join('').toUpperCase() || '?';
}

/** The name is always beside it. @param {{id: string, name: string, small?: boolean}} props */
export function Avatar({ id, name, small }) {
	return <span className={small ? 'avatar small' : 'avatar'} aria-hidden="true" style={tinted(id)}>{initials(name || id)}</span>;
}

const times = new Intl.DateTimeFormat([], { hour: '2-digit', minute: '2-digit' });
const days = new Intl.DateTimeFormat([], { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' });

/** @param {{at: string | number}} props */
export function Time({ at }) {
	const date = new Date(at);
	if (Number.isNaN(date.getTime()))
		return null;
	const isToday = date.toDateString() === new Date().toDateString();
	return <time dateTime={date.toISOString()}>{(isToday ? times : days).format(date)}</time>;
}

/** `Ann`, `Ann and Bo`, `Ann, Bo and 3 others` @param {readonly string[]} names */
export function list(names) {
	if (names.length <= 2)
		return names.join(' and ');
	const rest = names.length - 2;
	return `${names[0]}, ${names[1]} and ${rest === 1 ? names[2] : `${rest} others`}`;
}
