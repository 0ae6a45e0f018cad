// SPDX-License-Identifier: Apache-2.0
// The cluster while its parts are restarted, killed and paused in the middle of traffic: sockets stay
// open, nobody is shown to leave or join, and a planned move loses nothing.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { fence } from '../lib/client.mjs';
import { request } from '../lib/http.mjs';
import { Traffic } from '../lib/traffic.mjs';
import { kinds, layouts, World } from '../lib/world.mjs';

/** @typedef {import('../lib/client.mjs').Client} Client */

/** @type {World} */
let world;

before(async () => {
	world = await World.open({ layout: layouts[2], gatewayEnv: { MOOT_PRESENCE_GRACE: '8s' }, shardEnv: { MOOT_PRESENCE_GRACE: '8s' } });
});
after(() => world?.close());

/** Six rooms on both shards, each with a sender and readers on both gateways; all know each other. */
async function crowd() {
	await world.readOwners();
	const groups = [];
	for (let n = 0; n < 6; n++) {
		const room = world.room(kinds[n % 2], n % 2);
		const sender = await world.join(room, 0, { gateway: n % 2 });
		const readers = [await world.join(room, 1, { gateway: 0 }), await world.join(room, 3, { gateway: 1 })];
		for (const reader of readers)
			reader.send('editing_started', { field: 'content' });
		await Promise.all([fence(sender, readers), fence(readers[0], [sender]), fence(readers[1], [sender])]);
		groups.push({ room, sender, readers, members: [sender, ...readers] });
	}
	groups.forEach(({ members }) => members.forEach((member) => member.mark()));
	return groups;
}

/** @param {Awaited<ReturnType<typeof crowd>>} groups @param {(client: Client) => boolean} [whom] */
function assertNobodyNoticed(groups, whom = () => true) {
	for (const member of groups.flatMap(({ members }) => members).filter(whom)) {
		const where = `${member.user.id} in ${member.room.kind} ${member.room.id}`;
		assert.ok(member.isOpen, `${where}: the socket stays open`);
		assert.deepEqual(member.unread('user_left', 'user_joined').map((message) => message.text), [], where);
		for (const state of member.unread('room_state'))
			assert.equal(state.users.length, 3, `${where}: ${state.text}`);
	}
}

/** @param {Awaited<ReturnType<typeof crowd>>} groups */
const dismiss = (groups) => Promise.all(groups.flatMap(({ members }) => members.filter((one) => one.isOpen).map((one) => one.leave())));

describe('a shard', { concurrency: false }, () => {
	for (const index of [0, 1]) {
		test(`shard ${index + 1} restarted by SIGTERM: no message lost, none doubled, nobody noticed`, async () => {
			const groups = await crowd();
			const traffic = groups.map(({ sender, readers }) => new Traffic(sender, readers));
			await world.cluster.restart(world.cluster.shards[index]);
			await Promise.all(traffic.map((one) => one.stop()));
			traffic.forEach((one) => one.assertComplete());
			assertNobodyNoticed(groups);
			const stall = Math.max(...traffic.map((one) => one.stallMs));
			assert.ok(stall < 3_000, `${stall} ms without a message`);
			for (const { room, readers } of groups) {
				const late = await world.join(room, 5);
				await fence(readers[0], [late]);
				const editors = late.all('editing_started').map((message) => message.userId).sort();
				assert.deepEqual(editors, readers.map((reader) => reader.user.id).sort(), 'states survive the move');
				await late.leave();
			}
			await dismiss(groups);
		});
	}

	test('both restarted, one after the other, share the slots again', async () => {
		await eventually(async () => {
			const rows = await world.cluster.sql('select name, state, count(*) as n from slot join member on owner = incarnation group by 1, 2');
			return rows.length === 2 && rows.every((row) => row.state === 'active' && Number(row.n) >= 1500);
		}, 'both shards to own their share');
		await world.readOwners();
	});

	test('killed and started again under the same name: a stall, nothing else', async () => {
		const groups = await crowd();
		const traffic = groups.map(({ sender, readers }) => new Traffic(sender, readers));
		const shard = world.cluster.shards[0];
		const gone = shard.ended();
		shard.kill('KILL');
		await gone;
		await world.cluster.startProcess(shard);
		await Promise.all(groups.map(({ sender, readers }) => flowsAgain(sender, readers)));
		await Promise.all(traffic.map((one) => one.stop()));
		traffic.forEach((one) => one.assertOrdered());
		assertNobodyNoticed(groups);
		const stall = Math.max(...traffic.map((one) => one.stallMs));
		assert.ok(stall < 10_000, `${stall} ms without a message`);
		await dismiss(groups);
	});

	test('paused for less than a link may be silent: a stall, nothing else', async () => {
		const groups = await crowd();
		const traffic = groups.map(({ sender, readers }) => new Traffic(sender, readers));
		const shard = world.cluster.shards[1];
		shard.pause();
		await new Promise((resolve) => setTimeout(resolve, 300)); // the pause is what is tested
		shard.resume();
		await Promise.all(groups.map(({ sender, readers }) => flowsAgain(sender, readers)));
		await Promise.all(traffic.map((one) => one.stop()));
		traffic.forEach((one) => one.assertOrdered());
		assertNobodyNoticed(groups);
		await dismiss(groups);
	});

	test('all of them away at once: members stay, and see each other again', async () => {
		const groups = await crowd();
		await Promise.all(world.cluster.shards.map((shard) => world.cluster.stopProcess(shard)));
		for (const { members } of groups)
			for (const member of members)
				await member.settled();
		await Promise.all(world.cluster.shards.map((shard) => world.cluster.startProcess(shard)));
		await Promise.all(groups.map(({ sender, readers }) => flowsAgain(sender, readers)));
		assertNobodyNoticed(groups);
		await dismiss(groups);
		await world.readOwners();
	});
});

