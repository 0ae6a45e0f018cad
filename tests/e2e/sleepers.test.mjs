// SPDX-License-Identifier: Apache-2.0
// Thousands of rooms with people in them in which nothing happens: the short form of `./dev bench sleep`.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Sleepers } from '../lib/sleepers.mjs';

const size = { rooms: 4_000, sockets: 800, pairs: 100 };

/** @type {Sleepers} */
let sleepers;
before(async () => {
	sleepers = await Sleepers.open(size, () => {});
});
after(() => sleepers?.close());

test('they cost their shards nothing, nobody notices, a cast wakes each, and a killed gateway leaves no ghost', async (t) => {
	const empty = sleepers.memory();
	await sleepers.enter();
	const awake = sleepers.memory();
	await sleepers.fallAsleep();
	const asleep = sleepers.memory();
	t.diagnostic(`memory of the shards: empty ${empty}, awake ${awake}, asleep ${asleep} bytes`);
	for (const [i, bytes] of asleep.entries())
		assert.ok(bytes <= 1.05 * empty[i], `shard ${i}: ${empty[i]} bytes empty, ${bytes} with all rooms asleep`);
	assert.equal(await sleepers.gateways('moot_rooms'), size.rooms + size.pairs);
	assert.equal(await sleepers.gateways('moot_rooms_asleep'), size.rooms + size.pairs);

	assert.deepEqual(sleepers.closed, []);
	const took = await sleepers.wake();
	t.diagnostic(`woken by a cast: p50 ${took.at(0.5).toFixed(1)} ms, p99 ${took.at(0.99).toFixed(1)} ms`);
	assert.equal(sleepers.heard().length, size.pairs);
	await sleepers.fallAsleep();
	await sleepers.killGateway();
	assert.equal(sleepers.heard().filter(({ type }) => type !== 'presence').length, 0);
});
