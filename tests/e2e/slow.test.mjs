// SPDX-License-Identifier: Apache-2.0
// Readers that stop reading in a room of 500 that is at work. Nobody else notices; what waits for them is
// bounded; a native one is told of every event once it reads again, a v0 one is closed as too slow, which it
// may try again, and is shown what it missed when it does.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import WebSocket from 'ws';
import { Client, socketUrl } from '../lib/client.mjs';
import { eventually } from '../lib/eventually.mjs';
import { Histogram } from '../lib/histogram.mjs';
import { request } from '../lib/http.mjs';
import { metric } from '../lib/metrics.mjs';
import { Native } from '../lib/native.mjs';
import { World } from '../lib/world.mjs';

/** @typedef {import('../lib/client.mjs').Room} Room */

const crowdSize = 497; // beside the two that stop, and the one that publishes
const padding = 'x'.repeat(4000);
const tooSlow = 4508;
const budget = { outbox: 64 << 10, message: 64 << 10 };

/** @param {World} world @param {number} gateway @param {string} name */
const count = (world, gateway, name) => metric(`moot_${name}`, world.cluster.internalUrls[gateway]);

/** Members that only measure: how long what has a time in it took. */
class Crowd {
	/** By gateway. */ deliveries = [new Histogram(), new Histogram()];
	closed = 0;
	/** @type {WebSocket[]} */ sockets = [];

	/** @param {World} world @param {Room} room */
	static async open(world, room) {
		const crowd = new Crowd();
		for (let i = 0; i < crowdSize; i += 25)
			await Promise.all(Array.from({ length: Math.min(25, crowdSize - i) }, (_, k) => crowd.#join(world, room, i + k)));
		return crowd;
	}

	/** @param {World} world @param {Room} room @param {number} i */
	#join(world, room, i) {
		const gateway = i % this.deliveries.length;
		const url = world.cluster.publicUrls[gateway];
		const socket = new WebSocket(socketUrl(url, room, world.users[10 + (i % 200)]), { perMessageDeflate: false });
		this.sockets.push(socket);
		return new Promise((resolve, reject) => {
			socket.on('error', reject);
			socket.on('close', () => this.closed++);
			socket.on('message', (data) => {
				const text = data.toString();
				const said = text.indexOf('"saidAt":');
				if (text.startsWith('{"type":"connected"'))
					resolve(undefined);
				else if (text.startsWith('{"type":"ping"'))
					socket.send('{"type":"pong"}');
				else if (said > 0)
					this.deliveries[gateway].add(performance.now() - Number.parseFloat(text.slice(said + 9)));
			});
		});
	}

	/** From one of them to all. */
	cast() {
		this.sockets[0].send(JSON.stringify({ type: 'text_operation', data: { saidAt: performance.now() } }));
	}

	/** What was measured since this was asked last. */
	figures() {
		const { deliveries } = this;
		this.deliveries = deliveries.map(() => new Histogram());
		return deliveries;
	}

	end() {
		this.sockets.forEach((socket) => socket.terminate());
	}
}

/** Publishes and casts, until it is told to stop. */
class Work {
	published = 0;
	#isOver = false;

	/** @param {World} world @param {Room} room @param {Crowd} crowd */
	constructor(world, room, crowd) {
		this.url = `${world.cluster.publicUrls[0]}/api/ws/submissions/${room.id}/broadcast`;
		this.crowd = crowd;
		this.done = this.#run();
	}

	async #run() {
		while (!this.#isOver) {
			this.crowd.cast();
			await this.#publish();
			await sleep(50);
		}
	}

	async #publish() {
		const answer = await request(this.url, {
			method: 'POST', headers: { Authorization: 'Bearer session-0', 'Content-Type': 'application/json' },
			body: JSON.stringify({ type: 'comment_added', data: { n: ++this.published, saidAt: performance.now(), padding } }),
		});
		assert.equal(answer.status, 200);
	}

	async stop() {
		this.#isOver = true;
		await this.done;
		return this.published;
	}
}

const numbers = (/** @type {Client} */ client) => client.all('comment_added').map(({ data }) => data.n);