describe('a gateway', { concurrency: false }, () => {
	for (const signal of ['TERM', 'KILL']) {
		test(`ended by SIG${signal}: who comes back through another one was never away`, async () => {
			const groups = await crowd();
			const gateway = world.cluster.gateways[1];
			const onIt = (/** @type {Client} */ client) => client.socket.url.includes(`:${gateway.plan.ports?.own}/`);
			const away = groups.flatMap(({ members }) => members.filter(onIt));
			const from = Date.now();
			const ended = signal === 'KILL' ? gateway.ended() : world.cluster.stopProcess(gateway);
			if (signal === 'KILL')
				gateway.kill('KILL');
			await Promise.all(away.map(async (client) => {
				const { code, reason } = await client.closed;
				if (signal === 'TERM') {
					assert.equal(code, 1012);
					assert.ok(reason.length > 0);
				}
				await world.join(client.room, client.user, { gateway: 0 });
			}));
			assert.ok(Date.now() - from < 15_000, 'well within the patience of the old client');
			await ended;
			const stayed = (/** @type {Client} */ client) => !onIt(client);
			for (const { members } of groups) {
				const [a, b] = members.filter(stayed);
				if (b)
					await fence(a, [b]);
			}
			// The lost connections' grace passes; somebody else's leaving tells that it has.
			const { room, members } = groups[0];
			const clock = await world.join(room, 7, { gateway: 0 });
			await clock.vanish();
			const watcher = /** @type {Client} */ (members.find(stayed));
			await watcher.until(() => watcher.all('user_left').some((message) => message.userId === clock.user.id), 'the clock to leave', 20_000);
			for (const member of groups.flatMap((group) => group.members).filter(stayed)) {
				assert.ok(member.isOpen);
				const seen = member.unread('user_left', 'user_joined').filter((message) => message.userId !== clock.user.id);
				assert.deepEqual(seen.map((message) => message.text), []);
			}
			await world.cluster.startProcess(gateway);
			await dismiss(groups);
		});
	}

	test('with drain.settle: balancers are told before clients notice anything', async () => {
		const gateway = world.cluster.gateways[1];
		const readyUrl = String(gateway.plan.readyUrl);
		const env = gateway.plan.env ?? {};
		await world.cluster.stopProcess(gateway);
		env.MOOT_DRAIN_SETTLE = '3s';
		await world.cluster.startProcess(gateway);
		const client = await world.join(world.room(), 3, { gateway: 1 });
		const ended = gateway.ended();
		gateway.kill('TERM');
		await eventually(async () => (await request(readyUrl)).status === 503, 'not to be ready');
		assert.match((await request(readyUrl)).body, /"listening":true,"not_draining":false/);
		const late = await world.join(client.room, 4, { gateway: 1 });
		await client.settled();
		for (const one of [client, late])
			assert.equal((await one.closed).code, 1012);
		await ended;
		delete env.MOOT_DRAIN_SETTLE;
		await world.cluster.startProcess(gateway);
	});

	test('the shared port is answered while one of two is away', async () => {
		const gateway = world.cluster.gateways[0];
		await world.cluster.stopProcess(gateway);
		for (let n = 0; n < 5; n++)
			assert.equal((await request(`${world.cluster.publicUrl}/api/ws/test`)).status, 200);
		await world.cluster.startProcess(gateway);
	});
});

/** Casts may be lost while a shard is dead; from some moment on they are not.
 * @param {Client} sender @param {Client[]} readers */
async function flowsAgain(sender, readers) {
	const mark = `again-${Math.random()}`;
	const has = (/** @type {Client} */ reader) => reader.received.some((message) => message.data?.again === mark);
	await eventually(async () => {
		sender.send('user_presence', { again: mark });
		await sender.settled();
		return readers.every(has);
	}, 'messages to flow again');
}

/** @param {() => Promise<boolean>} is @param {string} what */
async function eventually(is, what, ms = 15_000) {
	for (const deadline = Date.now() + ms; !(await is());) {
		if (Date.now() > deadline)
			throw new Error(`waited ${ms} ms for ${what}`);
		await new Promise((resolve) => setTimeout(resolve, 50));
	}
}
