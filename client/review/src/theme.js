// SPDX-License-Identifier: Apache-2.0
// Light, dark, or as the system has it.

const keptAs = 'moothall.theme';

/** @typedef {'system' | 'light' | 'dark'} Theme */

/** @returns {Theme} */
export function readTheme() {
	const kept = localStorage.getItem(keptAs);
	return kept === 'light' || kept === 'dark' ? kept : 'system';
}

/** @param {Theme} [theme] */
export function applyTheme(theme = readTheme()) {
	localStorage.setItem(keptAs, theme);
	document.documentElement.dataset.theme = theme;
}
