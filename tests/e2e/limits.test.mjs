// SPDX-License-Identifier: Apache-2.0
// Too much: who sends faster than he may is told, then refused, then closed, and nobody else pays for it.
// In both dialects, by connection, user, room and service key; and a flood that no limit stops is read no
// faster than anybody else is.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { socketUrl } from '../lib/client.mjs';
import { Histogram } from '../lib/histogram.mjs';
import { bearer, request } from '../lib/http.mjs';
import { Listeners } from '../lib/listeners.mjs';
import { metric } from '../lib/metrics.mjs';
import { Native } from '../lib/native.mjs';
import { frame, opcode, RawSocket } from '../lib/raw.mjs';
import { World } from '../lib/world.mjs';

/** @typedef {import('../lib/client.mjs').Client} Client @typedef {import('../lib/client.mjs').Room} Room */

const rate = 50;
const userRate = 55;
const roomRate = 400; // deliveries
const serviceRate = 5;
const margin = 60; // beyond a burst: what the rate lets through while a busy machine sends the rest
const burst = (/** @type {number} */ perSecond) => 2 * perSecond;
const hotRoomRate = 3_000; // deliveries
const rounds = 300;
const flooders = 8;
const mostRatio = 8;
const closesAfterMs = 4_500; // five waits, each of a second, of which the second half counts
const key = (/** @type {Room} */ room) => `${room.kind}:${room.id}`;

