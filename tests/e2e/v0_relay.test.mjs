// SPDX-License-Identifier: Apache-2.0
// What is said in a room: who gets it, with whose identity, in which order, and what is refused. Each
// test is run for both kinds of room and wherever the users and the rooms are.

import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { fence, withoutFences } from '../lib/client.mjs';
import { bearer, request } from '../lib/http.mjs';
import { writtenKeys } from '../lib/json.mjs';
import { assertStamped } from '../lib/stamp.mjs';
import { kinds, layouts, World } from '../lib/world.mjs';

/** @type {World} */
let world;

before(async () => {
	world = await World.open();
});
after(() => world?.close());
beforeEach(() => world.restart());

/** @param {{text: string}} message */
const keys = (message) => writtenKeys(message.text);

/** @param {import('../lib/client.mjs').Room} room @param {string} session @param {object | string} body @param {number} [gateway] */
function broadcast(room, session, body, gateway = 0) {
	return request(`${world.publicUrls[gateway]}/api/ws/${room.kind}s/${encodeURIComponent(room.id)}/broadcast`, {
		method: 'POST', headers: bearer(session), body: typeof body === 'string' ? body : JSON.stringify(body),
	});
}

for (const layout of layouts) {
	for (const kind of kinds) {
		describe(`${layout.name}, ${kind}`, () => {
			before(() => {
				world.layout = layout;
			});
			suite(kind);
		});
	}
}

