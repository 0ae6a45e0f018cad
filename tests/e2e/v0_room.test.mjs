// SPDX-License-Identifier: Apache-2.0
// Who is in a room, as its members are told, and what the server says for itself. Each test is run for
// both kinds of room and wherever the users and the rooms are.

import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { fence, roomName, userIds, withoutFences } from '../lib/client.mjs';
import { bearer, request } from '../lib/http.mjs';
import { writtenKeys } from '../lib/json.mjs';
import { assertStamped, iso } from '../lib/stamp.mjs';
import { kinds, layouts, World } from '../lib/world.mjs';

/** @typedef {import('../lib/client.mjs').Client} Client */

/** @type {World} */
let world;

before(async () => {
	world = await World.open();
});
after(() => world?.close());
beforeEach(() => world.restart());

/** @param {{text: string}} message */
const keys = (message) => writtenKeys(message.text);

/** @param {Client} client */
const types = (client) => withoutFences(client.all()).map((message) => message.type);

/** Wait until `client` was told, in a room_state, that exactly these users are in.
 * @param {Client} client @param {string[]} expected */
const rosterIs = (client, expected) => client.until(() =>
	userIds(client.all('room_state').at(-1))?.join() === expected.join(), `room_state with ${expected}`);

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

	test('the transcript of joins and leaves', async () => {
		const room = world.room(kind);
		const [ada, bob] = [world.users[0].id, world.users[1].id];

		const a = await world.join(room, 0);
		assert.deepEqual(types(a), ['room_state', 'connected']);
		assert.deepEqual(userIds(a.received[0]), [ada]);
		a.mark();

		const b = await world.join(room, 1);
		assert.deepEqual(types(b).slice(0, 2), ['room_state', 'connected']);
		assert.deepEqual(userIds(b.received[0]), [ada, bob]);
		assert.equal((await a.next('user_joined')).userId, bob);
		assert.deepEqual(userIds(await a.next('room_state')), [ada, bob]);
		await fence(b, [a]);
		await fence(a, [b]);
		[a, b].forEach((client) => client.mark());

		const a2 = await world.join(room, 0);
		assert.deepEqual(types(a2).slice(0, 2), ['room_state', 'connected']);
		assert.deepEqual(userIds(a2.received[0]), [ada, bob]);
		await a2.leave();
		await fence(b, [a]);
		await fence(a, [b]);
		for (const client of [a, b]) {
			assert.deepEqual(client.unread('user_joined', 'user_left'), [], 'a second tab of a user is no news');
			for (const state of client.unread('room_state'))
				assert.deepEqual(userIds(state), [ada, bob]);
		}

		await a.leave();
		assert.equal((await b.next('user_left')).userId, ada);
		assert.deepEqual(userIds(await b.next('room_state')), [bob]);
	});

	test('the exact keys of each message of the server', async () => {
		const room = world.room(kind);
		const a = await world.join(room, 0);
		const b = await world.join(room, 1);
		await a.next('user_joined');
		a.send('ping');
		a.send('heartbeat');
		a.sendText('{');
		await a.next('error');
		await b.leave();
		await a.next('user_left');
		const envelope = ['type', idKey, 'userId', 'userName', 'userEmail'];
		const expected = {
			room_state: [...envelope, 'users', 'timestamp', 'seq'],
			connected: [...envelope, 'timestamp', 'seq'],
			user_joined: [...envelope, 'timestamp', 'seq'],
			user_left: [...envelope, 'timestamp', 'seq'],
			pong: [...envelope, 'timestamp'],
			heartbeat_response: [...(kind === 'submission' ? envelope : envelope.filter((key) => key !== idKey)), 'timestamp'],
			error: ['type', 'message', 'data', 'timestamp'],
		};
		for (const [type, order] of Object.entries(expected))
			assert.deepEqual(keys(a.all(type)[0]), order, type);
		assert.match(a.all('room_state')[0].text, /"users":\[\{"userId":"[^"]*","userName":"[^"]*","userEmail":"[^"]*","connectedAt":"[^"]*"\}\]/);
		const state = a.all('room_state')[0];
		assert.deepEqual([state.userId, state.userName, state.userEmail], ['system', 'System', 'system@websocket']);
		for (const type of ['connected'])
			assertStamped(a, a.all(type)[0]);
		for (const type of ['user_joined', 'user_left'])
			assertStamped(b, a.all(type)[0]);
	});

	test('/room tells the same room that the sockets are in, from any gateway', async () => {
		const room = world.room(kind);
		const a = await world.join(room, 0);
		const b = await world.join(room, 1);
		await world.join(room, 0);
		await fence(b, [a]);
		for (const url of world.publicUrls) {
			const answer = await request(`${url}/api/ws/${kind}s/${room.id}/room`, { headers: bearer(world.users[4].session) });
			assert.equal(answer.status, 200);
			assert.deepEqual(Object.keys(answer.json), ['roomId', 'users', 'userCount']);
			assert.equal(answer.json.roomId, roomName(room));
			assert.equal(answer.json.userCount, 2);
			assert.deepEqual(answer.json.users, b.all('room_state').at(-1)?.users);
		}
	});

	test('one user is listed once, since the oldest of its sockets', async () => {
		const room = world.room(kind);
		const [a, b] = [await world.join(room, 0), await world.join(room, 1)];
		const first = a.all('room_state')[0].users[0].connectedAt;
		assert.match(first, iso);
		const a2 = await world.join(room, 0);
		assert.deepEqual(userIds(a2.all('room_state')[0]), [world.users[0].id, world.users[1].id]);
		assert.equal(a2.all('room_state')[0].users[0].connectedAt, first);
		await a.leave();
		await rosterIs(b, [world.users[1].id, world.users[0].id]);
		await fence(a2, [b]);
		assert.deepEqual(b.all('user_left'), [], 'the other tab is still there');
	});

	test('ping, heartbeat and pong', async () => {
		const room = world.room(kind);
		const a = await world.join(room, 0);
		const b = await world.join(room, 1);
		b.mark();
		a.send('pong');
		a.send('ping');
		const pong = await a.next('pong');
		assert.deepEqual([pong.userId, pong.userName, pong.userEmail], [a.user.id, a.user.name, a.user.email]);
		a.send('heartbeat');
		const answer = await a.next('heartbeat_response');
		assert.equal(answer.userId, a.user.id);
		assert.equal('documentId' in answer, false);
		await fence(a, [b]);
		assert.deepEqual(withoutFences(b.unread('ping', 'pong', 'heartbeat', 'heartbeat_response')), [], 'the others hear none of it');
	});

	test('rooms do not hear each other', async () => {
		const [one, two] = [world.room(kind), world.room(kind)];
		const otherKind = kinds[1 - kinds.indexOf(kind)];
		const other = { kind: otherKind, id: one.id };
		const [a, b, c] = [await world.join(one, 0), await world.join(two, 0), await world.join(other, 0)];
		const d = await world.join(one, 1);
		d.send('text_operation', { only: 'one' });
		await a.next('text_operation');
		for (const client of [b, c]) {
			await client.settled();
			assert.deepEqual(types(client).filter((type) => !['room_state', 'connected', 'pong'].includes(type)), []);
		}
	});
}