describe('beyond the limits', { concurrency: true }, () => {
	/** @type {World} */
	let world;
	before(async () => {
		world = await World.open({ gatewayEnv: {
			MOOT_LIMITS_RATE: String(rate), MOOT_LIMITS_USER_RATE: String(userRate),
			MOOT_LIMITS_ROOM_RATE: String(roomRate), MOOT_LIMITS_SERVICE_RATE: String(serviceRate),
		} });
	});
	after(() => world?.close());

	const native = (/** @type {number} */ user, gateway = 0) => Native.open(world.cluster.publicUrls[gateway], world.users[user]);

	test('v0: told once a wait, and closed with 4529 when that does not help', async () => {
		const room = world.room();
		const [flooder, witness] = [await world.join(room, 10, { gateway: 0 }), await world.join(room, 11, { gateway: 0 })];
		const from = Date.now();
		await floodUntilClosed(flooder.closed, () => flooder.send('user_presence', { flood: true }));
		const took = Date.now() - from;
		assert.deepEqual(await flooder.closed, { code: 4529, reason: 'messages come faster than this server accepts' });
		assert.ok(took >= closesAfterMs - 500 && took < 2 * closesAfterMs, `closed after ${took} ms`);
		const told = flooder.all('error');
		assert.ok(told.length >= 5 && told.length <= 10, `told ${told.length} times`);
		for (const { data } of told) {
			assert.equal(data.code, 'TOO_FAST');
			assert.ok(data.retryAfterMs >= 1000, `${data.retryAfterMs}`);
		}
		const passed = witness.all('user_presence').length;
		assert.ok(passed >= burst(rate) && passed <= burst(rate) + rate * (took / 1000 + 1), `${passed} passed in ${took} ms`);
		assert.ok(witness.isOpen);
		await sleep(100);
		assert.equal(witness.all('user_left').length, 0, 'it may come back');
	});

	test('v0: who waits as told is never closed', async () => {
		const client = await world.join(world.room(), 12, { gateway: 0 });
		for (let round = 0; round < 7; round++) {
			for (let i = 0; i < burst(rate) + margin; i++)
				client.send('user_presence', { i });
			const { data } = await client.next('error');
			await sleep(data.retryAfterMs);
		}
		assert.ok(client.isOpen);
		await client.settled();
		await client.leave();
	});

	test('moot.v1: refused with retry_after_ms, and closed with 4529 when that does not help', async () => {
		const room = key(world.room());
		const flooder = await native(13);
		await flooder.join(room);
		const from = Date.now();
		await floodUntilClosed(flooder.closed, () => flooder.send({ type: 'cast', room, key: 'flood', data: 1 }));
		const took = Date.now() - from;
		assert.equal((await flooder.closed)?.code, 4529);
		assert.ok(took >= closesAfterMs - 500 && took < 2 * closesAfterMs, `closed after ${took} ms`);
		assert.equal(flooder.told.at(-1)?.type, 'error');
		assert.equal(flooder.told.at(-1)?.code, 'too_fast');
		const refused = flooder.told.filter(({ type }) => type === 'refused');
		assert.ok(refused.length >= 5 && refused.length <= 10, `${refused.length} casts were refused aloud`);
		for (const one of refused)
			assert.ok(one.code === 'too_fast' && one.room === room && one.retry_after_ms >= 1000, one.text);
	});

	test('moot.v1: who waits as told is never closed, and each publish is stored once, in order', async () => {
		const room = key(world.room());
		const ann = await native(14);
		await ann.join(room);
		for (let i = 0; i < burst(rate) + margin; i++)
			ann.send({ type: 'cast', room, key: 'k', data: i });
		/** @type {Promise<number>[]} */
		const acks = [];
		for (let i = 0; i < 4 * rate; i++) {
			acks.push(ann.publish(room, 'flood', { i }));
			if (i % 50 === 49)
				await Promise.all(acks); // not more at once than may wait for their answer
		}
		const seqs = await Promise.all(acks);
		assert.deepEqual(seqs, Array.from({ length: 4 * rate }, (_, i) => i + 1));
		assert.deepEqual(ann.rooms.get(room)?.seqs, seqs);
		assert.ok(ann.told.some(({ type, code, n }) => type === 'refused' && code === 'too_fast' && n), 'it went beyond the limit');
		assert.ok(ann.isOpen);
		await ann.leave();
	});

	test('moot.v1: whoever waits for an answer gets one', async () => {
		const room = key(world.room());
		const ann = await native(15);
		await ann.join(room);
		for (let i = 0; i < burst(rate) + margin; i++)
			ann.send({ type: 'cast', room, key: 'k', data: i });
		for (let i = 0; i < 5; i++)
			ann.send({ type: 'read', room, after: 0 });
		const isAnswer = (/** @type {any} */ m) => m.type === 'history' || (m.type === 'refused' && m.request === 'read');
		await ann.until(() => ann.told.filter(isAnswer).length === 5, 'five answers');
		const aloud = ann.told.filter(({ request }) => request === 'cast').length;
		assert.ok(aloud >= 1 && aloud <= 3, `${aloud} of the casts were refused aloud`);
		await ann.leave();
	});

	test('what is no message counts as well', async () => {
		const ann = await world.join(world.room(), 23, { gateway: 0 });
		const bob = await native(24);
		for (let i = 0; i < 2 * burst(rate); i++)
			for (const { socket } of [ann, bob])
				socket?.send(Buffer.from('no text'));
		await ann.until(() => ann.all('error').some(({ data }) => data.code === 'TOO_FAST'), 'TOO_FAST');
		await bob.until(() => bob.told.some(({ code }) => code === 'too_fast'), 'too_fast');
		await sleep(1_100); // both were told to wait for a second: until then a ping may be too much, too
		await Promise.all([ann.settled(), bob.settled()]);
		for (const count of [ann.all('error').length, bob.told.filter(({ type }) => type === 'refused').length])
			assert.ok(count >= burst(rate) - 5 && count < 2 * burst(rate), `${count} answers`);
		assert.ok(ann.isOpen && bob.isOpen);
		await Promise.all([ann, bob].map((one) => one.leave()));
	});

	test('all connections of a user together', async () => {
		const [first, second, other] = await Promise.all([16, 16, 17].map((user) => world.join(world.room(), user, { gateway: 0 })));
		for (let i = 0; i < burst(rate) - 5; i++)
			first.send('user_presence', { i });
		await first.settled();
		for (let i = 0; i < burst(rate) - 5; i++)
			second.send('user_presence', { i });
		for (let i = 0; i < burst(rate) - 5; i++)
			other.send('user_presence', { i });
		assert.equal((await second.next('error')).data.code, 'TOO_FAST');
		await other.settled();
		assert.deepEqual([...first.all('error'), ...other.all('error')], []);
		await Promise.all([first, second, other].map((one) => one.leave()));
	});

	test('all that is said to a room: casts are told once a second, publishes one by one, and nobody is closed', async () => {
		const room = world.room();
		const crowd = await Promise.all([18, 19, 20, 25, 26].map((user) => world.join(room, user, { gateway: 0 })));
		const ann = await native(21), bob = await native(22);
		await ann.join(key(room));
		await bob.join(key(world.room()));
		for (const one of crowd)
			for (let i = 0; i < burst(rate) - 10; i++)
				one.send('user_presence', { i });
		const refused = await Promise.any(crowd.map((one) => one.next('error')));
		assert.equal(refused.data.code, 'TOO_FAST');
		assert.ok(refused.data.retryAfterMs > 0);
		const acks = Promise.all(Array.from({ length: 40 }, (_, i) => ann.publish(key(room), 'busy', { i })));
		assert.equal(await bob.publish(key([...bob.rooms.keys()].map(roomOf)[0]), 'calm', {}), 1);
		assert.deepEqual(await acks, Array.from({ length: 40 }, (_, i) => i + 1));
		assert.ok(ann.told.some(({ type, code, n }) => type === 'refused' && code === 'too_fast' && n));
		assert.deepEqual(bob.told.filter(({ type }) => type === 'refused'), []);
		for (const one of crowd)
			assert.ok(one.isOpen && one.all('error').length <= 3, `${one.all('error').length} times`);
		await Promise.all([...crowd, ann, bob].map((one) => one.leave()));
	});

	test('what a service publishes: 429 with Retry-After', async () => {
		const [row] = await world.cluster.sql(`select service_key_new('eager') as key`);
		const publish = (/** @type {Room} */ room) => request(`${world.cluster.publicUrls[0]}/v1/rooms/${encodeURIComponent(key(room))}/events`,
			{ method: 'POST', headers: bearer(String(row.key)), body: '{"event":"e","data":1}' });
		const room = world.room();
		const answers = await Promise.all(Array.from({ length: 3 * burst(serviceRate) }, () => publish(room)));
		const refused = answers.filter(({ status }) => status === 429);
		assert.equal(answers.length - refused.length, answers.filter(({ status }) => status === 200).length);
		assert.ok(refused.length > 0 && refused.length <= 2 * burst(serviceRate), `${refused.length} of ${answers.length}`);
		for (const { headers, json } of refused) {
			assert.equal(headers['retry-after'], '1');
			assert.equal(json.error.code, 'too_fast');
			assert.ok(json.error.retry_after_ms > 0 && json.error.retry_after_ms <= 1000);
		}
		await sleep(refused[0].json.error.retry_after_ms);
		assert.equal((await publish(room)).status, 200);
	});
});

