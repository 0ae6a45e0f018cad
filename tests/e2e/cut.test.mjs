// SPDX-License-Identifier: Apache-2.0
// One way of the network is cut, nothing else: between one gateway and one shard, then between one shard
// and the database. The rooms are served elsewhere, and nothing moves back and forth meanwhile.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, fence } from '../lib/client.mjs';
import { Network } from '../lib/network.mjs';
import { Traffic } from '../lib/traffic.mjs';
import { kinds, World } from '../lib/world.mjs';

const roomsPerShard = 3;
const castEveryMs = 100;
const settings = { MOOT_PRESENCE_GRACE: '8s' };

/** @type {Network} */
let network;
/** @type {World} */
let world;
/** @type {ReturnType<Network['space']>} */
let gatewaySpace;
/** @type {ReturnType<Network['space']>} */
let shardSpace;
/** @type {string[]} addresses of the shards */
let shardAt;
/** @type {string} the database as the shard in its namespace reaches it */
let databaseAt;

before(async () => {
	network = new Network();
	world = await World.open({ shards: 3, gatewayEnv: { ...settings, MOOT_LINK_SILENCE: '600ms' }, shardEnv: { ...settings, MOOT_BUS_HOST: '*' } });
	gatewaySpace = network.space();
	shardSpace = network.space();
	shardAt = [network.address(), network.address(), shardSpace.address];
	databaseAt = network.address();
	const { port } = world.cluster.postgres;
	await Promise.all([network.own, databaseAt].map((address) => network.forward(address, port)));
	await move();
});
after(async () => {
	await world?.close();
	network?.close();
});

/** Each shard gets an address of its own; a gateway and a shard go into their namespaces. */
async function move() {
	const { shards, gateways } = world.cluster;
	const moved = [...shards, gateways[1]];
	await Promise.all(moved.map((one) => world.cluster.stopProcess(one)));
	shards.forEach(({ plan }, i) => Object.assign(plan.env ?? {}, { MOOT_BUS_ADVERTISE: shardAt[i] }));
	house(shards[2], shardSpace, databaseAt);
	house(gateways[1], gatewaySpace, network.own);
	await Promise.all(moved.map((one) => world.cluster.startProcess(one)));
	await eventually(async () => (await owners()).length === 3, 'all shards to own slots');
	await world.readOwners();
}

/** @param {import('../../deploy/local/process.mjs').Process} one @param {ReturnType<Network['space']>} space @param {string} database */
function house({ plan }, space, database) {
	plan.command = space.inside(plan.command);
	plan.readyUrl = plan.readyUrl?.replace('127.0.0.1', space.address);
	Object.assign(plan.env ?? {}, {
		MOOT_DATABASE_URL: plan.env?.MOOT_DATABASE_URL.replace('127.0.0.1', database),
		MOOT_INTERNAL_HOST: '0.0.0.0',
		...(plan.kind === 'gateway' ? { MOOT_PUBLIC_HOST: '0.0.0.0' } : {}),
	});
}

