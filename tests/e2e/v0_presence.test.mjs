// SPDX-License-Identifier: Apache-2.0
// Who is there, over time: tabs, lost sockets and their grace, late joiners, quick joins, big rooms.

import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before, beforeEach, describe, test } from 'node:test';
import { fence, userIds, withoutFences } from '../lib/client.mjs';
import { writtenKeys } from '../lib/json.mjs';
import { graceMs, layouts, World } from '../lib/world.mjs';

/** @typedef {import('../lib/client.mjs').Client} Client */

/** @type {World} */
let world;

const pingMs = 1_000;
const deadMs = 4_000;

before(async () => {
	world = await World.open({ gatewayEnv: { MOOT_KEEPALIVE_PING: `${pingMs}ms`, MOOT_KEEPALIVE_DEAD: `${deadMs}ms` } });
});
after(() => world?.close());
beforeEach(() => world.restart());

/** @param {Client} client */
const comings = (client) => client.unread('user_joined', 'user_left').map((message) => `${message.type} ${message.userId}`);

for (const layout of layouts) {
	describe(layout.name, { concurrency: false }, () => {
		before(() => {
			world.layout = layout;
		});

		test('a lost socket keeps its place for the grace, then its user leaves', async () => {
			const room = world.room();
			const [a, b] = [await world.join(room, 0), await world.join(room, 1)];
			await a.next('user_joined');
			await fence(b, [a]);
			a.mark();
			const lost = Date.now();
			await b.vanish();
			const left = await a.next('user_left', graceMs + 5_000);
			assert.equal(left.userId, b.user.id);
			assert.ok(left.at - lost >= graceMs * 0.8, `left after ${left.at - lost} ms`);
			assert.deepEqual(userIds(await a.next('room_state')), [a.user.id]);
		});

		test('who comes back within the grace was never away', async () => {
			const room = world.room();
			const [a, b] = [await world.join(room, 0), await world.join(room, 1)];
			await a.next('user_joined');
			await fence(b, [a]);
			a.mark();
			await b.vanish();
			const back = await world.join(room, 1, { gateway: 1 });
			assert.deepEqual(userIds(back.all('room_state')[0]), [a.user.id, b.user.id]);
			await fence(back, [a]);
			// The grace of the lost socket passes while the user is there with the new one: another user's
			// lost socket, which outlives it, is the clock.
			const clock = await world.join(room, 3);
			await clock.vanish();
			await a.next((message) => message.type === 'user_left' && message.userId === clock.user.id, graceMs + 5_000);
			const seen = a.all('user_left').map((message) => message.userId);
			assert.deepEqual(seen, [clock.user.id]);
			assert.equal(a.all('user_joined').filter((message) => message.userId === b.user.id).length, 1);
			await back.leave();
			assert.equal((await a.next('user_left')).userId, b.user.id);
		});

		test('a clean close leaves at once', async () => {
			const room = world.room();
			const [a, b] = [await world.join(room, 0), await world.join(room, 1)];
			await fence(b, [a]);
			const closed = Date.now();
			const end = await b.leave();
			assert.equal(end.code, 1000, 'the closing handshake is completed');
			const left = await a.next('user_left');
			assert.ok(left.at - closed < graceMs * 0.5, `left after ${left.at - closed} ms`);
		});

		test('several tabs of one user are one person', async () => {
			const room = world.room();
			const a = await world.join(room, 0);
			const tabs = [await world.join(room, 1), await world.join(room, 1), await world.join(room, 1)];
			assert.equal((await a.next('user_joined')).userId, tabs[0].user.id);
			await fence(tabs[2], [a]);
			a.mark();
			await tabs[0].leave();
			await tabs[2].vanish();
			await fence(tabs[1], [a]);
			assert.deepEqual(comings(a), []);
			await tabs[1].leave();
			const left = await a.next('user_left', graceMs + 5_000);
			assert.equal(left.userId, tabs[0].user.id);
			assert.deepEqual(a.all('user_left').length, 1);
		});

		test('a late joiner is told who edits, who types, and where the cursors are', async () => {
			const room = world.room();
			const [a, b, c] = [await world.join(room, 0), await world.join(room, 1), await world.join(room, 3)];
			a.send('editing_started', { field: 'content' });
			a.send('typing_start', { n: 1 });
			a.send('typing_stop', { n: 1 });
			b.send('typing_start', { n: 2 });
			b.send('cursor_position', { position: { line: 1, column: 1 } });
			b.send('cursor_position', { position: { line: 2, column: 7 } });
			c.send('editing_started', { field: 'content' });
			c.send('editing_stopped', { field: 'content' });
			await Promise.all([fence(a, [b, c]), fence(b, [a, c]), fence(c, [a, b])]);
			const late = await world.join(room, 4);
			await fence(a, [late]);
			const told = withoutFences(late.all()).slice(2).filter((message) => !['room_state', 'ping'].includes(message.type));
			assert.deepEqual(told.map((message) => `${message.type} ${message.userId}`).sort(), [
				`cursor_position ${b.user.id}`, `editing_started ${a.user.id}`, `typing_start ${b.user.id}`].sort());
			assert.deepEqual(told.find((message) => message.type === 'cursor_position')?.data, { position: { line: 2, column: 7 } });
			for (const message of told) {
				assert.equal(message.submissionId, room.id);
				assert.ok(message.seq > late.all('connected')[0].seq, 'after connected, in order');
			}
			await b.leave();
			await a.next((message) => message.type === 'user_left' && message.userId === b.user.id);
			const later = await world.join(room, 5);
			await fence(a, [later]);
			assert.deepEqual(withoutFences(later.all()).filter((message) => message.userId === b.user.id), [],
				'what somebody did ends with their leaving');
		});

		test('a dead link: the client comes back over a new socket and nobody sees it', async () => {
			const room = world.room();
			const a = await world.join(room, 0);
			const wire = await Wire.open(world.base(1));
			const b = await world.open(room, 1).then((client) => client.leave()).then(() => wire.join(room, 1));
			await a.until(() => a.all('user_joined').length >= 1, 'user_joined');
			await fence(b, [a]);
			await fence(a, [b]);
			a.mark();
			wire.cut();
			b.socket.close(1000, 'Stale connection detected'); // never arrives
			const again = await world.join(room, 1);
			await fence(again, [a]);
			assert.deepEqual(comings(a), []);
			a.send('text_operation', { back: true });
			await again.next((message) => message.data?.back === true);
			wire.end();
			await fence(again, [a]);
			assert.deepEqual(comings(a), []);
			b.socket.terminate();
		});

		test('30 quick joins cost the room a few room_states, not 30', async () => {
			const room = world.room();
			const a = await world.join(room, 0);
			const from = Date.now();
			const many = await Promise.all(world.users.slice(10, 40).map((user) => world.join(room, user)));
			await a.until(() => userIds(a.all('room_state').at(-1))?.length === 31, 'room_state of 31 users');
			const took = Date.now() - from;
			assert.equal(a.all('user_joined').length, 30);
			const states = a.all('room_state').length - 1;
			assert.ok(states <= Math.ceil(took / 50) + 2, `${states} room_states in ${took} ms`);
			for (const client of many)
				assert.equal(client.received[0].type, 'room_state', 'a joiner always gets its own at once');
			await Promise.all(many.map((client) => client.leave()));
			await a.until(() => userIds(a.all('room_state').at(-1))?.length === 1, 'room_state of the last one');
			assert.equal(a.all('user_left').length, 30);
		});
	});
}

