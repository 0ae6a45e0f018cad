// SPDX-License-Identifier: Apache-2.0
// Events while everything under them is restarted: what was acked is in the table, once, numbered
// without a gap; each client has seen exactly what is in the table, in that order.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { request } from '../lib/http.mjs';
import { slotOf } from '../lib/slot.mjs';
import { kinds, layouts, quote, World } from '../lib/world.mjs';

/** @typedef {import('../lib/client.mjs').Client} Client */
/** @typedef {import('../lib/client.mjs').Room} Room */

const publishersPerRoom = 3;
const pauseMs = 10;

/** @type {World} */
let world;

before(async () => {
	world = await World.open({ layout: layouts[2] });
});
after(() => world?.close());

/** One after the other, without a pause but after a failure, through both gateways in turn. */
class Publisher {
	/** @type {string[]} */ acked = [];
	failed = 0;
	slowestMs = 0;
	#ends = false;

	/** @param {Room} room @param {string} name */
	constructor(room, name) {
		this.room = room;
		this.name = name;
		this.done = this.#run();
	}

	async #run() {
		for (let n = 0; !this.#ends; n++) {
			const mark = `${this.name}-${n}`;
			const from = Date.now();
			if (await publish(this.room, mark, n % 2))
				this.acked.push(mark);
			else
				this.failed++;
			this.slowestMs = Math.max(this.slowestMs, Date.now() - from);
			await new Promise((resolve) => setTimeout(resolve, pauseMs));
		}
	}

	stop() {
		this.#ends = true;
		return this.done;
	}
}

/** @param {Room} room @param {string} mark @param {number} [gateway] @returns {Promise<boolean>} acked */
async function publish(room, mark, gateway = 0) {
	const url = `${world.cluster.publicUrls[gateway]}/api/ws/${room.kind}s/${encodeURIComponent(room.id)}/broadcast`;
	const answer = await request(url, {
		method: 'POST',
		headers: { Authorization: `Bearer ${world.users[0].session}`, 'Content-Type': 'application/json' },
		body: JSON.stringify({ type: 'comment_added', data: { mark } }),
	});
	assert.ok(answer.status === 200 || answer.status === 500, `${answer.status} ${answer.body}`);
	assert.equal(answer.body, answer.status === 200 ? '{"success":true}' : '{"error":"Failed to broadcast message"}');
	return answer.status === 200;
}

/** @param {Room} room @returns {Promise<{seq: number, mark: string}[]>} */
async function stored(room) {
	const key = `${room.kind}:${room.id}`;
	const rows = await world.cluster.sql(
		`select seq, body::json -> 'data' ->> 'mark' as mark from event where slot = ${slotOf(key)} and room = ${quote(key)} order by seq`);
	return rows.map((row) => ({ seq: Number(row.seq), mark: String(row.mark) }));
}

/** @param {Client} client */
const seen = (client) => client.all('comment_added').map((message) => message.data.mark);

/** Rooms on both shards, with a client on each gateway. */
async function crowd() {
	await world.readOwners();
	return Promise.all(Array.from({ length: 4 }, async (_, n) => {
		const room = world.room(kinds[n % 2], n % 2);
		const clients = [await world.join(room, 0, { gateway: 0 }), await world.join(room, 1, { gateway: 1 })];
		return { room, clients };
	}));
}

/** Publishers in each room while `disturb` runs, and then the account.
 * @param {() => Promise<void>} disturb */