describe('a cut network', { concurrency: false }, () => {
	test('a gateway cut from one shard: it alone sends its clients of that shard elsewhere', async (t) => {
		const groups = await crowd();
		const before = await changes();
		gatewaySpace.cut(shardAt[0]);
		const from = Date.now();
		const stranded = groups.filter(({ shard }) => shard === 0);
		await Promise.all(stranded.map(async (group) => {
			assert.equal((await group.far.closed).code, 1012);
			group.far = await join(group.room, group.far.user, 0);
		}));
		t.diagnostic(`clients were sent elsewhere after ${Date.now() - from} ms`);
		assert.ok(Date.now() - from < 10_000, 'sent elsewhere in time');
		const { status, checks } = await readiness();
		assert.equal(status, 503);
		assert.equal(checks.links, false);
		await assert.rejects(Client.open(gatewayUrl(1), groups[0].room, world.users[7]), 'it takes no new clients');
		await Promise.all(stranded.map(({ near, far }) => fence(near, [far])));
		assert.deepEqual(await changes(), before, 'no slot and no member changed');
		gatewaySpace.heal(shardAt[0]);
		await eventually(async () => (await readiness()).status === 200, 'the gateway to be ready again');
		await (await join(groups[0].room, world.users[7], 1)).leave();
		await Promise.all(groups.map(({ traffic }) => traffic.stop()));
		for (const { shard, near, far, traffic } of groups) {
			assert.ok(near.isOpen && far.isOpen);
			assert.deepEqual(strangers(near), [], 'nobody was away');
			if (shard !== 0)
				assert.ok(traffic.stallMs < 1_000, 'other rooms did not notice');
		}
		await dismiss(groups);
	});

	test('a shard cut from the database: its rooms are served elsewhere, once', async (t) => {
		const groups = await crowd();
		const shard = world.cluster.shards[2];
		const before = await changes();
		shard.allowed = 1;
		shardSpace.cut(databaseAt);
		const from = Date.now();
		await eventually(async () => (await owners()).length === 2, 'the others to take its slots');
		t.diagnostic(`its slots had other owners after ${Date.now() - from} ms`);
		const taken = await changes();
		await Promise.all(groups.map(({ near, far }) => fence(near, [far])));
		await sleep(3_000); // time for slots to go back and forth
		assert.deepEqual(await changes(), taken, 'nothing moves back and forth');
		assert.ok(taken.version - before.version <= 8, `${taken.version - before.version} changes`);
		await Promise.all(groups.map(({ traffic }) => traffic.stop()));
		for (const { near, far, traffic } of groups) {
			assert.ok(near.isOpen && far.isOpen);
			assert.deepEqual([...strangers(near), ...strangers(far)], []);
			assert.ok(traffic.stallMs < 2_000, `${traffic.stallMs} ms without a message`);
		}
		const gone = shard.ended();
		shardSpace.heal(databaseAt);
		assert.equal((await gone).code, 1, 'it ends when it reads that it is dead');
		await dismiss(groups);
	});
});

/** Rooms on all shards with somebody at each gateway; casts flow. */
async function crowd() {
	await world.readOwners();
	const groups = [];
	for (let n = 0; n < 3 * roomsPerShard; n++) {
		const room = world.room(kinds[n % 2], n % 3);
		const sender = await join(room, world.users[0], 0);
		const near = await join(room, world.users[1], 0);
		const far = await join(room, world.users[3], 1);
		await fence(sender, [near, far]);
		[sender, near, far].forEach((member) => member.mark());
		groups.push({ room, shard: n % 3, sender, near, far, traffic: new Traffic(sender, [near], castEveryMs) });
	}
	return groups;
}

/** @param {Awaited<ReturnType<typeof crowd>>} groups */
const dismiss = (groups) => Promise.all(groups.flatMap(({ sender, near, far }) => [sender, near, far].map((one) => one.leave())));

/** Users shown to come or go, but for the visitor. @param {Client} member */
const strangers = (member) => member.unread('user_left', 'user_joined')
	.filter(({ userId }) => userId !== world.users[7].id).map(({ text }) => text);

/** @param {number} n */
function gatewayUrl(n) {
	const url = world.cluster.publicUrls[n];
	return n === 1 ? url.replace('127.0.0.1', gatewaySpace.address) : url;
}

/** @param {import('../lib/client.mjs').Room} room @param {import('../lib/world.mjs').User} user @param {number} gateway */
const join = (room, user, gateway) => Client.join(gatewayUrl(gateway), room, user);

async function readiness() {
	const response = await fetch(world.cluster.gateways[1].plan.readyUrl ?? '');
	return { status: response.status, checks: (await response.json()).checks };
}

const owners = () => world.cluster.sql(`select owner from slot join member on owner = incarnation
	where state = 'active' group by 1 having count(*) > 1000`);

async function changes() {
	const [row] = await world.cluster.sql(`select version, (select sum(epoch) from slot) as epochs,
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
