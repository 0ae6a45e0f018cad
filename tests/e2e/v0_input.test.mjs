// SPDX-License-Identifier: Apache-2.0
// What a client should never send: each gets one clear error or one close code, and the room goes on
// for everybody else.

import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { fence, socketUrl, withoutFences } from '../lib/client.mjs';
import { frame, opcode, RawSocket } from '../lib/raw.mjs';
import { World } from '../lib/world.mjs';

/** @type {World} */
let world;
/** @type {import('../lib/client.mjs').Room} */
let room;
/** @type {import('../lib/client.mjs').Client} */
let witness;

before(async () => {
	world = await World.open();
	room = world.room();
	witness = await world.join(room, 0);
});
after(() => world?.close());
beforeEach(() => world.restart());

/** After each offence: the witness is where it was, and the room works. */
async function roomGoesOn() {
	assert.ok(witness.isOpen);
	const other = await world.join(room, 1);
	await fence(other, [witness]);
	await other.leave();
}

const deep = (/** @type {number} */ n) => `{"type":"text_operation","data":${'['.repeat(n)}${']'.repeat(n)}}`;

describe('answered by an error frame, the connection stays', () => {
	const cases = {
		'no JSON': ['{', 'hello', '', ' ', '{"type":"ping"', '{"type":"text_operation",}', "{'type':'ping'}", '{"type":"ping"}{"type":"ping"}',
			'{"type":"text_operation","data":NaN}', '{"type":"text_operation","data":01}', '{"type":"text_operation","data":"\t"}', '\ufeff{"type":"ping"}',
			'{"type":"text_operation","data":"\\x41"}'],
		'no object': ['null', '1', 'true', '"ping"', '[]', '[{"type":"content_updated"}]'],
		'no known type': ['{}', '{"type":null}', '{"type":1}', '{"type":["ping"]}', '{"type":""}', '{"type":"no_such_type"}', '{"type":"PING"}',
			`{"type":"${'x'.repeat(10_000)}"}`, '{"type":"ping\\u0000"}', '{"Type":"ping"}'],
		'nested too deeply': [deep(500), deep(100_000), `{"type":"text_operation","data":${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}}`],
	};
	for (const [name, texts] of Object.entries(cases)) {
		test(name, async () => {
			const client = await world.join(room, 1);
			await fence(client, [witness]);
			witness.mark();
			for (const text of texts) {
				client.mark();
				client.sendText(text);
				const answer = await client.next('error').catch((cause) => {
					throw new Error(`${text.slice(0, 80)}: ${cause.message}`);
				});
				assert.equal(answer.message, 'Failed to process message');
				assert.equal(typeof answer.data.error, 'string');
				assert.ok(answer.data.error.length > 0);
				await client.settled();
				assert.equal(client.unread('error').length, 0, `one error for ${text.slice(0, 40)}`);
			}
			await fence(client, [witness]);
			assert.deepEqual(withoutFences(witness.unread('text_operation', 'content_updated')), []);
			await client.leave();
			await roomGoesOn();
		});
	}

	test('a type that comes twice is not relayed as one and read as the other', async () => {
		const client = await world.join(room, 1);
		await fence(client, [witness]);
		witness.mark();
		for (const text of ['{"type":"text_operation","type":"user_left","data":1}', '{"type":"user_left","t\\u0079pe":"text_operation","data":1}'])
			client.sendText(text);
		await client.settled();
		await fence(client, [witness]);
		for (const message of withoutFences(witness.unread())) {
			const names = [...message.text.matchAll(/"(?:type|t\\u0079pe|\\u0074ype)":"(\w+)"/g)].map(([, type]) => type);
			assert.ok(!names.includes('user_left'), message.text);
		}
		await client.leave();
	});

	test('a binary frame', async () => {
		const client = await world.join(room, 1);
		client.socket.send(Buffer.from('{"type":"content_updated"}'));
		const answer = await client.next('error');
		assert.equal(answer.message, 'Failed to process message');
		await client.settled();
		await client.leave();
		await roomGoesOn();
	});

	test('unusual but valid JSON is passed on', async () => {
		const client = await world.join(room, 1);
		await fence(client, [witness]);
		witness.mark();
		for (const data of ['1e400', '"\\ud800"', '-0', '123456789012345678901234567890', '""', '"\\u0000\\u001f\\/\\b"', '{"":{"":[]}}', '[[[[1]]]]', '"\u2028\u2029"']) {
			client.sendText(` \n{"type" : "text_operation",\t"data":${data} }\r\n`);
			const message = await witness.next((one) => one.type === 'text_operation' && !one.data?.mark);
			assert.ok(message.text.includes(data), `${data} in ${message.text}`);
		}
		await client.leave();
	});
});

