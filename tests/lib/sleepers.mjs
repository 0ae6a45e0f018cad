// SPDX-License-Identifier: Apache-2.0
// Many rooms with people in them in which nothing happens: what their shards keep of them, whether anybody
// notices, how fast they wake. The stage of the test and of `./dev bench sleep`.

import fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Cluster } from '../../deploy/local/cluster.mjs';
import { eventually } from './eventually.mjs';
import { Histogram } from './histogram.mjs';
import { metric } from './metrics.mjs';
import { Native } from './native.mjs';

const USERS = 1_000;
const AT_ONCE = 50; // clients that come in
const WAKE_MS = 10; // from one room's being woken to the next one's
const GIVE_BACK_MS = 4_000; // the shards look once a second whether there is memory to give back
const GRACE_MS = 3_000;
const PING_MS = 20_000; // a client says something at least as often as welcome.ping_ms

/** @typedef {{rooms: number, sockets: number, pairs: number}} Size  `pairs`: rooms with one at each gateway; all others have one person in them */

/** Bytes, resident. @param {number | undefined} pid */
const resident = (pid) => 1024 * Number(/^VmRSS:\s+(\d+)/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);

/** Some at a time. @param {number} count @param {number} at once @param {(i: number) => Promise<unknown>} work */
async function each(count, at, work) {
	let next = 0;
	await Promise.all(Array.from({ length: Math.min(at, count) }, async () => {
		while (next < count)
			await work(next++);
	}));
}

export class Sleepers {
	/** @type {Native[]} the first 2 x pairs are those of the pairs, two by two */ clients = [];
	/** @type {string[]} why, of each connection that was closed */ closed = [];

	/** @param {Cluster} cluster @param {Size} size @param {(text: string) => void} say */
	constructor(cluster, size, say) {
		this.cluster = cluster;
		this.size = size;
		this.say = say;
		this.pings = setInterval(() => this.#ping(), PING_MS / 100);
	}

	/** A hundredth of them. */
	#ping() {
		this.turn = ((this.turn ?? 0) + 1) % 100;
		for (let i = this.turn; i < this.clients.length; i += 100)
			if (this.clients[i]?.session && this.clients[i].isOpen)
				this.clients[i].send({ type: 'ping' });
	}

	/** @param {Size} size @param {(text: string) => void} say */
	static async open(size, say) {
		const cluster = await Cluster.start({
			gateways: 2, shards: 2, build: 'release', demo: false,
			// All casts are of one user: a fast machine wakes more rooms a second than a user may say something.
			gatewayEnv: { MOOT_PRESENCE_GRACE: `${GRACE_MS}ms`, MOOT_LIMITS_USER_RATE: '0' },
			shardEnv: { MOOT_ROOM_HIBERNATE: '2s', MOOT_PRESENCE_GRACE: `${GRACE_MS}ms` },
		});
		await cluster.sql(`
			insert into users (id, name, email, user_type) select 'u_' || i, 'User ' || i, 'u' || i || '@example.org', 'Reviewer' from generate_series(0, ${USERS - 1}) i;
			insert into sessions (id, user_id, expires_at) select 's_' || i, 'u_' || i, now() + interval '1 day' from generate_series(0, ${USERS - 1}) i;
			insert into submissions (id, title, submitted_by, required_approvers) select 'r_' || i, 'a paper', 'u_' || abs(i - ${size.pairs}) % ${size.sockets - 2 * size.pairs} % ${USERS}, '{u0@example.org,u1@example.org}' from generate_series(0, ${size.rooms - 1}) i`);
		return new Sleepers(cluster, size, say);
	}

	get shardUrls() {
		return this.cluster.internalUrls.slice(this.cluster.gateways.length);
	}

	get gatewayUrls() {
		return this.cluster.internalUrls.slice(0, this.cluster.gateways.length);
	}

	/** @returns {number[]} bytes, of each shard */
	memory() {
		return this.cluster.shards.map(({ pid }) => resident(pid));
	}

	/** Everybody comes in: each room is entered once, the paired ones twice. */
	async enter() {
		const { rooms, sockets, pairs } = this.size;
		const single = sockets - 2 * pairs;
		let done = 0, said = Date.now();
		await each(sockets, AT_ONCE, async (i) => {
			const paired = i < 2 * pairs;
			const own = paired ? [i >> 1] : Array.from({ length: Math.ceil((rooms - pairs - (i - 2 * pairs)) / single) }, (_, k) => pairs + (i - 2 * pairs) + k * single);
			const user = paired ? i & 1 : (i - 2 * pairs) % USERS;
			const client = new Native({ id: `u_${user}`, name: '', email: '', session: `s_${user}` }, { keeps: () => true });
			this.clients[i] = client;
			await client.connect(this.cluster.publicUrls[i & 1]);
			void client.closed?.then(({ code, reason }) => this.closed.push(`${code} ${reason}`));
			for (const room of own)
				if ((await client.join(`submission:r_${room}`)).type !== 'joined')
					throw new Error(`${client.user.id} may not enter r_${room}`);
			client.told.length = 0;
			if (++done % 100 === 0 && Date.now() - said > 2_000) {
				said = Date.now();
				this.say(`${done} of ${sockets} sockets are open`);
			}
		});
	}

	/** Until no shard has a room in memory, and has given it back. */
	async fallAsleep() {
		await eventually(async () => {
			const counts = await Promise.all(this.shardUrls.map((url) => metric('moot_rooms', url)));
			this.say(`${counts.reduce((so, one) => so + one, 0)} rooms are awake`);
			return counts.every((count) => count === 0);
		}, 'all rooms to be asleep', 120_000);
		await sleep(GIVE_BACK_MS);
		for (const client of this.clients)
			client.told.length = 0; // who came in when: the last things that happened
	}

	/** @param {string} name @returns {Promise<number>} over all gateways */
	async gateways(name) {
		return metric(name, ...this.gatewayUrls);
	}

	/** What anybody was told. */
	heard() {
		return this.clients.flatMap(({ told }) => told).filter(({ type }) => type !== 'pong');
	}

	/** A cast in each paired room, until the other one hears it: at a fixed rate, whether or not those
	 * before were heard, and counted from when it was due. */
	async wake() {
		const took = new Histogram();
		const from = performance.now();
		await each(this.size.pairs, this.size.pairs, async (i) => {
			const due = from + WAKE_MS * i;
			await sleep(due - performance.now());
			const [one, other] = [this.clients[2 * i], this.clients[2 * i + 1]];
			one.send({ type: 'cast', room: `submission:r_${i}`, key: 'hello', data: i });
			await other.next('cast');
			took.add(performance.now() - due);
		});
		return took;
	}

	/** One gateway is killed while all sleep: who is left of each pair is told that the other one left. */
	async killGateway() {
		const [, gateway] = this.cluster.gateways;
		const from = performance.now();
		gateway.kill('KILL');
		await gateway.ended();
		const left = this.clients.filter((_, i) => i < 2 * this.size.pairs && i % 2 === 0);
		await each(left.length, left.length, (i) => left[i].next(({ type, left: who }) => type === 'presence' && who.length === 1, GRACE_MS + 60_000));
		return performance.now() - from;
	}

	async close() {
		clearInterval(this.pings);
		await each(this.clients.length, AT_ONCE, (i) => this.clients[i].vanish());
		await this.cluster.stop();
	}
}