describe('keep-alive', () => {
	test('the server asks, and ends a connection on which nothing comes', async () => {
		const room = world.room();
		const [a, b] = [await world.join(room, 0), await world.join(room, 1)];
		const ping = await a.next('ping');
		assert.deepEqual(writtenKeys(ping.text), ['type', 'submissionId', 'userId', 'userName', 'userEmail', 'timestamp']);
		assert.deepEqual([ping.userId, ping.userName, ping.userEmail], ['server', 'Server', 'server@websocket']);
		/** @type {any} */ (b.socket)._socket.pause(); // it reads nothing, so it answers nothing
		const from = Date.now();
		const left = await a.next('user_left', deadMs + pingMs + graceMs + 4_000);
		assert.equal(left.userId, b.user.id);
		assert.ok(left.at - from >= deadMs * 0.5);
		b.socket.terminate();
		assert.ok(a.isOpen);
	});
});

describe('a room of more than 200', { concurrency: false }, () => {
	test('only the deltas are told, and a joiner still gets the whole list', async () => {
		world.layout = layouts[1];
		const room = world.room();
		const a = await world.join(room, 0);
		const crowd = [];
		for (let from = 1; from <= 205; from += 41)
			crowd.push(...await Promise.all(world.users.slice(from, from + 41).map((user) => world.join(room, user))));
		await a.until(() => a.all('user_joined').length === 205, '205 user_joined', 20_000);
		await fence(crowd[0], [a]);
		a.mark();
		const last = await world.join(room, 220);
		assert.equal(userIds(last.all('room_state')[0])?.length, 207);
		assert.equal((await a.next('user_joined')).userId, last.user.id);
		await last.leave();
		assert.equal((await a.next('user_left')).userId, last.user.id);
		await fence(crowd[1], [a]);
		assert.deepEqual(a.all('room_state').filter((message) => message.users.length > 200), []);
		const list = new Set(userIds(last.all('room_state')[0]));
		assert.ok(crowd.every((client) => list.has(client.user.id)));
		for (const client of crowd)
			client.socket.close(1000);
		await a.until(() => a.all('user_left').length === 206, 'everybody leaving', 20_000);
		await a.until(() => userIds(a.all('room_state').at(-1))?.length === 1, 'room_state: small again, lists again');
	});
});

/** A TCP relay that can go silent in both directions without closing, as a network that is gone. */
class Wire {
	/** @type {Set<net.Socket>} */ #sockets = new Set();

	/** @param {net.Server} server @param {string} target */
	constructor(server, target) {
		this.server = server;
		const { hostname, port } = new URL(target);
		server.on('connection', (near) => {
			const far = net.connect({ host: hostname, port: Number(port) });
			for (const [from, to] of [[near, far], [far, near]]) {
				this.#sockets.add(from);
				from.on('data', (bytes) => to.write(bytes));
				from.on('error', () => {});
			}
		});
	}

	/** @param {string} target */
	static async open(target) {
		const server = net.createServer();
		await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
		return new Wire(server, target);
	}

	/** @param {import('../lib/client.mjs').Room} room @param {number} user */
	async join(room, user) {
		const { Client } = await import('../lib/client.mjs');
		const { port } = /** @type {net.AddressInfo} */ (this.server.address());
		return Client.join(`http://127.0.0.1:${port}`, room, world.users[user]);
	}

	cut() {
		for (const socket of this.#sockets)
			socket.removeAllListeners('data').pause();
	}

	end() {
		for (const socket of this.#sockets)
			socket.destroy();
		this.server.close();
	}
}