describe('closes the one connection', () => {
	/** @type {[string, number | number[], (socket: RawSocket) => void][]} */
	const cases = [
		['a message that is too big', 1009, (socket) => socket.send(opcode.text, `{"type":"text_operation","data":"${'x'.repeat(9 << 20)}"}`)],
		['fragments that are too big together', 1009, (socket) => {
			for (let i = 0; i < 12; i++)
				socket.send(i ? opcode.continuation : opcode.text, 'x'.repeat(1 << 20), { fin: false });
		}],
		['a frame that announces 2^62 bytes', [1009, 1002, 1006], (socket) => socket.write(Buffer.from('81ff4000000000000000000000007878', 'hex'))],
		['invalid UTF-8', 1007, (socket) => socket.send(opcode.text, Buffer.from([0x22, 0xc3, 0x28, 0x22]))],
		['a surrogate in UTF-8', 1007, (socket) => socket.send(opcode.text, Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]))],
		['UTF-8 cut off at the end', 1007, (socket) => socket.send(opcode.text, Buffer.from([0x22, 0xf0, 0x9f, 0x8e]))],
		['a reserved bit', [1002, 1006], (socket) => socket.send(opcode.text, '{"type":"ping"}', { rsv: 4 })],
		['an unknown opcode', [1002, 1006], (socket) => socket.send(3, 'x')],
		['a continuation of nothing', [1002, 1006], (socket) => socket.send(opcode.continuation, 'x')],
		['a fragmented ping', [1002, 1006], (socket) => socket.send(opcode.ping, 'x', { fin: false })],
		['a ping of 126 bytes', [1002, 1006], (socket) => socket.send(opcode.ping, 'x'.repeat(126))],
	];
	for (const [name, code, offend] of cases) {
		test(name, async () => {
			const socket = await RawSocket.open(socketUrl(world.base(1), room, world.users[1]));
			await socket.message((message) => message.type === 'connected');
			offend(socket);
			const got = await socket.closeCode();
			assert.ok([code].flat().includes(got), `closed with ${got}`);
			await roomGoesOn();
		});
	}

	test('rubbish instead of frames', async () => {
		for (let seed = 1; seed <= 20; seed++) {
			const socket = await RawSocket.open(socketUrl(world.base(seed), room, world.users[1]));
			socket.write(rubbish(seed, 4_000));
			socket.socket.end();
			await socket.closeCode();
		}
		await roomGoesOn();
	});

	test('a connection that ends in the middle of a message', async () => {
		const socket = await RawSocket.open(socketUrl(world.base(1), room, world.users[1]));
		socket.write(frame(opcode.text, `{"type":"text_operation","data":"${'x'.repeat(1000)}"}`).subarray(0, 500));
		socket.end();
		await roomGoesOn();
	});
});

describe('unusual but correct', () => {
	test('fragments, control frames between them, split bytes', async () => {
		const socket = await RawSocket.open(socketUrl(world.base(1), room, world.users[1]));
		await socket.message((message) => message.type === 'connected');
		const text = Buffer.from('{"type":"text_operation","data":"Grüße 🎼"}');
		const bytes = Buffer.concat([
			frame(opcode.text, text.subarray(0, 10), { fin: false }),
			frame(opcode.ping, 'still there?'),
			frame(opcode.continuation, text.subarray(10, 36), { fin: false }),
			frame(opcode.continuation, '', { fin: false }),
			frame(opcode.continuation, text.subarray(36)),
		]);
		for (const byte of bytes)
			socket.write(Buffer.from([byte]));
		const message = await witness.next((one) => one.type === 'text_operation' && one.data === 'Grüße 🎼');
		assert.equal(message.userId, world.users[1].id);
		await socket.frame((one) => one.opcode === opcode.pong && one.payload.toString() === 'still there?', 'pong');
		socket.send(opcode.close, Buffer.from([0x03, 0xe8]));
		assert.equal(await socket.closeCode(), 1000);
	});

	test('many messages in one segment', async () => {
		const socket = await RawSocket.open(socketUrl(world.base(1), room, world.users[1]));
		await socket.message((message) => message.type === 'connected');
		socket.write(Buffer.concat(Array.from({ length: 200 }, (_, n) => frame(opcode.text, `{"type":"text_operation","data":{"many":${n}}}`))));
		await witness.until(() => witness.all('text_operation').filter((one) => one.data?.many !== undefined).length === 200, '200 messages');
		assert.deepEqual(witness.all('text_operation').filter((one) => one.data?.many !== undefined).map((one) => one.data.many),
			Array.from({ length: 200 }, (_, n) => n));
		socket.end();
	});
});

describe('too much', () => {
	test('messages faster than the limit: said once a second, the connection stays', async () => {
		const client = await world.join(room, 1);
		await fence(client, [witness]);
		for (let n = 0; n < 1_500; n++)
			client.send('user_presence', { flood: n });
		const refusal = await client.next('error');
		assert.equal(refusal.data.code, 'TOO_FAST');
		await new Promise((resolve) => setTimeout(resolve, 300)); // the limit is one of time: let it recover
		await client.settled();
		const passed = witness.all('user_presence').filter((one) => one.data?.flood !== undefined).length;
		assert.ok(passed >= 200 && passed < 1_500, `${passed} passed`);
		assert.ok(client.all('error').length < 20, 'an answer to each would be a flood too');
		await client.leave();
		await roomGoesOn();
	});

	test('a reader that does not read costs the others nothing', async () => {
		const lazy = await RawSocket.open(socketUrl(world.base(1), room, world.users[5]));
		await lazy.message((message) => message.type === 'connected');
		lazy.socket.pause();
		const client = await world.join(room, 1);
		const page = 'x'.repeat(1 << 20);
		for (let n = 0; n < 14; n++) { // more than all buffers between the gateway and the reader hold, less than limits.bytes allows at once
			client.send('content_updated', { page, n });
			await witness.next((message) => message.data?.n === n);
		}
		lazy.end();
		await client.leave();
		await roomGoesOn();
	});
});

/** Bytes without a pattern that are the same in each run. @param {number} seed @param {number} count */
function rubbish(seed, count) {
	const bytes = Buffer.alloc(count);
	let state = seed * 2654435761 >>> 0;
	for (let i = 0; i < count; i++) {
		state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
		bytes[i] = state >>> 24;
	}
	return bytes;
}
