// SPDX-License-Identifier: Apache-2.0
// An application publishes in SQL, inside its own transactions: what commits is delivered, in the order of
// the commits of each room, once, also when the owner of the room is killed in between; what does not is not.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Native } from '../lib/native.mjs';
import { quote, World } from '../lib/world.mjs';

const writers = 4;
const transactions = 40; // of each writer

/** @type {World} */
let world;
before(async () => {
	world = await World.open({ shards: 2 });
});
after(() => world?.close());

const publish = (/** @type {string} */ room, /** @type {object} */ data, more = '') =>
	`select publish_event(${quote(room)}, 'comment_added', ${quote(JSON.stringify(data))}::jsonb${more});`;

/** @param {number} shard */
const newRoom = (shard) => `submission:${world.room('submission', shard).id}`;

describe('publish_event', { concurrency: false }, () => {
	test('is shown to both dialects, with the name of its author', async () => {
		const room = world.room('submission', 0);
		const old = await world.join(room, 5, { gateway: 0 });
		const ann = await Native.open(world.base(1), world.users[3]);
		await ann.join(`submission:${room.id}`);
		await world.cluster.sql(publish(`submission:${room.id}`, { text: 'hi' }, ", 'u_4'"));
		const event = await ann.next('event');
		assert.deepEqual([event.seq, event.event, event.data, event.from], [1, 'comment_added', { text: 'hi' }, { id: 'u_4', name: 'User 4 of Many' }]);
		const shown = await old.next('comment_added');
		assert.deepEqual([shown.userId, shown.userName, shown.data], ['u_4', 'User 4 of Many', { text: 'hi' }]);
		await ann.leave();
	});

	test('one key is one event of its room', async () => {
		const room = newRoom(1);
		const ann = await Native.open(world.base(0), world.users[3]);
		await ann.join(room);
		for (const n of [1, 2, 3])
			await world.cluster.sql(publish(room, { n }, `, '', 'key ${Math.min(n, 2)}'`));
		await world.cluster.sql(publish(room, { n: 4 }));
		await ann.next((m) => m.type === 'event' && m.data.n === 4);
		assert.deepEqual(ann.told.filter(({ type }) => type === 'event').map(({ data }) => data.n), [1, 2, 4]);
		await ann.leave();
	});

	test('says what is wrong, and nothing is published', async () => {
		for (const [call, why] of [
			[publish('planet:mars', {}), /room has to be/],
			[publish('submission:', {}), /room has to be/],
			["select publish_event('submission:x', 'two words', '{}'::jsonb);", /event has to be a name/],
			["select publish_event('submission:x', 'e', jsonb_build_object('t', repeat('x', 1100000)));", /larger than 1 MiB/],
		])
			await assert.rejects(world.cluster.sql(/** @type {string} */ (call)), /** @type {RegExp} */ (why));
		assert.deepEqual(await world.cluster.sql('select count(*) as n from publication'), [{ n: '0' }]);
	});

	test('with transactions that abort and owners that are killed: what is delivered is what was committed', async (t) => {
		const rooms = [newRoom(0), newRoom(0), newRoom(1), newRoom(1)];
		const readers = await Promise.all(rooms.map(async (room, i) => {
			const reader = await Native.open(world.base(i % 2), world.users[10 + i]);
			await reader.join(room);
			return reader;
		}));
		/** @type {Set<string>} */
		const aborted = new Set();
		const done = Promise.all(Array.from({ length: writers }, (_, w) => write(w, rooms, aborted)));
		for (const i of [0, 1, 0]) {
			await sleep(700);
			const shard = world.cluster.shards[i];
			const gone = shard.ended();
			shard.kill('KILL');
			await gone;
			await world.cluster.startProcess(shard);
		}
		const committed = (await done).flat();
		for (const [i, room] of rooms.entries()) {
			const wanted = committed.filter((one) => one.room === room).map(({ id }) => id);
			const got = () => readers[i].told.filter(({ type }) => type === 'event').map(({ data }) => data.id);
			await readers[i].until(() => got().length >= wanted.length, `${wanted.length} events of ${room}`, 20_000);
			assert.deepEqual([...got()].sort(), [...wanted].sort(), 'those that committed, each once');
			assert.deepEqual(got().filter((id) => aborted.has(id)), []);
			for (let w = 0; w < writers; w++) {
				const of = (/** @type {string[]} */ ids) => ids.filter((id) => id.startsWith(`${w} `));
				assert.deepEqual(of(got()), of(wanted), 'in the order in which each writer committed them');
			}
			assert.deepEqual(readers[i].faults, []);
			const rows = await world.cluster.sql(`select seq, body::json ->> 'id' as id, body::json ->> 'counter' as counter from event where room = ${quote(room)} order by seq`);
			assert.deepEqual(rows.map(({ id }) => id), got(), 'the table says the same');
			assert.deepEqual(rows.map(({ seq }) => Number(seq)), rows.map((_, at) => at + 1));
			const counters = rows.map(({ counter }) => Number(counter));
			assert.deepEqual(counters, [...counters].sort((a, b) => a - b), 'in the order of the commits');
		}
		assert.deepEqual(await world.cluster.sql('select count(*) as n from publication'), [{ n: '0' }]);
		t.diagnostic(`${committed.length} committed, ${aborted.size} aborted`);
		await Promise.all(readers.map((reader) => reader.leave()));
	});
});

/**
 * One connection of the application: a row of its own and an event in each transaction, one in ten aborts.
 * The row counts the commits of the room, so the events can be held against their order.
 * @param {number} w @param {string[]} rooms @param {Set<string>} aborted
 */
async function write(w, rooms, aborted) {
	if (w === 0)
		await world.cluster.sql('create table if not exists counter (room text primary key, n int not null)');
	else
		await sleep(300);
	const committed = [];
	for (let i = 0; i < transactions; i++) {
		const room = rooms[(w + i) % rooms.length], id = `${w} ${String(i).padStart(3, '0')}`;
		const isAborted = (w * 7 + i) % 10 === 3;
		await world.cluster.sql(`begin;
			insert into counter values (${quote(room)}, 1) on conflict (room) do update set n = counter.n + 1;
			select publish_event(${quote(room)}, 'saved', jsonb_build_object('id', ${quote(id)}, 'counter', (select n from counter where room = ${quote(room)})));
			${isAborted ? 'rollback' : 'commit'};`);
		if (isAborted)
			aborted.add(id);
		else
			committed.push({ room, id });
	}
	return committed;
}
