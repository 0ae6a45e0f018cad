// SPDX-License-Identifier: Apache-2.0
// The golden conversations, read in JavaScript: whatever passes either way is what the generated constants
// name, with their members in their order, within their limits.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { envelope, errors, limits, objects, replies, requests, types } from '../../client/src/protocol.js';
import { dialects, readTranscript } from './transcript.mjs';

/** @typedef {import('../../client/src/protocol.js').FieldRow} FieldRow */
/** @typedef {import('../../client/src/protocol.js').PartRow} PartRow */

const messages = Object.fromEntries(Object.entries(dialects).map(([name, file]) =>
	[name, readTranscript(file).flatMap((scene) => scene.lines).filter((line) => line.text !== undefined)]));
const native = messages['moot.v1'];
const bytes = (/** @type {any} */ value) => Buffer.byteLength(typeof value === 'string' ? value : JSON.stringify(value));

/** What a value of each kind from a client is. @type {Record<string, (value: any, max: number) => boolean>} */
const fieldIs = {
	room: (value, max) => /^(submission|document):./.test(value) && bytes(value) <= max,
	text: (value, max) => typeof value === 'string' && value !== '' && bytes(value) <= max,
	name: (value, max) => /^[\w.:-]+$/.test(value) && bytes(value) <= max,
	json: (value) => value !== undefined,
	object: (value, max) => typeof value === 'object' && !Array.isArray(value) && bytes(value) <= max,
	count: (value, max) => Number.isSafeInteger(value) && value >= 1 && value <= max,
	seq: (value, max) => Number.isSafeInteger(value) && value >= 0 && value <= max,
	names: (value, max) => Array.isArray(value) && value.length <= limits.readNames && value.every((name) => fieldIs.name(name, max)),
};

/** What each list is of. @type {Record<string, string>} */
const items = { members: 'member', joined: 'member', changed: 'member', left: 'gone', events: 'stored', connections: 'connection' };

/** What a value of each kind from the server is. @type {Record<string, (value: any, name: string) => void>} */
const partIs = {
	text: (value) => assert.equal(typeof value, 'string'),
	json: (value) => assert.notEqual(value, undefined),
	list: (value, name) => value.forEach((/** @type {any} */ item) => checkParts(item, objects[items[name]])),
	number: (value) => assert.ok(Number.isSafeInteger(value) && value >= 0),
	hex: (value) => assert.match(value, /^[0-9a-f]{16}$/),
	flag: (value) => assert.equal(typeof value, 'boolean'),
	time: (value) => assert.equal(new Date(value).toISOString(), value),
	code: (value) => assert.ok(errors[value.toUpperCase()] && value === value.toLowerCase(), value),
	...Object.fromEntries(Object.entries(objects).map(([kind, parts]) =>
		[kind, (/** @type {any} */ value) => checkParts(value, parts)])),
};

/** Every part that has to be there is, in order, and nothing else. @param {any} object
 * @param {Readonly<Record<string, PartRow>>} parts */
function checkParts(object, parts) {
	const keys = Object.keys(object);
	const expected = Object.keys(parts).filter((name) => !parts[name].optional || keys.includes(name));
	assert.deepEqual(keys, expected);
	for (const name of keys)
		partIs[parts[name].kind](object[name], name);
}

/** @param {any} message */
function isGoodRequest({ type, ...fields }) {
	const row = Object.hasOwn(requests, type) ? requests[type] : undefined;
	return row !== undefined && Object.entries(row.fields).every(([name, field]) =>
		name in fields ? fieldIs[field.kind](fields[name], field.max) : field.optional);
}

test('a native client\'s line is good exactly when the constants say so', () => {
	let refused = 0;
	for (const line of native.filter((line) => line.from)) {
		if (line.error === 'BAD_JSON' || line.wrong === 'room') { // what JSON.parse refuses, or hides
			refused++;
			continue;
		}
		const message = JSON.parse(line.text);
		assert.equal(isGoodRequest(message), line.error === undefined, line.text);
		refused += line.error ? 1 : 0;
		assert.equal(line.read, line.error ? undefined : message.type);
	}
	assert.ok(refused > 3);
});

test('what a native client is told has its parts in order', () => {
	for (const line of native.filter((line) => line.to)) {
		const { type, ...parts } = JSON.parse(line.text);
		assert.equal(line.text, JSON.stringify({ type, ...parts }));
		assert.ok(replies[type], type);
		checkParts(parts, replies[type]);
	}
});

test('every message of the native protocol occurs', () => {
	const seen = (/** @type {'from' | 'to'} */ way) => new Set(native.filter((line) => line[way] && !line.error).map((line) => JSON.parse(line.text).type));
	assert.deepEqual([...seen('from')].sort(), Object.keys(requests).sort());
	assert.deepEqual([...seen('to')].sort(), Object.keys(replies).sort());
});

test('the v0 conversation has the types and the envelope of the constants', () => {
	for (const line of messages.v0.filter((line) => line.to)) {
		const { type, ...rest } = JSON.parse(line.text);
		assert.ok(types[type], type);
		if (types[type].from === 'server' && type !== 'error')
			assert.deepEqual(Object.keys(rest), envelope.filter((key) => key in rest), line.text);
	}
	for (const line of messages.v0.filter((line) => line.from && !line.error))
		assert.notEqual(types[line.read ?? ''].action, 'refuse');
});
