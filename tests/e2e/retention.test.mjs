// SPDX-License-Identifier: Apache-2.0
// A log that is not kept for ever: old events go, the last one stays, and whoever missed some for good is
// told which.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { eventually } from '../lib/eventually.mjs';
import { Native } from '../lib/native.mjs';
import { quote, World } from '../lib/world.mjs';

/** @type {World} */
let world;
before(async () => {
	world = await World.open({ gateways: 2, shards: 1, shardEnv: { MOOT_EVENTS_RETENTION: '100s', MOOT_HISTORY_MEMORY: '0' } });
});
after(() => world?.close());

/** As if the first events of the room had been published long ago; until they are gone. @param {string} room @param {number} last */
async function age(room, last) {
	await world.cluster.sql(`update event set at = now() - interval '2 hours' where room = ${quote(room)} and seq <= ${last}`);
	await eventually(async () => {
		const [row] = await world.cluster.sql(`select min(seq) as first from event where room = ${quote(room)}`);
		return Number(row.first) > last;
	}, 'old events to be deleted', 60_000);
}

describe('events.retention', { concurrency: false }, () => {
	test('what was missed for good is said, the rest follows in order, and numbers go on', async () => {
		const { kind, id } = world.room('submission', 0);
		const room = `${kind}:${id}`;
		const ann = await Native.open(world.base(0), world.users[3]);
		await ann.join(room);
		for (let i = 1; i <= 10; i++)
			await ann.publish(room, 'comment_added', { i });
		await age(room, 6);

		const bob = await Native.open(world.base(1), world.users[4]);
		assert.equal((await bob.join(room, { since: 3 })).gap, undefined); // nobody there has heard of it yet
		assert.equal((await bob.next('left')).code, 'gone');
		assert.deepEqual((await bob.join(room, { since: 3 })).gap, { from: 4, to: 6 });
		await bob.until(() => bob.rooms.get(room)?.last === 10, 'what is kept');
		assert.deepEqual(bob.rooms.get(room)?.seqs, [7, 8, 9, 10]);

		bob.send({ type: 'read', room, after: 0 });
		const page = await bob.next('history');
		assert.equal(page.first, 7);
		assert.deepEqual(page.events.map((/** @type {any} */ { seq }) => seq), [7, 8, 9, 10]);

		await ann.publish(room, 'comment_added', { i: 11 });
		await bob.until(() => bob.rooms.get(room)?.last === 11, 'the next one');
		assert.deepEqual([ann.faults, bob.faults], [[], []]);

		await age(room, 10);
		const [shard] = world.cluster.shards;
		shard.kill('KILL');
		await shard.ended();
		await world.cluster.startProcess(shard);
		assert.equal(await ann.publish(room, 'comment_added', { i: 12 }), 12);
		await Promise.all([ann.leave(), bob.leave()]);
	});
});
