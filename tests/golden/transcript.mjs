// SPDX-License-Identifier: Apache-2.0
// Reads the golden conversations; tests/golden/transcript.h says what the lines are.

import { readFileSync } from 'node:fs';

/**
 * @typedef {object} Line  one of: a message from or to a client; a connection that opens, is closed by its
 *   client, is lost, or is closed by the server
 * @property {string} [from]
 * @property {string} [to]
 * @property {string} text      of a message
 * @property {string} [read]    its type, of one that is taken
 * @property {string} [error]   of one that is not
 * @property {string} [wrong]   the field that is why
 * @property {string} [open]
 * @property {string} [path]
 * @property {string} [protocol]
 * @property {string} [close]
 * @property {string} [lost]
 * @property {string} [closed]
 * @property {number} [code]
 *
 * @typedef {object} Scene
 * @property {string} scene     what happens
 * @property {boolean} replay   whether it can be played against a cluster
 * @property {Line[]} lines
 */

export const dialects = { 'moot.v1': 'transcript_moot.v1.jsonl', v0: 'transcript_v0.jsonl' };

/** @param {string} file @returns {Scene[]} */
export function readTranscript(file) {
	/** @type {Scene[]} */
	const scenes = [];
	for (const text of readFileSync(new URL(file, import.meta.url), 'utf8').trimEnd().split('\n')) {
		const line = JSON.parse(text);
		if (line.scene)
			scenes.push({ ...line, lines: [] });
		else
			scenes[scenes.length - 1].lines.push(line);
	}
	return scenes;
}
