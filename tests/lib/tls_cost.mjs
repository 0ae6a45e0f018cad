// SPDX-License-Identifier: Apache-2.0
// What connections cost one gateway, over TLS or not: memory while they are idle, processor time to let them
// in and to deliver to them. For `./dev bench tls`.

import fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import WebSocket from 'ws';
import { memoryOf, threadsUs } from '../../bench/processes.mjs';
import { Cluster } from '../../deploy/local/cluster.mjs';
import { socketUrl } from './client.mjs';
import { eventually } from './eventually.mjs';
import { metric } from './metrics.mjs';

const FIRST = 50; // connections that are not counted, each to a room of its own
const ROOM = 5; // members of each idle one
const AT_ONCE = 40;
const SETTLE_MS = 4_000; // a second after the last has come the gateway gives memory back
const CASTS = 300;
const CAST_MS = 50;

/** @typedef {{secure: boolean, pair: import('../../deploy/local/certificate.mjs').Pair, connections: number, members: number}} Plan */
/** @typedef {{bytes: number, kernelBytes: number, connectUs: number, deliveryUs: number}} Cost  of one */

export class TlsCost {
	/** @type {WebSocket[]} */ sockets = [];

	/** @param {Cluster} cluster @param {Plan} plan */
	constructor(cluster, plan) {
		this.cluster = cluster;
		this.plan = plan;
		this.base = plan.secure ? cluster.tlsUrls[0] : cluster.publicUrls[0];
		this.ca = fs.readFileSync(plan.pair.certificate);
	}

	/** @param {Plan} plan @param {(text: string) => void} say @returns {Promise<Cost>} */
	static async measure(plan, say) {
		const rooms = Math.max(FIRST, Math.ceil(plan.connections / ROOM));
		const cluster = await Cluster.start({
			gateways: 1, shards: 1, build: 'release', demo: false, tls: plan.pair,
			gatewayEnv: { MOOT_KEEPALIVE_PING: '600s', MOOT_KEEPALIVE_DEAD: '1800s', MOOT_ACCESS_LEASE: '3600s', MOOT_LIMITS_RATE: '0' },
		});
		try {
			await cluster.sql(`
				insert into users (id, name, email, user_type) select 'u_' || i, 'User ' || i, 'u' || i || '@example.org', 'Admin' from generate_series(0, ${plan.members}) i;
				insert into sessions (id, user_id, expires_at) select 's_' || i, 'u_' || i, now() + interval '1 day' from generate_series(0, ${plan.members}) i;
				insert into submissions (id, title, submitted_by) select 'r_' || i, 'a paper', 'u_0' from generate_series(0, ${rooms}) i`);
			return await new TlsCost(cluster, plan).#measure(say);
		} finally {
			await cluster.end();
		}
	}

	/** @param {(text: string) => void} say @returns {Promise<Cost>} */
	async #measure(say) {
		const { connections, members, secure } = this.plan;
		await this.#enter(FIRST, (i) => i); // what the first few cost once
		await sleep(SETTLE_MS);
		const [memory, slab, cpu] = [this.#memory(), slabBytes(), this.#cpuUs()];
		await this.#enter(connections, (i) => Math.floor(i / ROOM));
		const connectUs = (this.#cpuUs() - cpu) / connections;
		await sleep(SETTLE_MS);
		const bytes = (this.#memory() - memory) / connections, kernelBytes = (slabBytes() - slab) / connections;
		say(`${connections} ${secure ? 'over TLS' : 'plain'}: ${bytes.toFixed(0)} bytes each`);
		this.#leave();
		await eventually(async () => await metric('moot_connections', this.cluster.internalUrls[0]) === 0, 'all have left', 60_000);
		await sleep(SETTLE_MS);
		return { bytes, kernelBytes, connectUs, deliveryUs: await this.#deliver(members) };
	}

	/** @param {number} members */
	async #deliver(members) {
		let heard = 0;
		await this.#enter(members, () => 0, (text) => text.includes('"mark"') && heard++);
		await sleep(SETTLE_MS);
		const before = this.#cpuUs();
		for (let i = 0; i < CASTS; i++) {
			this.sockets[0].send(JSON.stringify({ type: 'text_operation', data: { mark: i, padding: 'x'.repeat(150) } }));
			await sleep(CAST_MS);
		}
		const wanted = CASTS * (members - 1);
		await eventually(() => heard === wanted, () => `${heard} of ${wanted} deliveries`);
		const cpu = this.#cpuUs() - before;
		this.#leave();
		return cpu / wanted;
	}

	/** @param {number} count @param {(i: number) => number} room @param {(text: string) => unknown} [hear] */
	async #enter(count, room, hear) {
		let next = 0;
		await Promise.all(Array.from({ length: Math.min(AT_ONCE, count) }, async () => {
			while (next < count) {
				const i = next++;
				await this.#open(room(i), i % (this.plan.members + 1), hear);
			}
		}));
	}

	/** @param {number} room @param {number} user @param {(text: string) => unknown} [hear] */
	#open(room, user, hear) {
		const who = { id: `u_${user}`, name: `User ${user}`, email: `u${user}@example.org`, session: `s_${user}` };
		const socket = new WebSocket(socketUrl(this.base, { kind: 'submission', id: `r_${room}` }, who), { perMessageDeflate: false, ca: this.ca, servername: 'localhost' });
		this.sockets.push(socket);
		return new Promise((resolve, reject) => {
			socket.on('error', reject);
			socket.on('message', (data) => {
				const text = data.toString();
				if (text.startsWith('{"type":"connected"'))
					resolve(undefined);
				else
					hear?.(text);
			});
		});
	}

	#leave() {
		this.sockets.splice(0).forEach((socket) => socket.close(1000));
	}

	get #pid() {
		return Number(this.cluster.gateways[0].pid);
	}

	#memory() {
		return memoryOf([this.#pid]);
	}

	/** Of all its threads. */
	#cpuUs() {
		return threadsUs([this.#pid]);
	}
}

/** Of the whole machine, thus of both ends of each connection. */
function slabBytes() {
	return 1024 * Number(/^Slab:\s+(\d+)/m.exec(fs.readFileSync('/proc/meminfo', 'utf8'))?.[1]);
}
