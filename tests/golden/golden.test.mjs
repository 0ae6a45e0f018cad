// SPDX-License-Identifier: Apache-2.0
// The golden vectors of the v0 dialect, read in JavaScript: what the gateway writes is what a JSON reader
// and the generated constants expect. The spread of an object is the oracle of stamping.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { closes, envelope, errors, identities, types } from '../../client/src/protocol.js';

const vectors = readFileSync(new URL('v0.jsonl', import.meta.url), 'utf8')
	.trimEnd().split('\n').map((line) => JSON.parse(line));

const made = (/** @type {string} */ kind) => vectors.filter((vector) => vector.make === kind);
const idKey = { submission: 'submissionId', document: 'documentId' };
const iso = (/** @type {number} */ ms) => new Date(ms).toISOString();
const keysOf = (/** @type {string} */ text) => Object.keys(JSON.parse(text));

/** @param {any} vector */
function identity(vector) {
	return { userId: vector.user, userName: vector.name, userEmail: vector.email };
}

test('every kind of vector is there', () => {
	for (const kind of ['server', 'error', 'read', 'stamp'])
		assert.ok(made(kind).length > 3, kind);
});

test('the server\'s messages have the members of the envelope, in its order', () => {
	for (const vector of [...made('server'), ...made('error')]) {
		const keys = keysOf(vector.text).filter((key) => key !== 'message');
		assert.deepEqual(keys, envelope.filter((key) => keys.includes(key)), vector.text);
	}
});

test('the server\'s messages are what JSON.stringify would write', () => {
	for (const vector of made('server')) {
		const message = JSON.parse(vector.text);
		const room = vector.type === 'heartbeat_response' && vector.kind === 'document' ? {} : { [idKey[vector.kind]]: vector.room };
		const expected = {
			type: vector.type, ...room, ...(identities[vector.type] ?? identity(vector)),
			...(vector.type === 'room_state' && { users: message.users }),
			timestamp: iso(vector.at), ...(vector.seq > 0 && { seq: vector.seq }),
		};
		assert.equal(vector.text, JSON.stringify(expected));
	}
});

test('a room_state lists each user once, with the four members in order', () => {
	for (const vector of made('server').filter(({ type }) => type === 'room_state')) {
		const { users } = JSON.parse(vector.text);
		assert.equal(new Set(users.map((/** @type {any} */ user) => user.userId)).size, users.length);
		for (const user of users) {
			assert.deepEqual(Object.keys(user), ['userId', 'userName', 'userEmail', 'connectedAt']);
			assert.equal(user.connectedAt, iso(Date.parse(user.connectedAt)));
		}
	}
});

test('errors say it in both places and name their code', () => {
	for (const vector of made('error')) {
		const text = 'Failed to process message';
		assert.equal(vector.text, JSON.stringify({
			type: 'error', message: text,
			data: { error: `${text}: ${errors[vector.error].text}`, code: vector.error }, timestamp: iso(vector.at),
		}));
	}
});

test('a frame is taken exactly when its last type is one that clients may send', () => {
	for (const vector of made('read')) {
		let expected;
		try {
			const frame = JSON.parse(vector.frame);
			const row = frame !== null && !Array.isArray(frame) && Object.hasOwn(types, frame.type) && types[frame.type];
			expected = row && row.action !== 'refuse' ? 'NONE' : 'BAD_TYPE';
		} catch {
			expected = 'BAD_JSON';
		}
		assert.equal(vector.error, expected, vector.frame);
	}
});

test('stamping is the spread of the sender\'s object with the identity over it', () => {
	for (const vector of made('stamp')) {
		const { seq, ...frame } = JSON.parse(vector.frame);
		const other = vector.kind === 'submission' ? 'documentId' : 'submissionId';
		const expected = { ...frame, ...identity(vector), [idKey[vector.kind]]: vector.room, timestamp: iso(vector.at) };
		delete expected[other];
		assert.equal(JSON.stringify(JSON.parse(vector.text)), JSON.stringify(expected), vector.frame);
		if (!vector.frame.includes(' ')) // then nothing is spelt in two ways: no member comes twice
			assert.equal(vector.text, JSON.stringify(expected));
	}
});

test('the constants agree among themselves', () => {
	for (const [type, row] of Object.entries(types)) {
		assert.equal(row.from === 'server', row.action === 'refuse', type);
		assert.equal(row.keep > 0, row.key !== '', type);
	}
	for (const [code, close] of Object.entries(closes))
		for (const name of close.errors)
			assert.equal(errors[name].close, Number(code), name);
});
