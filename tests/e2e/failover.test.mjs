// SPDX-License-Identifier: Apache-2.0
// What is lost is replaced, although nothing here is started again by itself: a shard that is killed or
// frozen has its rooms served by the others within two seconds, and a database that stands still is no
// reason to declare anybody dead. Clients see a stall and nothing else.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fence } from '../lib/client.mjs';
import { Traffic } from '../lib/traffic.mjs';
import { kinds, World } from '../lib/world.mjs';

/** @typedef {import('../lib/client.mjs').Client} Client */
/** @typedef {Awaited<ReturnType<typeof crowd>>} Crowd */

const roomsPerShard = 6;
const castEveryMs = 100;
const answerMs = 2_000;
const grace = { MOOT_PRESENCE_GRACE: '8s' };

/** @type {World} */
let world;

before(async () => {
	world = await World.open({ shards: 3, gatewayEnv: { ...grace, MOOT_LINK_SILENCE: '600ms' }, shardEnv: grace });
	await everyShardOwnsItsShare();
});
after(() => world?.close());

describe('a lost shard', { concurrency: false }, () => {
	test('killed and not started again: its rooms answer elsewhere; started at last, it has its share', async (t) => {
		const groups = await crowd();
		const shard = world.cluster.shards[0];
		const gone = shard.ended();
		shard.kill('KILL');
		await gone;
		await serveAgain(t, groups, 0);
		await world.cluster.startProcess(shard);
		await everyShardOwnsItsShare();
		await settle(groups);
	});

	test('frozen for 10 s: its rooms are served elsewhere, and it ends when it finds itself dead', async (t) => {
		const groups = await crowd();
		const shard = world.cluster.shards[1];
		const gone = shard.ended();
		shard.allowed = 1;
		shard.pause();
		const thaw = Date.now() + 10_000;
		await serveAgain(t, groups, 1);
		await sleep(thaw - Date.now()); // the freeze is what is tested
		shard.resume();
		assert.equal((await gone).code, 1);
		assert.equal(world.cluster.log(shard).match(/ msg=declared_dead /g)?.length, 1, 'one line says why');
		await world.cluster.startProcess(shard);
		await everyShardOwnsItsShare();
		await settle(groups);
	});
});

describe('a database that is away for 5 s', { concurrency: false }, () => {
	/** @type {[string, () => Promise<void>][]} */
	const outages = [
		['frozen', async () => {
			const postmaster = world.cluster.postgres.process;
			postmaster.pause(); // first: then it has no more children than these
			const children = childrenOf(postmaster.pid ?? 0);
			children.forEach((pid) => send(pid, 'SIGSTOP'));
			await sleep(5_000); // the outage is what is tested
			children.forEach((pid) => send(pid, 'SIGCONT'));
			postmaster.resume();
		}],
		['stopped', async () => {
			const back = Date.now() + 5_000;
			await world.cluster.stopProcess(world.cluster.postgres.process);
			await sleep(back - Date.now()); // the outage is what is tested
			await world.cluster.startProcess(world.cluster.postgres.process);
		}],
	];
	for (const [name, outage] of outages) {
		test(`${name}: presence and casts go on, nobody is declared dead`, async (t) => {
			const groups = await crowd();
			const members = await living();
			await outage();
			await fence(groups[0].readers[0], [groups[0].sender]);
			await sleep(4_000); // time in which those who came back later could be found dead
			await settle(groups);
			const stall = Math.max(...groups.map(({ traffic }) => traffic.stallMs));
			t.diagnostic(`longest time without a message: ${stall} ms`);
			assert.ok(stall < 1_500, `${stall} ms without a message`);
			assert.deepEqual(await living(), members);
		});
	}
});

