// SPDX-License-Identifier: Apache-2.0
// An unmodified v0 client cannot say what it saw last. What its lost connection had not proved to have
// received, by an answer to a ping that was sent later, is shown to it again when it comes back: after
// its welcome, in order, once, whichever gateway or shard is left by then.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { fence } from '../lib/client.mjs';
import { eventually } from '../lib/eventually.mjs';
import { request } from '../lib/http.mjs';
import { metric } from '../lib/metrics.mjs';
import { World } from '../lib/world.mjs';

/** @typedef {import('../lib/client.mjs').Client} Client */
/** @typedef {import('../lib/client.mjs').Room} Room */

/** @type {World} */
let world;
before(async () => {
	world = await World.open({ gateways: 3, shards: 2, gatewayEnv: { MOOT_PRESENCE_GRACE: '8s', MOOT_KEEPALIVE_PING: '1s', MOOT_KEEPALIVE_DEAD: '20s' }, shardEnv: { MOOT_PRESENCE_GRACE: '8s' } });
});
after(() => world?.close());

/** @param {Room} room @param {number} n */
async function publish(room, n, gateway = 0) {
	const answer = await request(`${world.cluster.publicUrls[gateway]}/api/ws/submissions/${room.id}/broadcast`, {
		method: 'POST', headers: { Authorization: 'Bearer session-0', 'Content-Type': 'application/json' },
		body: JSON.stringify({ type: 'comment_added', data: { n } }),
	});
	assert.equal(answer.status, 200);
}

const shown = (/** @type {Client} */ client) => client.all('comment_added').map((message) => message.data.n);
/** The types of all it was shown, up to and with the n-th event. @param {Client} client */
const order = (client) => client.all().map((message) => message.type).filter((type) => ['connected', 'comment_added'].includes(type));

/** Its connection is lost, and its gateway knows: until then the user's next one is but another tab. @param {Client} client */
async function vanish(client) {
	const [url] = world.cluster.internalUrls;
	const before = await metric('moot_connections', url);
	await client.vanish();
	await eventually(async () => await metric('moot_connections', url) < before, 'the gateway to notice');
}

/** It has answered a ping that came after the last event. @param {Client} client */
async function prove(client) {
	const before = client.all('ping').length;
	await client.until(() => client.all('ping').length >= before + 2, 'two pings');
	await client.settled();
}

describe('a v0 client that was lost', { concurrency: false }, () => {
	test('is shown again what it had not proved to have received, in order, after its welcome', async () => {
		const room = world.room('submission');
		const [ann, bob] = [await world.join(room, 3, { gateway: 0 }), await world.join(room, 4, { gateway: 1 })];
		await publish(room, 1);
		await ann.until(() => shown(ann).length === 1, 'the first event');
		await prove(ann);
		ann.socket.pause(); // it reads no more: what is sent now is lost with the connection
		for (const n of [2, 3, 4])
			await publish(room, n);
		await vanish(ann);
		await publish(room, 5);
		const back = await world.join(room, 3, { gateway: 2 });
		await back.until(() => shown(back).length >= 4, 'what was missed');
		assert.deepEqual(shown(back), [2, 3, 4, 5]);
		assert.deepEqual(order(back), ['connected', ...Array(4).fill('comment_added')]);
		await publish(room, 6);
		await back.until(() => shown(back).length >= 5, 'the next one');
		assert.deepEqual(shown(back), [2, 3, 4, 5, 6]);
		const seqs = back.all().filter(({ seq }) => seq !== undefined).map(({ seq }) => seq);
		assert.deepEqual(seqs, [...seqs].sort((a, b) => a - b), 'the numbers of the room only grow');
		await bob.until(() => shown(bob).length === 6, 'all events');
		assert.deepEqual(shown(bob), [1, 2, 3, 4, 5, 6], 'nobody else is shown them again');
	});

	test('is shown nothing again when it had proved all; a second tab is owed nothing', async () => {
		const room = world.room('submission');
		const ann = await world.join(room, 3, { gateway: 0 });
		await publish(room, 1);
		await ann.until(() => shown(ann).length === 1, 'the event');
		await prove(ann);
		const tab = await world.join(room, 3, { gateway: 1 });
		await vanish(ann);
		const back = await world.join(room, 3, { gateway: 1 });
		await fence(back, [tab]);
		await publish(room, 2);
		await back.until(() => shown(back).length >= 1, 'the next event');
		assert.deepEqual(shown(back), [2]);
		assert.deepEqual(shown(tab), [2]);
		const third = await world.join(room, 3, { gateway: 1 });
		await publish(room, 3);
		await third.until(() => shown(third).length >= 1, 'the next event');
		assert.deepEqual(shown(third), [3]);
	});

	test('the same when its gateway was killed', async () => {
		const room = world.room('submission');
		const ann = await world.join(room, 3, { gateway: 2 });
		const bob = await world.join(room, 4, { gateway: 1 });
		await publish(room, 1);
		await ann.until(() => shown(ann).length === 1, 'the event');
		await prove(ann);
		ann.socket.pause();
		await publish(room, 2);
		await bob.until(() => shown(bob).length === 2, 'both events');
		const gateway = world.cluster.gateways[2];
		const gone = gateway.ended();
		gateway.kill('KILL');
		await gone;
		const back = await world.join(room, 3, { gateway: 0 });
		await back.until(() => shown(back).length >= 1, 'what was missed');
		assert.deepEqual(shown(back), [2]);
		await world.cluster.startProcess(gateway);
	});

	test('the same when its room got another owner meanwhile, which reads the log', async () => {
		const room = world.room('submission', 0);
		const ann = await world.join(room, 3, { gateway: 0 });
		const bob = await world.join(room, 4, { gateway: 1 });
		await publish(room, 1);
		await ann.until(() => shown(ann).length === 1, 'the event');
		await prove(ann);
		ann.socket.pause();
		for (const n of [2, 3])
			await publish(room, n);
		await vanish(ann);
		await bob.until(() => shown(bob).length === 3, 'all events');
		const shard = world.cluster.shards[0];
		const gone = shard.ended();
		shard.kill('KILL');
		await gone;
		await publish(room, 4);
		const back = await world.join(room, 3, { gateway: 1 });
		await back.until(() => shown(back).length >= 3, 'what was missed');
		assert.deepEqual(shown(back), [2, 3, 4]);
		await world.cluster.startProcess(shard);
	});
});
