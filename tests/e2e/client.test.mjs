// SPDX-License-Identifier: Apache-2.0
// The SDK against a real cluster: a shard and a gateway killed, a gateway that leaves, connections cut in
// every way, and the old client's names beside the old client's protocol. Nothing is lost, doubled or
// reordered, nobody is shown as gone, and what the states say is true.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { WebSocket } from 'ws';
import { createClient } from '../../client/src/index.js';
import { configure, SubmissionWebSocketClient } from '../../client/src/v0.js';
import { ROOT } from '../../deploy/local/settings.mjs';
import { describe as inWords, disconnect } from '../lib/disconnects.mjs';
import { eventually } from '../lib/eventually.mjs';
import { faultsOf, ghostsOf, Reviewer } from '../lib/reviewer.mjs';
import { World } from '../lib/world.mjs';

const grace = { MOOT_PRESENCE_GRACE: '20s' }; // who comes back late on a busy machine is still not gone
const manyCuts = 50;

/** @type {World} */
let world;
before(async () => {
	world = await World.open({ gatewayEnv: { ...grace, MOOT_PRESENCE_RELOAD: '20s' }, shardEnv: grace });
});
after(() => world?.close());

/** Two people in a room on the first shard, at different gateways if they can. @param {(first: Reviewer, second: Reviewer) => Promise<void>} meanwhile */
async function withTwo(meanwhile) {
	const { kind, id } = world.room('submission', 0);
	const { gateways } = world.cluster;
	const at = (/** @type {number} */ first) => {
		let turn = first;
		return () => world.base(turn++ % gateways.length);
	};
	const people = [new Reviewer(world.users[3], at(0), `${kind}:${id}`), new Reviewer(world.users[4], at(1), `${kind}:${id}`)];
	const talk = setInterval(() => people.forEach((one) => one.publish()), 40);
	try {
		await Promise.all(people.map(({ room }) => room.ready));
		await meanwhile(people[0], people[1]);
		clearInterval(talk);
		await Promise.all(people.map((one) => one.finish(() => people[0].said + people[1].said)));
		assert.deepEqual([...faultsOf(people), ...ghostsOf(people)], []);
	} finally {
		clearInterval(talk);
		people.forEach((one) => one.close());
	}
}

/** Its states, but for doubts: a busy machine answers late. @param {Reviewer} reviewer */
function steady({ states }) {
	return states.filter((state) => state !== 'unsteady').filter((state, i, all) => state !== all[i - 1]);
}

