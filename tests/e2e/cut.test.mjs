// SPDX-License-Identifier: Apache-2.0
// One way of the network is cut, nothing else: between one gateway and one shard, then between one shard
// and the database. The rooms are served elsewhere, and nothing moves back and forth meanwhile.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Cluster } from '../../deploy/local/cluster.mjs';
import { Client } from '../lib/client.mjs';
import { Crowd, sizeText } from '../lib/crowd.mjs';
import { Network } from '../lib/network.mjs';
import { shardEnv, Split } from '../lib/split.mjs';

/** @type {Network} */
let network;
/** @type {Cluster} */
let cluster;
/** @type {Crowd} */
let crowd;
/** @type {Split} */
let split;

before(async () => {
	network = new Network();
	cluster = await Cluster.start({ gateways: 2, shards: 3, demo: false, shardEnv });
	split = await Split.open(cluster, network);
	crowd = await Crowd.open(cluster, split.urls);
});
after(async () => {
	await (crowd ? crowd.close() : cluster?.stop());
	network?.close();
});

describe(`${sizeText}: a cut network`, { concurrency: false }, () => {
	test('a gateway cut from one shard: it alone sends its clients of that shard elsewhere', async (t) => {
		const { load } = crowd;
		const [shard, gateway] = [cluster.shards[0], 1];
		const calm = await load.during('nothing is cut', () => sleep(2_000));
		const rooms = await crowd.roomsOf(shard);
		const stranded = load.members.filter((member) => member.gateway === gateway && rooms.has(member.room.id));
		const visitor = load.members.find((member) => !rooms.has(member.room.id));
		const before = await changes();
		const from = Date.now();
		let took = 0;
		const cut = await load.during(`gateway-2 cut from ${shard.name}`, async () => {
			split.gatewaySpace.cut(split.shardAt[0]);
			await eventually(async () => stranded.every((member) => member.isIn && member.gateway !== gateway), 'its clients to be elsewhere', 20_000);
			took = Date.now() - from;
			const { status, checks } = await readiness();
			assert.equal(status, 503);
			assert.equal(checks.links, false);
			await assert.rejects(Client.open(split.url(gateway), visitor.room, visitor.user), 'it takes no new clients');
			await load.flows();
		}, { ending: gateway, rooms, casts: true, refusals: true });
		assert.deepEqual(await changes(), before, 'no slot and no member changed');
		const healed = await load.during('the way is back', async () => {
			split.gatewaySpace.heal(split.shardAt[0]);
			await eventually(async () => (await readiness()).status === 200, 'the gateway to be ready again');
			await load.flows();
		});
		t.diagnostic(`${stranded.length} clients were elsewhere after ${took} ms`);
		crowd.judge(t, [calm, cut, healed]);
		assert.equal(cut.moved, stranded.length, 'each of them was sent away once');
		assert.ok(took < 10_000, `elsewhere after ${took} ms`);
		assert.deepEqual(await changes(), before, 'no slot and no member changed');
	});

	test('a shard cut from the database: its rooms are served elsewhere, once', async (t) => {
		const { load } = crowd;
		const shard = cluster.shards[2];
		const rooms = await crowd.roomsOf(shard);
		const before = await changes();
		const from = Date.now();
		shard.allowed = 1;
		let took = 0;
		const cut = await load.during(`${shard.name} cut from the database`, async () => {
			split.shardSpace.cut(split.databaseAt);
			await eventually(async () => (await owners()).length === 2, 'the others to take its slots');
			took = Date.now() - from;
			await load.flows();
		}, { rooms, casts: true });
		t.diagnostic(`its slots had other owners after ${took} ms`);
		const taken = await changes();
		const later = await load.during('it stays cut', () => sleep(3_000)); // time for slots to go back and forth
		assert.deepEqual(await changes(), taken, 'nothing moves back and forth');
		assert.ok(taken.version - before.version <= 8, `${taken.version - before.version} changes`);
		const healed = await load.during('the way is back', async () => {
			const gone = shard.ended();
			split.shardSpace.heal(split.databaseAt);
			assert.equal((await gone).code, 1, 'it ends when it reads that it is dead');
			await load.flows();
		});
		crowd.judge(t, [cut, later, healed]);
		assert.ok(cut.stall < 2_000, `${cut.stall} ms without a message`);
	});

	test('what was acknowledged is in the table, once, in rooms numbered without a gap', (t) => crowd.settle(t));
});

async function readiness() {
	const response = await fetch(cluster.gateways[1].plan.readyUrl ?? '');
	return { status: response.status, checks: (await response.json()).checks };
}

const owners = () => cluster.sql(`select owner from slot join member on owner = incarnation
	where state = 'active' group by 1 having count(*) > 1000`);

async function changes() {
	const [row] = await cluster.sql(`select version, (select sum(epoch) from slot) as epochs,
		(select count(*) from member where state = 'active') as living from view`);
	return { version: Number(row.version), epochs: Number(row.epochs), living: Number(row.living) };
}

/** @param {() => Promise<boolean>} is @param {string} what */
async function eventually(is, what, ms = 15_000) {
	for (const deadline = Date.now() + ms; !(await is());) {
		assert.ok(Date.now() < deadline, `waited ${ms} ms for ${what}`);
		await sleep(50);
	}
}
