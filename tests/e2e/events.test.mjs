// SPDX-License-Identifier: Apache-2.0
// Events said as fast as they are answered, by several at once in each room, while shards end and
// connections break under them: what was acked is in the table, once, numbered without a gap; each client
// has seen exactly what is in the table, in that order.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { request } from '../lib/http.mjs';
import { flawsOf, Ledger, readEvents } from '../lib/ledger.mjs';
import { kinds, layouts, World } from '../lib/world.mjs';

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
	acked = 0;
	failed = 0;
	slowestMs = 0;
	#ends = false;

	/** @param {Ledger} ledger @param {Room} room @param {string} name */
	constructor(ledger, room, name) {
		this.ledger = ledger;
		this.room = room;
		this.name = name;
		this.done = this.#run();
	}

	async #run() {
		for (let n = 0; !this.#ends; n++) {
			const from = Date.now();
			if (await publish(this.room, this.name, n, this.ledger))
				this.acked++;
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

/** @param {Room} room */
const keyOf = (room) => `${room.kind}:${room.id}`;

/** @param {Room} room @param {string} stream @param {number} n @param {Ledger} ledger @returns {Promise<boolean>} acked */
async function publish(room, stream, n, ledger) {
	const url = `${world.cluster.publicUrls[n % 2]}/api/ws/${room.kind}s/${encodeURIComponent(room.id)}/broadcast`;
	ledger.say(keyOf(room), stream, n);
	const answer = await request(url, {
		method: 'POST',
		headers: { Authorization: `Bearer ${world.users[0].session}`, 'Content-Type': 'application/json' },
		body: JSON.stringify({ type: 'comment_added', data: { stream, n } }),
	});
	assert.ok(answer.status === 200 || answer.status === 500, `${answer.status} ${answer.body}`);
	assert.equal(answer.body, answer.status === 200 ? '{"success":true}' : '{"error":"Failed to broadcast message"}');
	if (answer.status === 200)
		ledger.ack(keyOf(room), stream, n);
	return answer.status === 200;
}

/** @param {Client} client */
const seen = (client) => client.all('comment_added').map(({ data: { stream, n } }) => ({ stream, n }));

/** What the table says of all of these rooms; each client has seen that of its own, in that order.
 * @param {Ledger} ledger @param {{room: Room, clients: Client[]}[]} groups */
async function audit(ledger, groups) {
	const rows = await readEvents((text) => world.cluster.sql(text), ledger.rooms);
	for (const { room, clients } of groups)
		for (const client of clients) {
			const own = rows.filter((row) => row.room === keyOf(room)).map(({ stream, n }) => ({ stream, n }));
			assert.deepEqual(seen(client), own, `${client.user.id} in ${keyOf(room)} saw what is stored, in order`);
			own.forEach(({ stream, n }) => ledger.show(keyOf(room), stream, n));
		}
	const account = ledger.audit(rows);
	assert.deepEqual(flawsOf(account), [], account.examples.join('\n'));
}

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
	const ledger = new Ledger();
	const groups = (await crowd()).map((group, at) => ({
		...group,
		publishers: Array.from({ length: publishersPerRoom }, (_, n) => new Publisher(ledger, group.room, `${at}-${n}`)),
	}));
	const all = groups.flatMap((group) => group.publishers);
	await acksGrow(all);
	await disturb();
	await acksGrow(all);
	await Promise.all(all.map((one) => one.stop()));
	for (const { room, clients } of groups) {
		assert.ok(await publish(room, 'last', 0, ledger));
		await Promise.all(clients.map((client) => client.until(() => seen(client).some(({ stream }) => stream === 'last'), 'last event')));
	}
	await audit(ledger, groups);
	await Promise.all(groups.flatMap(({ clients }) => clients.map((client) => client.leave())));
	return {
		acked: all.reduce((sum, one) => sum + one.acked, 0),
		failed: all.reduce((sum, one) => sum + one.failed, 0),
		slowestMs: Math.max(...all.map((one) => one.slowestMs)),
	};
}

/** Each of them has been acked a few more. @param {Publisher[]} publishers */
function acksGrow(publishers) {
	const from = publishers.map((one) => one.acked);
	return until(async () => publishers.every((one, i) => one.acked >= from[i] + 3), 'publishes to be acked again');
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
	const ledger = new Ledger();
	const room = world.room('submission', 0);
	assert.ok(await publish(room, 'one', 0, ledger));
	const client = await world.join(room, 1);
	assert.ok(await publish(room, 'one', 1, ledger));
	await client.next('comment_added');
	assert.deepEqual(seen(client), [{ stream: 'one', n: 1 }]);
	await audit(ledger, []);
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