describe('a room of 500 that is at work', { concurrency: false }, () => {
	/** @type {World} */ let world;
	before(async () => {
		const env = {
			MOOT_LIMITS_KERNEL_BUFFER: '16k', MOOT_LIMITS_OUTBOX: String(budget.outbox), MOOT_LIMITS_MESSAGE: String(budget.message),
			MOOT_LIMITS_SLOW: '120s', MOOT_PRESENCE_GRACE: '15s', MOOT_KEEPALIVE_PING: '2s', MOOT_KEEPALIVE_DEAD: '60s',
		};
		world = await World.open({ gateways: 2, shards: 2, gatewayEnv: env, shardEnv: { MOOT_PRESENCE_GRACE: '15s' } });
	});
	after(() => world?.close());

	test('goes on while two of its readers stop; both end with every event', async (t) => {
		const room = world.room('submission');
		const [slow, swift] = [0, 1]; // gateways
		const crowd = await Crowd.open(world, room);
		const bob = await Client.join(world.cluster.publicUrls[slow], room, world.users[1]);
		const ann = await Native.open(world.cluster.publicUrls[slow], world.users[2]);
		const eve = await Native.open(world.cluster.publicUrls[swift], world.users[3]);
		await Promise.all([ann, eve].map((native) => native.join(`submission:${room.id}`)));
		const work = new Work(world, room, crowd);
		await sleep(1_000);
		crowd.figures();
		await sleep(5_000);
		const calm = crowd.figures();

		ann.socket?.pause();
		bob.socket.pause();
		let queued = 0;
		const since = performance.now();
		await eventually(async () => {
			queued = Math.max(queued, await count(world, slow, 'bytes_queued'));
			return await count(world, slow, 'slow_closes_total{why="full"}') > 0
				&& await count(world, slow, 'events_deferred_total') > 0;
		}, 'one is closed as slow, one has fallen behind', 40_000);
		bob.socket.resume();
		const { code } = await bob.closed;
		assert.equal(code, tooSlow);
		const back = await Client.join(world.cluster.publicUrls[swift], room, world.users[1]);
		await sleep(Math.max(0, 5_000 - (performance.now() - since)));
		queued = Math.max(queued, await count(world, slow, 'bytes_queued'));
		const meanwhile = crowd.figures();
		const spread = (/** @type {Histogram} */ of) => `${of.at(0.5).toFixed(1)}/${of.at(0.99).toFixed(1)} ms`;
		t.diagnostic(`p50/p99 at the gateway of the slow ones ${spread(meanwhile[slow])}, at the other ${spread(meanwhile[swift])}, `
			+ `before ${spread(calm[slow])}, ${spread(calm[swift])}; at most ${queued} bytes waited`);
		// Both in the same seconds: what else the machine does is the same for both.
		const [here, there] = [slow, swift].map((gateway) => meanwhile[gateway].at(0.99));
		assert.ok(here < 1.5 * there + 50, `p99 ${here} ms beside the slow ones, ${there} ms elsewhere`);
		assert.ok(queued <= 2 * (budget.outbox + budget.message), `${queued} bytes waited`);
		assert.equal(crowd.closed, 0, 'nobody else is closed');

		ann.socket?.resume();
		const last = await work.stop();
		const seqs = () => [ann, eve].map((native) => native.rooms.get(`submission:${room.id}`)?.seqs ?? []);
		const whole = Array.from({ length: last }, (_, i) => i + 1);
		await ann.until(() => seqs()[0].at(-1) === last, 'the last event', 20_000);
		await eve.until(() => seqs()[1].at(-1) === last, 'the last event', 20_000);
		assert.deepEqual(seqs(), [whole, whole]);
		assert.deepEqual([ann.faults, eve.faults], [[], []]);
		assert.ok(ann.isOpen, 'a native one that is behind stays');
		await back.until(() => numbers(back).at(-1) === last, 'the last event', 20_000);
		const seen = numbers(back);
		assert.deepEqual(seen, [...new Set(seen)].sort((a, b) => a - b), 'in order, each once');
		assert.deepEqual([...new Set([...numbers(bob), ...seen])].sort((a, b) => a - b), whole, 'before and after it came back, everything');
		crowd.end();
		await Promise.all([ann.vanish(), eve.vanish(), back.vanish()]);
	});
});

