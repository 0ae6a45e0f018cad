// SPDX-License-Identifier: Apache-2.0
// Rooms in which nothing happens: their shard forgets them, and whoever is in one is shown nothing of it,
// neither when it falls asleep nor when anything wakes it, whatever was killed or restarted meanwhile.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { userIds } from '../lib/client.mjs';
import { eventually } from '../lib/eventually.mjs';
import { request } from '../lib/http.mjs';
import { metric } from '../lib/metrics.mjs';
import { Native } from '../lib/native.mjs';
import { graceMs, quote, World } from '../lib/world.mjs';

/** @type {World} */
let world;
before(async () => {
	// For as long as what a lost client may have missed is kept, its room is, too.
	world = await World.open({ gateways: 2, shards: 2, shardEnv: { MOOT_ROOM_HIBERNATE: '400ms', MOOT_PRESENCE_RESUME: '1s' } });
});
after(() => world?.close());

const gatewayUrls = () => world.cluster.internalUrls.slice(0, world.cluster.gateways.length);
const shardUrls = () => world.cluster.internalUrls.slice(world.cluster.gateways.length);

/** No shard has any room in memory. @param {number} rooms that gateways have, each its own */
async function allAsleep(rooms) {
	/** @type {number[]} */
	let counts = [];
	await eventually(async () => {
		counts = [await metric('moot_rooms', ...gatewayUrls()), await metric('moot_rooms_asleep', ...gatewayUrls()), await metric('moot_rooms', ...shardUrls())];
		return counts.join() === [rooms, rooms, 0].join();
	}, () => `${rooms} rooms to be asleep: there are ${counts[0]} at gateways, ${counts[1]} of them asleep, and ${counts[2]} at shards`);
}

describe('a room in which nothing happens', { concurrency: false }, () => {
	test('sleeps with people in it, and a cast wakes it; nobody is shown anything else', async () => {
		const room = world.room();
		const a = await world.join(room, 3, { gateway: 0 }), b = await world.join(room, 4, { gateway: 1 });
		await a.until(() => userIds(a.all('room_state').at(-1))?.length === 2, 'both in the list');
		await allAsleep(2);
		a.mark();
		b.mark();
		a.send('cursor_position', { position: { line: 1 } });
		await b.next('cursor_position');
		b.send('text_operation', { at: 2 });
		await a.next('text_operation');

		assert.deepEqual([a.unread(), b.unread()], [[], []]);
		assert.ok((await metric('moot_wakes_total', ...gatewayUrls())) >= 1);
		await Promise.all([a.leave(), b.leave()]);
	});

	test('is woken by who comes, who leaves and who is lost; each is shown as ever', async () => {
		const room = world.room();
		const a = await world.join(room, 3, { gateway: 0 });
		await allAsleep(1);
		const b = await world.join(room, 4, { gateway: 1 });
		assert.deepEqual(userIds(b.all('room_state')[0]), [a.user.id, b.user.id]);
		assert.equal((await a.next('user_joined')).userId, b.user.id);
		await allAsleep(2);
		await b.leave();
		assert.equal((await a.next('user_left')).userId, b.user.id);
		const c = await world.join(room, 5, { gateway: 1 });
		assert.equal((await a.next('user_joined')).userId, c.user.id);
		await allAsleep(2);
		await c.vanish();
		const left = await a.next('user_left');
		assert.equal(left.userId, c.user.id);
		await a.leave();
	});

	test('kept states are there for who comes after it slept', async () => {
		const room = world.room();
		const a = await world.join(room, 3, { gateway: 0 });
		a.send('editing_started', { field: 'title' });
		await a.settled();
		await allAsleep(1);
		const b = await world.join(room, 4, { gateway: 1 });
		assert.equal((await b.next('editing_started')).userId, a.user.id);
		await Promise.all([a.leave(), b.leave()]);
	});

	test('events wake it: published by a member, by SQL and over HTTP; each once and in order', async () => {
		const { kind, id } = world.room();
		const room = `${kind}:${id}`;
		const ann = await Native.open(world.base(0), world.users[3]), bob = await Native.open(world.base(1), world.users[4]);
		await Promise.all([ann.join(room), bob.join(room)]);
		const place = (/** @type {Native} */ who) => /** @type {any} */ (who.rooms.get(room));
		const [{ key }] = await world.cluster.sql("select service_key_new('hibernation', null) as key");
		const body = JSON.stringify({ event: 'comment_added', data: {} });
		const publishes = [
			() => ann.publish(room, 'comment_added', {}),
			() => world.cluster.sql(`select publish_event(${quote(room)}, 'comment_added', '{}')`),
			() => request(`${world.base(0)}/v1/rooms/${encodeURIComponent(room)}/events`, { method: 'POST', body, headers: { Authorization: `Bearer ${key}` } }),
		];
		for (let last = 1; last <= 6; last++) {
			await allAsleep(2);
			await publishes[last % 3]();
			await bob.until(() => place(bob).last === last, `event ${last}`);
		}
		await ann.until(() => place(ann).last === 6, 'the same');
		assert.deepEqual([place(ann).seqs, place(bob).seqs], [[1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6]]);
		assert.deepEqual([ann.faults, bob.faults], [[], []]);
		assert.equal(bob.told.filter(({ type }) => type === 'presence').flatMap(({ left, joined }) => [...left, ...joined]).length <= 1, true);
		await Promise.all([ann.leave(), bob.leave()]);
	});

	test('a gateway that is killed leaves no ghost in it', async () => {
		const room = world.room();
		const a = await world.join(room, 3, { gateway: 0 }), b = await world.join(room, 4, { gateway: 1 });
		await a.until(() => userIds(a.all('room_state').at(-1))?.length === 2, 'both in the list');
		await allAsleep(2);
		a.mark();
		const gateway = world.cluster.gateways[1];
		gateway.kill('KILL');
		await gateway.ended();
		await b.closed;
		const list = await a.next('room_state', graceMs + 20_000);
		assert.deepEqual(userIds(list), [a.user.id]);
		await world.cluster.startProcess(gateway);
		await a.leave();
	});

	test('its shard is killed, restarted, and it sleeps through it; then everything is as it was', async () => {
		const room = world.room('submission', 0);
		const a = await world.join(room, 3, { gateway: 0 }), b = await world.join(room, 4, { gateway: 1 });
		await a.until(() => userIds(a.all('room_state').at(-1))?.length === 2, 'both in the list');
		await allAsleep(2);
		a.mark();
		b.mark();
		const [shard] = world.cluster.shards;
		shard.kill('KILL');
		await shard.ended();
		await world.cluster.startProcess(shard);
		await world.cluster.restart(world.cluster.shards[1]);
		a.send('cursor_position', { position: { line: 1 } });
		await b.next('cursor_position');
		b.send('text_operation', { at: 2 });
		await a.next('text_operation');

		assert.deepEqual([a.unread(), b.unread()], [[], []]);
		assert.ok(a.all('user_left', 'user_joined').every(({ userId }) => userId === b.user.id));
		await Promise.all([a.leave(), b.leave()]);
	});
});