/** @param {'submission' | 'document'} kind */
function suite(kind) {
	const idKey = `${kind}Id`;

	test('a message goes to everybody but the socket it came from, as it was written', async () => {
		const room = world.room(kind);
		const [a, b, c, b2] = [await world.join(room, 0), await world.join(room, 1), await world.join(room, 3), await world.join(room, 1)];
		b.sendText(`{"zebra":[1, 2.50,{"x":null}],"type":"text_operation","data":{"b":1,"a":"\\u00e9 \\ud83c\\udfbc /"},"apple":-0.0}`);
		const isIt = (/** @type {any} */ message) => message.type === 'text_operation' && 'zebra' in message;
		for (const client of [a, c, b2]) {
			const message = await client.next(isIt);
			assertStamped(b, message);
			assert.deepEqual(keys(message).slice(0, 4), ['zebra', 'type', 'data', 'apple']);
			assert.deepEqual(keys(message).slice(4), ['userId', 'userName', 'userEmail', idKey, 'timestamp', 'seq']);
			assert.deepEqual(message.data, { b: 1, a: 'é 🎼 /' });
			assert.deepEqual(message.zebra, [1, 2.5, { x: null }]);
			assert.match(message.text, /2\.50/, 'numbers are passed on as they were written');
		}
		await fence(a, [b]);
		assert.equal(b.received.some(isIt), false, 'not to the sending socket');
	});

	test('a forged identity is overwritten, however it is spelt', async () => {
		const room = world.room(kind);
		const a = await world.join(room, 0);
		const b = await world.join(room, 1);
		const forged = [
			'{"type":"user_presence","userId":"u_9","userName":"Eve","userEmail":"e@x","submissionId":"other","documentId":"other","timestamp":"never","seq":1}',
			'{"userId":"u_9","type":"user_presence","userId":"u_8","userName":["a"],"userEmail":{"x":1},"timestamp":5}',
			'{"type":"user_presence","user\\u0049d":"u_9","\\u0075serName":"Eve","user\\u0045mail":"e","s\\u0065q":7,"\\u0073ubmissionId":"o","\\u0064ocumentId":"o"}',
			'{"type":"user_presence","userId":null,"data":{"userId":"kept","userName":"kept"},"user\\u0049d":[],"userId":"u_9"}',
			'{"\\u0074ype":"user_presence","userId":"u_9"}',
		];
		for (const text of forged) {
			b.sendText(text);
			const message = await a.next('user_presence');
			assertStamped(b, message);
			const all = keys(message);
			assert.equal(new Set(all).size, all.length, `each key once: ${message.text}`);
			assert.equal((message.text.match(/"seq":/g) ?? []).length, 1);
			assert.ok(message.text.endsWith(`,"seq":${message.seq}}`), message.text);
		}
		const nested = a.all('user_presence')[3];
		assert.deepEqual(nested.data, { userId: 'kept', userName: 'kept' }, 'only the outermost keys are the identity');
	});

	test('keys keep the place that the sender gave them', async () => {
		const room = world.room(kind);
		const a = await world.join(room, 0);
		const b = await world.join(room, 1);
		b.sendText(`{"timestamp":"t","data":{},"userName":"x","targetUserId":"u_0","type":"request_cursor_refresh","userId":"y"}`);
		const message = await a.next('request_cursor_refresh');
		assert.deepEqual(keys(message), ['timestamp', 'data', 'userName', 'targetUserId', 'type', 'userId', 'userEmail', idKey, 'seq']);
		assert.equal(message.targetUserId, 'u_0');
	});

	test('every message of the old client is relayed', async () => {
		const room = world.room(kind);
		const a = await world.join(room, 0);
		const b = await world.join(room, 1);
		for (const type of ['editing_started', 'editing_stopped', 'typing_start', 'typing_stop', 'cursor_position', 'content_updated',
			'realtime_content_update', 'text_operation', 'request_cursor_refresh', 'request_cursor_refresh_all', 'user_presence']) {
			b.send(type, { of: type });
			const message = await a.next(type);
			assertStamped(b, message);
			assert.deepEqual(message.data, { of: type });
			assert.deepEqual(keys(message), ['type', idKey, 'userId', 'userName', 'userEmail', 'data', 'timestamp', 'seq']);
		}
	});

	test('what the application says over REST reaches everybody, the author too', async () => {
		const room = world.room(kind);
		const [a, a2, b] = [await world.join(room, 0), await world.join(room, 0), await world.join(room, 1)];
		for (const [n, type] of ['comment_added', 'approval_added', 'status_changed', 'content_updated'].entries()) {
			const answer = await broadcast(room, world.users[0].session, { type, data: { n }, userId: 'forged', seq: 9, extra: [n] }, n % 2);
			assert.equal(answer.status, 200);
			assert.equal(answer.body, '{"success":true}');
			for (const client of [a, a2, b]) {
				const message = await client.next(type);
				assertStamped(a, message);
				assert.deepEqual(message.data, { n });
				assert.deepEqual(message.extra, [n]);
				assert.deepEqual(keys(message), ['type', 'data', 'userId', 'extra', 'userName', 'userEmail', idKey, 'timestamp', 'seq']);
			}
		}
	});

	test('seq grows by one for each message of the room', async () => {
		const room = world.room(kind);
		const members = [await world.join(room, 0), await world.join(room, 1), await world.join(room, 3)];
		const from = Math.max(...members.map((client) => client.all('connected')[0].seq));
		for (let n = 0; n < 10; n++) {
			members.forEach((client) => client.send('text_operation', { n }));
			await broadcast(room, world.users[0].session, { type: 'comment_added', data: { n } });
		}
		const extra = await world.join(room, 4);
		await extra.leave();
		await members[0].next('user_left');
		for (const client of members)
			await fence(client, members.filter((other) => other !== client));
		/** @type {Map<number, string>} */
		const seen = new Map();
		for (const client of [...members, extra]) {
			let last = 0;
			for (const message of client.received) {
				if (message.seq === undefined)
					continue;
				assert.ok(message.seq > last, `${client.user.id}: ${message.seq} after ${last}`);
				last = message.seq;
				const what = `${message.type} ${message.userId} ${JSON.stringify(message.data)}`;
				assert.equal(seen.get(message.seq) ?? what, what, 'one number, one message');
				seen.set(message.seq, what);
			}
		}
		const numbers = [...seen.keys()].filter((seq) => seq > from).sort((x, y) => x - y);
		assert.deepEqual(numbers, Array.from({ length: numbers.length }, (_, i) => from + 1 + i), 'no number is skipped');
	});

	test('one order for everybody', async () => {
		const room = world.room(kind);
		const members = [await world.join(room, 0), await world.join(room, 1), await world.join(room, 3), await world.join(room, 4)];
		for (let n = 0; n < 25; n++)
			members.slice(0, 2).forEach((client, who) => client.send('text_operation', { who, n }));
		await Promise.all(members.slice(2).map((client) =>
			client.until(() => client.all('text_operation').length === 50, 'all 50 messages')));
		const order = members.slice(2).map((client) => client.all('text_operation').map(({ data }) => `${data.who}:${data.n}`));
		assert.deepEqual(order[0], order[1]);
		for (const who of [0, 1])
			assert.deepEqual(order[0].filter((one) => one.startsWith(`${who}:`)), Array.from({ length: 25 }, (_, n) => `${who}:${n}`));
	});

	test('a document of 1 MiB', async () => {
		const room = world.room(kind);
		const a = await world.join(room, 0);
		const b = await world.join(room, 1);
		const content = 'Grüße 🎼 "quoted" \\ '.repeat(50_000).slice(0, 1 << 20);
		b.send('content_updated', { field: 'richTextContent', oldValue: '', newValue: content });
		const message = await a.next('content_updated');
		assertStamped(b, message);
		assert.equal(message.data.newValue, content);
	});

	test('what only the server may say is refused, and the connection stays', async () => {
		const room = world.room(kind);
		const a = await world.join(room, 0);
		const b = await world.join(room, 1);
		await a.next('user_joined');
		await fence(b, [a]);
		a.mark();
		b.mark();
		const forged = ['room_state', 'connected', 'user_joined', 'user_left', 'error', 'comment_added', 'approval_added', 'status_changed'];
		for (const type of forged) {
			b.send(type, { forged: true }, { users: [] });
			const refusal = await b.next('error');
			assert.equal(refusal.message, 'Failed to process message', type);
			assert.equal(typeof refusal.data.error, 'string');
			assert.ok(refusal.data.error.length > 0);
		}
		await fence(b, [a]);
		assert.deepEqual(withoutFences(a.unread()).filter((message) => message.data?.forged), []);
		assert.ok(b.isOpen);
	});
}
