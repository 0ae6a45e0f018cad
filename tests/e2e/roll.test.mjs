// SPDX-License-Identifier: Apache-2.0
// Planned changes under load: every shard restarted, one after the other, then shards added and taken
// away, while clients cast and applications publish. No socket closes, nothing is lost, doubled or out
// of order, nobody is shown to leave or join. MOOT_ROLL=short takes fewer connections, and says so.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Cluster } from '../../deploy/local/cluster.mjs';
import { Crowd, ms, sizeText } from '../lib/crowd.mjs';
import { Histogram } from '../lib/histogram.mjs';

/** @typedef {import('../lib/load.mjs').Figures} Figures */

const watchMs = 3_000;
// Promised: publish to ack, p99, throughout planned restarts; beyond what this machine, which has other
// things to do, takes without one.
const ackMs = 250;

// How many times longer an answer may take while slots move than the worst one took without a change,
// or than this process itself was late.
const patience = 15;

/** @type {Cluster} */
let cluster;
/** @type {Crowd} */
let crowd;

before(async () => {
	// The promise is in milliseconds: it is not made for sanitizers.
	cluster = await Cluster.start({ gateways: 2, shards: 3, unixShards: 1, demo: false, build: 'release' });
	crowd = await Crowd.open(cluster);
});
after(() => (crowd ? crowd.close() : cluster?.stop()));

describe(sizeText, { concurrency: false }, () => {
	test('each of three shards restarted: no socket closes, nothing is lost, nobody noticed', async (t) => {
		const { load } = crowd;
		const calm = await load.during('no restart', () => sleep(watchMs)); // what is compared with
		const steps = [];
		for (const shard of cluster.shards)
			steps.push(await load.during(`${shard.name} restarted`, async () => {
				await cluster.restart(shard);
				await crowd.sharesAreFair();
			}));
		judge(t, calm, steps);
		const all = Histogram.sum(steps.map(({ ack }) => ack));
		t.diagnostic(`all restarts: publish to ack p50 ${ms(all.at(0.5))} p99 ${ms(all.at(0.99))} worst ${ms(all.max)} of ${all.count}`);
		assert.ok(all.at(0.99) < ackMs + calm.ack.at(0.99), `publish to ack p99 ${ms(all.at(0.99))}, without a restart ${ms(calm.ack.at(0.99))}`);
	});

	test('from three shards to two, to five, to two: the same', async (t) => {
		const { load } = crowd;
		const calm = await load.during('no change', () => sleep(watchMs));
		const steps = [];
		for (const count of [2, 5, 2]) {
			while (cluster.shards.length > count)
				steps.push(await load.during(`to ${cluster.shards.length - 1} shards`, () => cluster.removeShard(cluster.shards[0])));
			while (cluster.shards.length < count)
				steps.push(await load.during(`to ${cluster.shards.length + 1} shards`, async () => {
					await cluster.addShard();
					await crowd.sharesAreFair();
				}));
		}
		await crowd.sharesAreFair();
		judge(t, calm, steps);
	});

	test('everything that was said has arrived, and what was acknowledged is in the table', (t) => crowd.settle(t));
});

/** @param {import('node:test').TestContext} t @param {Figures} calm @param {Figures[]} steps */
function judge(t, calm, steps) {
	crowd.judge(t, [calm, ...steps]);
	for (const { name, ack, lag } of steps) {
		const ratio = ack.at(0.99) / Math.max(calm.ack.max, lag.max);
		t.diagnostic(`${name}: publish to ack p99 ${ratio.toFixed(1)} times the worst without a change`);
		assert.ok(ratio <= patience, `${name}: an answer took ${ms(ack.at(0.99))}, without a change ${ms(calm.ack.max)}`);
	}
}