async function throughout(disturb) {
	const groups = (await crowd()).map((group, at) => ({
		...group,
		publishers: Array.from({ length: publishersPerRoom }, (_, n) => new Publisher(group.room, `${at}-${n}`)),
	}));
	const all = groups.flatMap((group) => group.publishers);
	await acksGrow(all);
	await disturb();
	await acksGrow(all);
	await Promise.all(all.map((one) => one.stop()));
	for (const { room, clients, publishers } of groups) {
		assert.ok(await publish(room, 'last'));
		await Promise.all(clients.map((client) => client.until(() => seen(client).includes('last'), 'last event')));
		const events = await stored(room);
		const where = `${room.kind} ${room.id}`;
		assert.deepEqual(events.map(({ seq }) => seq), events.map((_, i) => i + 1), `${where}: no gap`);
		const marks = events.map(({ mark }) => mark);
		assert.equal(new Set(marks).size, marks.length, `${where}: nothing is stored twice`);
		for (const { acked } of publishers)
			assert.deepEqual(acked.filter((mark) => !marks.includes(mark)), [], `${where}: what was acked is stored`);
		for (const client of clients) {
			assert.deepEqual(seen(client), marks, `${where}: ${client.user.id} saw what is stored, in order`);
			await client.leave();
		}
	}
	return {
		acked: all.reduce((sum, one) => sum + one.acked.length, 0),
		failed: all.reduce((sum, one) => sum + one.failed, 0),
		slowestMs: Math.max(...all.map((one) => one.slowestMs)),
	};
}

/** Each of them has been acked a few more. @param {Publisher[]} publishers */
function acksGrow(publishers) {
	const from = publishers.map((one) => one.acked.length);
	return until(async () => publishers.every((one, i) => one.acked.length >= from[i] + 3), 'publishes to be acked again');
}

/** @param {() => Promise<boolean>} is @param {string} what */
async function until(is, what) {
	for (const deadline = Date.now() + 20_000; !(await is());) {
		assert.ok(Date.now() < deadline, `waited 20 s for ${what}`);
		await new Promise((resolve) => setTimeout(resolve, 20));
	}
}

test('an event of an empty room is stored, and shown to nobody later', async () => {
	await world.readOwners();
	const room = world.room('submission', 0);
	assert.ok(await publish(room, 'early'));
	const client = await world.join(room, 1);
	assert.ok(await publish(room, 'late', 1));
	await client.next('comment_added');
	assert.deepEqual(seen(client), ['late']);
	assert.deepEqual((await stored(room)).map(({ mark }) => mark), ['early', 'late']);
	await client.leave();
});

test('a shard restarted by SIGTERM: every event once, and no publish fails', async (t) => {
	const figures = await throughout(async () => {
		await world.cluster.restart(world.cluster.shards[0]);
	});
	t.diagnostic(JSON.stringify(figures));
	assert.equal(figures.failed, 0);
});

test('a shard killed and started again: every event once', async (t) => {
	const figures = await throughout(async () => {
		const shard = world.cluster.shards[1];
		const gone = shard.ended();
		shard.kill('KILL');
		await gone;
		await world.cluster.startProcess(shard);
	});
	t.diagnostic(JSON.stringify(figures));
});

test('a shard frozen until another owns its rooms: what it writes when it thaws is fenced', async (t) => {
	const figures = await throughout(async () => {
		const shard = world.cluster.shards[0];
		const gone = shard.ended();
		shard.allowed = 1;
		shard.pause();
		await until(async () => {
			const rows = await world.cluster.sql(`select 1 from slot join member on owner = incarnation where name = ${quote(shard.name)}`);
			return rows.length === 0;
		}, 'another shard to own its slots');
		shard.resume();
		await gone;
		await world.cluster.startProcess(shard);
	});
	t.diagnostic(JSON.stringify(figures));
});

test('database connections of the shards cut in the middle of commits: every event once', async (t) => {
	const figures = await throughout(async () => {
		for (let n = 0; n < 3; n++) {
			const pids = await world.cluster.sql('select pid from pg_stat_activity where pid <> pg_backend_pid() and application_name like \'shard-%\'');
			await world.cluster.sql(pids.map(({ pid }) => `select pg_terminate_backend(${pid})`).join(';'));
			await new Promise((resolve) => setTimeout(resolve, 200 + 100 * n)); // into the middle of what goes on again
		}
	});
	t.diagnostic(JSON.stringify(figures));
	assert.equal(figures.failed, 0);
});

test('PostgreSQL restarted: every event once', async (t) => {
	const figures = await throughout(async () => {
		await world.cluster.restart(world.cluster.postgres.process);
	});
	t.diagnostic(JSON.stringify(figures));
});