/** Rooms on all shards, each with a sender and readers at both gateways; casts flow until `settle`. */
async function crowd() {
	await world.readOwners();
	const groups = [];
	for (let n = 0; n < 3 * roomsPerShard; n++) {
		const room = world.room(kinds[n % 2], n % 3);
		const sender = await world.join(room, 0, { gateway: n % 2 });
		const readers = [await world.join(room, 1, { gateway: 0 }), await world.join(room, 3, { gateway: 1 })];
		groups.push({ room, shard: n % 3, sender, readers, members: [sender, ...readers] });
	}
	await Promise.all(groups.map(({ sender, readers }) => fence(sender, readers)));
	return groups.map((group) => {
		group.members.forEach((member) => member.mark());
		return { ...group, traffic: new Traffic(group.sender, group.readers, castEveryMs) };
	});
}

/** The rooms of the lost shard answer again in time. @param {import('node:test').TestContext} t @param {Crowd} groups @param {number} shard */
async function serveAgain(t, groups, shard) {
	const from = Date.now();
	const orphans = groups.filter((group) => group.shard === shard);
	const since = (/** @type {Client} */ reader) => reader.received.filter((message) => message.type === 'text_operation' && message.at > from);
	await Promise.all(orphans.flatMap(({ readers }) => readers.map((reader) => reader.until(() => since(reader).length >= 3, 'casts to flow again'))));
	const took = orphans.flatMap(({ readers }) => readers.map((reader) => {
		const times = [from, ...since(reader).map((message) => message.at)];
		return Math.max(...times.slice(1).map((at, i) => at - times[i]));
	})).sort((a, b) => a - b);
	t.diagnostic(`rooms answered again after: median ${took[took.length >> 1]} ms, last ${took[took.length - 1]} ms`);
	assert.ok(took[took.length - 1] < answerMs, `rooms without an answer for up to ${took[took.length - 1]} ms`);
}

/** End the traffic: nobody closed, left or joined; all readers of a room saw one history. @param {Crowd} groups */
async function settle(groups) {
	await Promise.all(groups.map(({ traffic }) => traffic.stop()));
	for (const { room, traffic, readers, members } of groups) {
		traffic.assertOrdered();
		for (const member of members) {
			const where = `${member.user.id} in ${room.kind} ${room.id}`;
			assert.ok(member.isOpen, `${where}: the socket stays open`);
			assert.deepEqual(member.unread('user_left', 'user_joined').map((message) => message.text), [], where);
		}
		const [one, other] = readers.map(history);
		for (const [seq, text] of one)
			if (other.has(seq))
				assert.equal(other.get(seq), text, `message ${seq} of ${room.kind} ${room.id} is the same for all`);
	}
	await Promise.all(groups.flatMap(({ members }) => members.map((member) => member.leave())));
}

/** Casts by number; the numbers only grow. @param {Client} reader @returns {Map<number, number>} */
function history(reader) {
	const casts = reader.all('text_operation');
	casts.forEach(({ seq }, i) => assert.ok(i === 0 || seq > casts[i - 1].seq, `${seq} after ${casts[i - 1]?.seq}`));
	return new Map(casts.map((message) => [message.seq, message.data.n]));
}

/** Who lives, and as which run: a process that was declared dead would be missing. */
function living() {
	return world.cluster.sql("select name, incarnation from member where state = 'active' order by 1, 2");
}

async function everyShardOwnsItsShare(ms = 15_000) {
	for (const deadline = Date.now() + ms; ;) {
		const rows = await world.cluster.sql(`select count(*) as n from slot join member on owner = incarnation
			where state = 'active' group by incarnation`);
		if (rows.length === 3 && rows.every((row) => Number(row.n) >= 1_200))
			return;
		assert.ok(Date.now() < deadline, `slots after ${ms} ms: ${JSON.stringify(rows)}`);
		await sleep(50);
	}
}

/** @param {number} pid @param {NodeJS.Signals} signal */
function send(pid, signal) {
	try {
		process.kill(pid, signal);
	} catch {
		// it has just ended
	}
}

/** @param {number} parent @returns {number[]} */
function childrenOf(parent) {
	return fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number).filter((pid) => {
		try {
			return Number(fs.readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) \S /, '').split(' ')[0]) === parent;
		} catch {
			return false; // it has just ended
		}
	});
}