describe('shares of the loop', () => {
	/** @type {World} */
	let world;
	before(async () => {
		world = await World.open({
			gateways: 1, shards: 1, layout: { name: 'one', gateway: () => 0, shard: () => 0 },
			gatewayEnv: {
				MOOT_LIMITS_RATE: '0', MOOT_LIMITS_BYTES: '0', MOOT_LIMITS_USER_RATE: '0', MOOT_LIMITS_USER_BYTES: '0',
				MOOT_LIMITS_ROOM_RATE: String(hotRoomRate),
			},
		});
	});
	after(() => world?.close());

	const url = (/** @type {Room} */ room, /** @type {number} */ user) => socketUrl(world.base(0), room, world.users[user]);

	test('a flood that no limit stops does not starve those who share the gateway with it', async () => {
		const client = await world.join(world.room(), 1);
		const pings = () => roundTrips(async () => {
			await client.settled();
			client.received.length = 0;
		});
		await shares(pings, async () => {
			const rooms = Array.from({ length: flooders }, () => world.room());
			return Promise.all(rooms.map((room, i) => Flood.open(url(room, 30 + i), '{"type":"pong"}')));
		});
		await client.leave();
	});

	test('a hot room does not starve another one of its shard', async () => {
		const hot = world.room(), calm = world.room();
		const listeners = await Listeners.open(Array.from({ length: 150 }, (_, i) => url(hot, 60 + i)));
		const [ann, bob] = [await world.join(calm, 1), await world.join(calm, 2)];
		const casts = () => roundTrips(async () => {
			ann.send('text_operation', {});
			await bob.next('text_operation');
			bob.received.length = 0;
			bob.mark();
		});
		await shares(casts, async () => Promise.all([40, 41, 42, 43].map((user) => Flood.open(url(hot, user), '{"type":"user_presence"}'))));
		await listeners.end();
		await Promise.all([ann.leave(), bob.leave()]);
	});

	/** How long something takes beside floods, at most so many times as long as without. The best of three: the machine has other work.
	 * @param {() => Promise<Histogram>} measure @param {() => Promise<Flood[]>} flood */
	async function shares(measure, flood) {
		/** @type {number[]} */
		const ratios = [];
		const quiet = await measure();
		const floods = await flood();
		await sleep(200); // more is sent than anybody has read
		for (let attempt = 0; attempt < 3 && !ratios.some((ratio) => ratio <= mostRatio); attempt++) {
			const before = await messagesRead(world);
			const beside = await measure();
			const read = await messagesRead(world) - before;
			console.log(`p99 ${quiet.at(0.99).toFixed(2)} ms, beside a flood ${beside.at(0.99).toFixed(2)} ms; ${read} messages were read meanwhile`);
			assert.ok(floods.every((one) => one.isOn));
			assert.ok(read > 50 * rounds, `${read} messages were read: that is no flood`);
			ratios.push(beside.at(0.99) / Math.max(quiet.at(0.99), 2));
		}
		floods.forEach((one) => one.end());
		assert.ok(ratios.some((ratio) => ratio <= mostRatio), `p99 was ${ratios.map((ratio) => ratio.toFixed(1)).join(', ')} times that without`);
	}
});

