// SPDX-License-Identifier: Apache-2.0
// Planned changes under load: every shard restarted, one after the other, then shards added and taken
// away, while clients cast and applications publish. No socket closes, nothing is lost, doubled or out
// of order, nobody is shown to leave or join. MOOT_ROLL=short takes fewer connections, and says so.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Cluster } from '../../deploy/local/cluster.mjs';
import { faults, Load } from '../lib/load.mjs';
import { insertSql, seats } from '../lib/people.mjs';

/** @typedef {import('../lib/load.mjs').Figures} Figures */

const isShort = process.env.MOOT_ROLL === 'short';
const size = isShort ? { connections: 150, rooms: 50 } : { connections: 500, rooms: 100 };
const watchMs = isShort ? 2_000 : 4_000;
const slots = 4_096;

// How many times longer an answer may take while slots move than the worst one took without a change,
// or than this process itself was late.
const patience = 15;

/** @type {Cluster} */
let cluster;
/** @type {Load} */
let load;

before(async () => {
	cluster = await Cluster.start({ gateways: 2, shards: 3, demo: false });
	const people = seats(size.connections, size.rooms);
	await cluster.sql(insertSql(people));
	await everyShardHasItsShare();
	load = await Load.open({ urls: cluster.publicUrls, seats: people });
});
after(async () => {
	await load?.end();
	await cluster?.stop();
});

describe(`${size.connections} connections in ${size.rooms} rooms${isShort ? ' (the short form)' : ''}`, { concurrency: false }, () => {
	test('each of three shards restarted: no socket closes, nothing is lost, nobody noticed', async (t) => {
		const calm = await load.during('no restart', () => sleep(watchMs)); // what is compared with
		const steps = [];
		for (const shard of cluster.shards)
			steps.push(await load.during(`${shard.name} restarted`, async () => {
				await cluster.restart(shard);
				await everyShardHasItsShare();
			}));
		judge(t, calm, steps);
	});

	test('from three shards to two, to five, to two: the same', async (t) => {
		const calm = await load.during('no change', () => sleep(watchMs));
		const steps = [];
		for (const count of [2, 5, 2]) {
			while (cluster.shards.length > count)
				steps.push(await load.during(`to ${cluster.shards.length - 1} shards`, () => cluster.removeShard(cluster.shards[0])));
			while (cluster.shards.length < count)
				steps.push(await load.during(`to ${cluster.shards.length + 1} shards`, async () => {
					await cluster.addShard();
					await everyShardHasItsShare();
				}));
		}
		await everyShardHasItsShare();
		judge(t, calm, steps);
	});

	test('everything that was said has arrived', async () => {
		const end = await load.close();
		assertFaultless([end]);
	});
});

/** @param {import('node:test').TestContext} t @param {Figures} calm @param {Figures[]} steps */
function judge(t, calm, steps) {
	for (const each of [calm, ...steps])
		t.diagnostic(describeFigures(each));
	assertFaultless([calm, ...steps]);
	for (const { name, ack, lag } of steps) {
		const ratio = ack.at(0.99) / Math.max(calm.ack.max, lag.max);
		t.diagnostic(`${name}: publish to ack p99 ${ratio.toFixed(1)} times the worst without a change`);
		assert.ok(ratio <= patience, `${name}: an answer took ${ms(ack.at(0.99))}, without a change ${ms(calm.ack.max)}`);
	}
}

/** @param {Figures[]} steps */
function assertFaultless(steps) {
	assert.deepEqual(steps.flatMap(faults), [], [...load.remarks, ...load.checker.examples].join('\n'));
	for (const { name, delivery, ms: took } of steps.slice(0, -1))
		assert.ok(took === 0 || delivery.count > 0, `${name}: nothing was cast, so nothing was shown`);
}

/** @param {Figures} figures */
function describeFigures({ name, ms: took, ack, arrival, delivery, lag }) {
	const spread = (/** @type {import('../lib/histogram.mjs').Histogram} */ of) => `p50 ${ms(of.at(0.5))} p99 ${ms(of.at(0.99))} worst ${ms(of.max)} of ${of.count}`;
	return `${name}, ${ms(took)}: publish to ack ${spread(ack)}; publish to reader ${spread(arrival)}; cast to reader ${spread(delivery)}; load late by up to ${ms(lag.max)}`;
}

/** @param {number} value */
function ms(value) {
	return `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
}

/** All slots are owned by those who are there, each about as many. */
async function everyShardHasItsShare(waitMs = 20_000) {
	for (const deadline = Date.now() + waitMs; ; await sleep(100)) {
		const rows = await cluster.sql(`select name, count(*) as n from slot join member on owner = incarnation where state = 'active' group by 1`);
		const counts = rows.map((row) => Number(row.n));
		const fair = slots / cluster.shards.length;
		if (counts.length === cluster.shards.length && counts.reduce((sum, n) => sum + n, 0) === slots && counts.every((n) => n > 0.8 * fair))
			return;
		assert.ok(Date.now() < deadline, `slots after ${waitMs} ms: ${JSON.stringify(rows)}`);
	}
}
