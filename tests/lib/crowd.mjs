// SPDX-License-Identifier: Apache-2.0
// A cluster under the load of one test file: who owns which of its rooms, whether each shard has its
// share, and the verdict on what the clients saw.

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { flawsOf } from './ledger.mjs';
import { faults, Load } from './load.mjs';
import { insertSql, seats } from './people.mjs';
import { SLOTS, slotOf } from './slot.mjs';

/** @typedef {import('../../deploy/local/cluster.mjs').Cluster} Cluster */
/** @typedef {import('../../deploy/local/process.mjs').Process} Process */
/** @typedef {import('./load.mjs').Figures} Figures @typedef {import('./histogram.mjs').Histogram} Histogram */

const isShort = process.env.MOOT_ROLL === 'short';

/** MOOT_ROLL=short takes fewer connections, and the names of the tests say so. */
export const size = isShort ? { connections: 150, rooms: 50 } : { connections: 500, rooms: 100 };
export const sizeText = `${size.connections} connections in ${size.rooms} rooms${isShort ? ' (the short form)' : ''}`;

export class Crowd {
	/** Call `Crowd.open()`. @param {Cluster} cluster @param {Load} load */
	constructor(cluster, load) {
		this.cluster = cluster;
		this.load = load;
	}

	/** All have joined and everything flows. @param {Cluster} cluster @param {string[]} [urls] one for each gateway */
	static async open(cluster, urls = cluster.publicUrls) {
		const people = seats(size.connections, size.rooms);
		await cluster.sql(insertSql(people));
		await sharesAreFair(cluster);
		return new Crowd(cluster, await Load.open({ urls, seats: people }));
	}

	/** The rooms that this shard owns now. @param {Process} shard @returns {Promise<Set<string>>} ids */
	async roomsOf({ name }) {
		const rows = await this.cluster.sql(`select slot from slot join member on owner = incarnation where name = '${name}' and state = 'active'`);
		const slots = new Set(rows.map(({ slot }) => Number(slot)));
		const rooms = this.load.rooms.filter(({ kind, id }) => slots.has(slotOf(`${kind}:${id}`)));
		assert.ok(rooms.length > 0, `${name} owns none of the rooms`);
		return new Set(rooms.map(({ id }) => id));
	}

	/** All slots are owned by those who are there, each about as many. */
	sharesAreFair() {
		return sharesAreFair(this.cluster);
	}

	/** Nothing happened in these windows that must not. @param {import('node:test').TestContext} t @param {Figures[]} steps */
	judge(t, steps) {
		for (const each of steps)
			t.diagnostic(describe(each));
		assert.deepEqual(steps.flatMap(faults), [], this.load.evidence);
		for (const { name, delivery } of steps)
			assert.ok(delivery.count > 0, `${name}: nothing was cast, so nothing was shown`);
	}

	/** No more is said: all that was has arrived, and the table has what was acknowledged. @param {import('node:test').TestContext} t */
	async settle(t) {
		const end = await this.load.close();
		assert.deepEqual(faults(end), [], this.load.evidence);
		const account = await this.load.audit((text) => this.cluster.sql(text));
		const { acked, stored, refused, refusedButStored } = account;
		t.diagnostic(`${acked} publishes acknowledged, ${refused} refused (${refusedButStored} of them stored all the same), ${stored} events in the table`);
		assert.deepEqual(flawsOf(account), [], account.examples.join('\n'));
		assert.ok(acked > 0, 'something was published');
	}

	async close() {
		await this.load.end();
		await this.cluster.stop();
	}
}

/** @param {{sql: Cluster['sql'], shards: {length: number}}} cluster */
export async function sharesAreFair(cluster, waitMs = 20_000) {
	for (const deadline = Date.now() + waitMs; ; await sleep(100)) {
		const rows = await cluster.sql("select name, count(*) as n from slot join member on owner = incarnation where state = 'active' group by 1");
		const counts = rows.map((row) => Number(row.n));
		const fair = SLOTS / cluster.shards.length;
		if (counts.length === cluster.shards.length && counts.reduce((sum, n) => sum + n, 0) === SLOTS && counts.every((n) => n > 0.8 * fair))
			return;
		assert.ok(Date.now() < deadline, `slots after ${waitMs} ms: ${JSON.stringify(rows)}`);
	}
}

/** @param {Figures} figures */
export function describe({ name, ms: took, ack, arrival, delivery, stall, lag, moved, deferred, spared }) {
	const spread = (/** @type {Histogram} */ of) => `p50 ${ms(of.at(0.5))} p99 ${ms(of.at(0.99))} worst ${ms(of.max)} of ${of.count}`;
	const allowed = Object.entries({ 'sockets sent elsewhere': moved, 'publishes refused': deferred, 'casts not heard': spared })
		.filter(([, count]) => count > 0).map(([what, count]) => `; ${count} ${what}`);
	return `${name}, ${ms(took)}: publish to ack ${spread(ack)}; publish to reader ${spread(arrival)}; cast to reader ${spread(delivery)};`
		+ ` longest stall of a room ${ms(stall)}${allowed.join('')}; load late by up to ${ms(lag.max)}`;
}

/** @param {number} value */
export function ms(value) {
	return `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
}
