// SPDX-License-Identifier: Apache-2.0
// A room that many enter within two seconds: whom each is told of and how often, and what that costs the
// cluster. The stage of the test and of `./dev bench arrivals`.

import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import WebSocket from 'ws';
import { cpuUs } from '../../bench/server_cpu.mjs';
import { Cluster } from '../../deploy/local/cluster.mjs';

export const WITHIN_MS = 2_000;
const AT_ONCE = 50; // connections that are opened
const WAIT_MS = 30_000;

/** @typedef {{members: number, messages: number, bytesPerJoin: number, cpuUsPerJoin: number, lastMs: number, faults: string[]}} Arrival  `messages`: the most that one of them was told; `lastMs`: after the last join, until all know all */

/** Whom it knows, and by how many messages. */
class Visitor {
	/** @type {Set<string>} */ known = new Set();
	/** @type {string[]} */ faults = [];
	messages = 0;
	bytes = 0;
	listens = true;

	/** @param {string} id @param {string} session @param {() => void} onTold */
	constructor(id, session, onTold) {
		this.id = id;
		this.session = session;
		this.onTold = onTold;
	}

	/** @param {string} base */
	async connect(base) {
		const socket = new WebSocket(`${base.replace(/^http/, 'ws')}/v1/ws`, 'moot.v1', { perMessageDeflate: false, maxPayload: 64 << 20 });
		this.socket = socket;
		await once(socket, 'open');
		socket.send(JSON.stringify({ type: 'hello', token: this.session }));
		await once(socket, 'message');
		socket.on('message', (/** @type {Buffer} */ data) => this.#take(data));
		socket.on('close', (code) => this.faults.push(`${this.id} was closed with ${code}`));
	}

	/** @param {string} room */
	join(room) {
		this.socket?.send(JSON.stringify({ type: 'join', room }));
	}

	/** @param {Buffer} data */
	#take(data) {
		if (!this.listens)
			return;
		const message = JSON.parse(data.toString());
		this.messages++;
		this.bytes += data.length;
		if (message.type === 'joined')
			this.#meet(message.members);
		else if (message.type === 'presence' && message.left.length === 0 && message.changed.length === 0)
			this.#meet(message.joined);
		else
			this.faults.push(`${this.id} was told ${data.toString().slice(0, 200)}`);
		this.onTold();
	}

	/** @param {{id: string}[]} members */
	#meet(members) {
		for (const { id } of members) {
			if (this.known.has(id))
				this.faults.push(`${this.id} was told of ${id} twice`);
			this.known.add(id);
		}
	}
}

export class Arrivals {
	/** @param {Cluster} cluster */
	constructor(cluster) {
		this.cluster = cluster;
		this.rooms = 0;
	}

	/** @param {'debug' | 'release'} build @param {number} users */
	static async open(build, users) {
		const cluster = await Cluster.start({ gateways: 2, shards: 2, build, demo: false });
		await cluster.sql(`
			insert into users (id, name, email, user_type) select 'u_' || i, 'User ' || i, 'u' || i || '@example.org', 'Admin' from generate_series(0, ${users - 1}) i;
			insert into sessions (id, user_id, expires_at) select 's_' || i, 'u_' || i, now() + interval '1 day' from generate_series(0, ${users - 1}) i;
			insert into submissions (id, title, submitted_by, required_approvers) select 'r_' || i, 'a paper', 'u_0', '{}' from generate_series(0, 99) i`);
		return new Arrivals(cluster);
	}

	/** So many enter a room that nobody was in. @param {number} members @returns {Promise<Arrival>} */
	async enter(members) {
		const room = `submission:r_${this.rooms++}`;
		let knowing = 0;
		const visitors = Array.from({ length: members }, (_, i) => {
			const visitor = new Visitor(`u_${i}`, `s_${i}`, () => void (knowing += Number(visitor.known.size === members)));
			return visitor;
		});
		for (let i = 0; i < members; i += AT_ONCE)
			await Promise.all(visitors.slice(i, i + AT_ONCE).map((visitor, k) => visitor.connect(this.cluster.publicUrls[(i + k) & 1])));
		await sleep(500); // what connecting cost is over
		const before = this.#cpuUs(), begin = Date.now();
		for (const [i, visitor] of visitors.entries()) {
			const late = begin + (i * WITHIN_MS) / members - Date.now();
			if (late > 0)
				await sleep(late);
			visitor.join(room);
		}
		const joined = Date.now();
		while (visitors.some(({ known }) => known.size < members) && Date.now() < joined + WAIT_MS)
			await sleep(20);
		const lastMs = Date.now() - joined;
		await sleep(300); // nothing comes after it
		const cpu = this.#cpuUs() - before;
		const faults = visitors.flatMap((visitor) => visitor.known.size < members ? [...visitor.faults, `${visitor.id} knows ${visitor.known.size} of ${members}`] : visitor.faults);
		for (const visitor of visitors) {
			visitor.listens = false;
			visitor.socket?.removeAllListeners('close');
			visitor.socket?.close();
		}
		return {
			members, lastMs, faults,
			messages: Math.max(...visitors.map(({ messages }) => messages)),
			bytesPerJoin: visitors.reduce((so, { bytes }) => so + bytes, 0) / members,
			cpuUsPerJoin: cpu / members,
		};
	}

	#cpuUs() {
		return cpuUs([...this.cluster.gateways, ...this.cluster.shards].map(({ pid }) => pid));
	}

	close() {
		return this.cluster.stop();
	}
}