/** Until it is closed, 400 messages a second. @param {Promise<unknown> | undefined} closed @param {() => void} send */
async function floodUntilClosed(closed, send) {
	let isOver = false;
	closed?.then(() => (isOver = true));
	for (const deadline = Date.now() + 20_000; !isOver && Date.now() < deadline; await sleep(10))
		for (let i = 0; i < 4; i++)
			send();
}

/** @param {string} roomKey @returns {Room} */
function roomOf(roomKey) {
	const [kind, id] = roomKey.split(':');
	return { kind: /** @type {Room['kind']} */ (kind), id };
}

/** One after the other. @param {() => Promise<void>} once */
async function roundTrips(once) {
	const times = new Histogram();
	for (let i = 0; i < rounds; i++) {
		const from = performance.now();
		await once();
		times.add(performance.now() - from);
		await sleep(1);
	}
	return times;
}

/** From clients, by the gateway. @param {World} world */
const messagesRead = (world) => metric('moot_frames_received_total', world.cluster.internalUrls[0]);

/** As many messages as the gateway takes. */
class Flood {
	/** @param {RawSocket} raw @param {string} text */
	constructor(raw, text) {
		this.raw = raw;
		this.block = Buffer.concat(Array.from({ length: 2_000 }, () => frame(opcode.text, text)));
		raw.socket.removeAllListeners('data');
		raw.socket.resume(); // what it is told is nothing to anybody
		raw.socket.on('drain', () => this.#send());
		this.#send();
	}

	/** @param {string} url @param {string} text */
	static async open(url, text) {
		return new Flood(await RawSocket.open(url), text);
	}

	#send() {
		while (this.isOpen && this.raw.socket.write(this.block))
			;
	}

	get isOpen() {
		return !this.raw.socket.destroyed;
	}

	/** There is more than the gateway has read. */
	get isOn() {
		return this.isOpen && this.raw.socket.writableLength > 0;
	}

	end() {
		this.raw.socket.destroy();
	}
}