describe('a reader that takes nothing', { concurrency: false }, () => {
	/** @type {World} */ let world;
	before(async () => {
		world = await World.open({
			gateways: 1, shards: 1,
			gatewayEnv: { MOOT_LIMITS_KERNEL_BUFFER: '16k', MOOT_LIMITS_OUTBOX: '64k', MOOT_LIMITS_SLOW: '1500ms', MOOT_PRESENCE_GRACE: '15s' },
		});
	});
	after(() => world?.close());

	test('is closed after limits.slow, though nothing is over its budget, and goes on where it was', async () => {
		const room = `submission:${world.room('submission', 0).id}`;
		const [ann, bob] = await Promise.all([1, 2].map((i) => Native.open(world.cluster.publicUrls[0], world.users[i])));
		await Promise.all([ann, bob].map((native) => native.join(room)));
		await bob.publish(room, 'comment_added', { n: 0 });
		await ann.until(() => ann.rooms.get(room)?.seqs.length === 1, 'the first event');

		ann.socket?.pause();
		let n = 0;
		const falls = async () => {
			await bob.publish(room, 'comment_added', { n: ++n, padding });
			return await count(world, 0, 'events_deferred_total') > 0;
		};
		await eventually(falls, 'it has fallen behind', 20_000);
		await eventually(async () => await count(world, 0, 'slow_closes_total{why="stalled"}') === 1, 'it is closed', 20_000);
		assert.ok(bob.isOpen);
		ann.socket?.resume();

		assert.equal((await /** @type {Promise<{code: number}>} */ (ann.closed)).code, tooSlow);
		const seen = ann.rooms.get(room)?.seqs.length ?? 0;
		assert.ok(seen < n + 1, 'what it had not taken was not kept for it');
		await ann.connect(world.cluster.publicUrls[0]);
		await ann.until(() => ann.rooms.get(room)?.seqs.length === n + 1, 'all events', 20_000);
		assert.deepEqual(ann.faults, []);
		await Promise.all([ann.vanish(), bob.vanish()]);
	});

	test('is shown the newest cast of each sender and key when it reads again', async () => {
		const room = `submission:${world.room('submission', 0).id}`;
		const [ann, bob] = await Promise.all([3, 4].map((i) => Native.open(world.cluster.publicUrls[0], world.users[i])));
		await Promise.all([ann, bob].map((native) => native.join(room)));
		const before = await count(world, 0, 'frames_replaced_total');
		const dropped = await count(world, 0, 'frames_dropped_total');
		const cast = (/** @type {string} */ key, /** @type {number} */ n) => bob.send({ type: 'cast', room, key, data: { n, padding: padding.slice(0, 1500) } });
		cast('other', 0);
		ann.socket?.pause();
		let n = 0;
		await eventually(async () => {
			for (let i = 0; i < 5; i++)
				cast('pointer', ++n);
			cast('other', n);
			return await count(world, 0, 'frames_replaced_total') - before > 20;
		}, 'casts replace each other', 20_000);
		ann.socket?.resume();
		cast('last', 0);
		await ann.until(() => ann.told.some(({ type, key }) => type === 'cast' && key === 'last'), 'the last cast');

		const of = (/** @type {string} */ key) => ann.told.filter((one) => one.type === 'cast' && one.key === key).map(({ data }) => data.n);
		assert.equal(of('pointer').at(-1), n);
		assert.equal(of('other').at(-1), n);
		assert.deepEqual(of('pointer'), [...of('pointer')].sort((a, b) => a - b));
		assert.ok(of('pointer').length < n);
		assert.equal(await count(world, 0, 'frames_dropped_total'), dropped, 'none had to be dropped');
		assert.ok(ann.isOpen);
		await Promise.all([ann.vanish(), bob.vanish()]);
	});
});