describe('the SDK', { concurrency: false }, () => {
	test('a shard is killed: publishes wait and are stored, no connection ends', () => withTwo(async (first, second) => {
		const [shard] = world.cluster.shards;
		shard.kill('KILL');
		await shard.ended();
		const before = first.said;
		await eventually(() => first.shown.includes(`u_3 ${before + 5}`), 'what is said after that to be shown', 20_000);
		await world.cluster.startProcess(shard);
		assert.deepEqual([first.sockets.length, second.sockets.length], [1, 1]);
		assert.deepEqual(steady(first), ['connecting', 'connected']);
	}));

	test('a gateway is killed: said at once, then the session goes on at the other one', () => withTwo(async (first, second) => {
		const { session } = first.client;
		const [gateway] = world.cluster.gateways;
		gateway.kill('KILL');
		await gateway.ended();
		try {
			await eventually(() => first.resumes > 0, () => `it to be back: ${JSON.stringify([first.client.status, first.room.status, first.states])}`, 20_000);
		} finally {
			await world.cluster.startProcess(gateway);
		}
		assert.equal(first.client.session, session);
		assert.deepEqual(steady(first).slice(0, 4), ['connecting', 'connected', 'waiting', 'connecting']);
		assert.deepEqual(steady(second), ['connecting', 'connected']);
	}));

	test('a gateway leaves: at no moment is there no open socket, and nothing shows', () => withTwo(async (first) => {
		const [gateway] = world.cluster.gateways;
		await world.cluster.stopProcess(gateway);
		try {
			await eventually(() => first.resumes > 0, () => `it to have moved: ${JSON.stringify([first.client.status, first.room.status, first.states])}`, 20_000);
			assert.ok(first.fewest >= 1, 'before the first socket closed the second was open');
			assert.deepEqual(steady(first), ['connecting', 'connected']);
		} finally {
			await world.cluster.startProcess(gateway);
		}
	}));

	test(`${manyCuts} connections are cut in every way: each is back, with everything`, async (t) => {
		const report = await disconnect(world, { cuts: manyCuts, people: 10, frozen: 1, processes: false, say: () => {} });
		t.diagnostic(inWords(report));
		assert.deepEqual([...report.faults, ...report.ghosts], []);
		assert.equal(report.resumed, manyCuts);
	});

	test('a token that is not accepted ends it and says so; the next one begins anew', async () => {
		let session = 'nobody';
		const client = createClient({ url: world.base(0), auth: () => session, WebSocket: /** @type {any} */ (WebSocket) });
		client.connect();
		await eventually(() => client.status.state === 'stopped', 'it to be refused');
		assert.equal(client.status.reason, 'signed_out');
		session = world.users[5].session;
		client.connect();
		await eventually(() => client.status.state === 'connected', 'it to be let in');
		client.close();
	});

	test('a room that may not be entered, one conflict, the log, and a state that others see', async () => {
		const { kind, id } = world.room('submission');
		const [ann, bob] = [5, 6].map((user) => createClient({ url: world.base(user % 2), auth: world.users[user].session, WebSocket: /** @type {any} */ (WebSocket) }));
		const [a, b] = [ann, bob].map((client) => client.join(`${kind}:${id}`));
		try {
			await Promise.all([a.ready, b.ready, assert.rejects(ann.join('submission:nowhere').ready, { code: 'no_room' })]);
			assert.equal(await a.publish('saved', { field: 'title', v: 1 }, { base: 0 }), 1);
			await assert.rejects(b.publish('saved', { field: 'title', v: 2 }, { base: 0 }), { code: 'conflict', seq: 1, data: { field: 'title', v: 1 } });
			assert.equal(await b.publish('saved', { field: 'title', v: 2 }, { base: 1 }), 2);
			const page = await a.history({ after: 1, limit: 5 });
			assert.deepEqual([page.head, page.events.map(({ data }) => data.v)], [2, [2]]);
			a.state.set({ mode: 'editing', field: 'title' });
			a.state.set({ field: null });
			const seen = () => b.members.find(({ id: who }) => who === 'u_5')?.connections[0].state;
			await eventually(() => JSON.stringify(seen()) === '{"mode":"editing"}', () => `the state to be seen: ${JSON.stringify(seen())}`);
			assert.deepEqual([b.count, b.listed], [2, true]);
		} finally {
			ann.close();
			bob.close();
		}
	});

	test('the quick start of the manual does what it says', async () => {
		const { kind, id } = world.room('submission');
		const [, snippet] = fs.readFileSync(path.join(ROOT, 'docs', 'client.md'), 'utf8').split('```js\n');
		const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'moot-manual-'));
		/** @type {any[]} */
		const shown = [];
		/** @type {any} */
		const page = {
			WebSocket, localStorage: { getItem: () => world.users[9].session }, show: (/** @type {any[]} */ ...what) => shown.push(what),
			list: (/** @type {any[]} */ members, /** @type {number} */ count) => shown.push([members.map(({ name }) => name), count]),
		};
		const code = snippet.split('```')[0].replace("'moothall'", `'${new URL('../../client/src/index.js', import.meta.url)}'`)
			.replace('https://rooms.example.org', world.base(0)).replace('submission:42', `${kind}:${id}`)
			.replace('console.info', 'globalThis.said').concat('export { client, seq };');
		/** @type {string[]} */
		const said = [];
		Object.assign(globalThis, page, { said: (/** @type {string} */ words) => said.push(words) });
		try {
			fs.writeFileSync(path.join(dir, 'start.mjs'), code);
			const { client, seq } = await import(path.join(dir, 'start.mjs'));
			await eventually(() => shown.length >= 2, () => `what is shown: ${JSON.stringify(shown)}`);
			assert.deepEqual([seq, said.at(-1)], [1, 'Connected']);
			assert.deepEqual(shown, [[[world.users[9].name], 1], [{ text: 'Looks good' }, world.users[9].name, 1]]);
			client.close();
		} finally {
			fs.rmSync(dir, { recursive: true });
			for (const name of Object.keys({ ...page, said }))
				Reflect.deleteProperty(globalThis, name);
		}
	});

	test('the old names talk with the old protocol, both ways', async () => {
		const room = world.room('submission');
		const old = await world.join(room, 7);
		configure({ apiUrl: `${world.base(0)}/api`, storage: { getItem: () => world.users[8].session }, WebSocket: /** @type {any} */ (WebSocket) });
		const client = new SubmissionWebSocketClient(room.id, 'u_8', 'User 8', 'u8@example.org');
		/** @type {any[]} */
		const heard = [];
		for (const type of ['connected', 'user_left', 'typing_start', 'content_updated'])
			client.on(type, (message) => heard.push(message));
		try {
			await client.connect();
			await eventually(() => client.isConnected, 'it to be in');
			client.notifyEditingStarted();
			const editing = await old.next('editing_started');
			assert.deepEqual([editing.userId, editing.data], ['u_8', { field: 'content' }]);
			old.send('typing_start', {});
			old.send('content_updated', { field: 'title', newValue: 'x' });
			await eventually(() => heard.length >= 3, () => `what the other one sent, beside ${JSON.stringify(heard)}`);
			assert.deepEqual(heard.map(({ type, userId }) => `${type} ${userId}`).sort(), ['connected u_8', 'content_updated u_7', 'typing_start u_7']);
			assert.equal(heard.find(({ userId }) => userId === 'u_7').userEmail, 'u7@example.org');
		} finally {
			client.disconnect();
		}
	});
});
