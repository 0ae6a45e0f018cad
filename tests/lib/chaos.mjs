// SPDX-License-Identifier: Apache-2.0
// Publishers in rooms, and something goes wrong every few seconds: shards and gateways killed, PostgreSQL
// stopped at once, the network cut. What ended is started again, as Docker or Kubernetes would. In the
// end every answer and everything that anybody was shown is held against the table of events.

import { setTimeout as sleep } from 'node:timers/promises';
import { Cluster } from '../../deploy/local/cluster.mjs';
import { Supervisor } from '../../deploy/local/supervisor.mjs';
import { Histogram } from './histogram.mjs';
import { Ledger, flawsOf, readEvents } from './ledger.mjs';
import { Network } from './network.mjs';
import { insertSql, seats } from './people.mjs';
import { shardEnv, Split } from './split.mjs';
import { Writer } from './writer.mjs';

/**
 * @typedef {object} Plan
 * @property {number} seconds    of faults
 * @property {number} seed       which fault comes when, and where
 * @property {number} publishers
 * @property {number} rooms
 * @property {(text: string) => void} say  progress, one line each
 *
 * @typedef {object} Report
 * @property {Record<string, number>} faults  how often each
 * @property {import('./ledger.mjs').Account} account
 * @property {string[]} flaws    must be empty
 * @property {number} resumes
 * @property {Histogram} acks    ms from publish to ack, outages and all
 */

const pauseMs = 3_000; // between faults, on average
const cutMs = 4_000;
const thinkMs = 1_000;
const settleMs = 60_000;
const progressMs = 10_000;

export class Chaos {
	/** Call `Chaos.open()`. @param {Plan} plan @param {Network} network */
	constructor(plan, network) {
		this.plan = plan;
		this.network = network;
		this.random = generator(plan.seed);
		this.ledger = new Ledger();
		/** @type {Writer[]} */
		this.writers = [];
		/** @type {Record<string, number>} */
		this.faults = {};
		/** @type {Set<string>} addresses that somebody does not reach just now */
		this.cuts = new Set();
	}

	/** Everybody is in and writes. @param {Plan} plan */
	static async open(plan) {
		const chaos = new Chaos(plan, new Network());
		try {
			await chaos.#start();
		} catch (cause) {
			await chaos.close().catch(() => {});
			throw cause;
		}
		return chaos;
	}

	async #start() {
		const { publishers, rooms } = this.plan;
		this.cluster = await Cluster.start({ gateways: 3, shards: 3, demo: false, durable: true, shardEnv });
		this.split = await Split.open(this.cluster, this.network);
		const people = seats(publishers, rooms);
		await this.cluster.sql(insertSql(people));
		for (const { room } of people)
			this.ledger.watch(`${room.kind}:${room.id}`);
		this.writers = people.map((seat) => new Writer(seat, this.ledger, { urls: this.split?.urls ?? [], random: this.random, thinkMs }));
		await Promise.all(this.writers.map((writer) => writer.enter()));
		this.supervisor = new Supervisor(this.cluster, () => {});
		this.supervisor.watch();
		for (const shard of this.cluster.shards)
			shard.on('exit', () => this.#excuse(shard));
	}

	/** One that was declared dead while it could not be heard ends by itself, as it should. @param {import('../../deploy/local/process.mjs').Process} shard */
	#excuse(shard) {
		if (shard.ending.code === 1 && /** @type {Cluster} */ (this.cluster).log(shard).split('\n').slice(-40).some((line) => line.includes(' msg=declared_dead ')))
			shard.ending.allowed = 1;
	}

	/** Things go wrong until the time is over, then everything is mended. */
	async rage() {
		const kinds = Object.entries(this.#kinds());
		const until = Date.now() + this.plan.seconds * 1_000;
		const progress = setInterval(() => this.plan.say(this.#progress(until)), progressMs);
		/** @type {Promise<void>[]} */
		const healing = [];
		while (Date.now() < until) {
			for (const [name, act] of shuffled(kinds, this.random)) {
				await sleep(-Math.log(1 - this.random()) * pauseMs);
				if (Date.now() >= until)
					break;
				this.faults[name] = (this.faults[name] ?? 0) + 1;
				healing.push(act());
			}
		}
		clearInterval(progress);
		await Promise.all(healing);
	}

	/** @returns {Record<string, () => Promise<void>>} resolves when it is mended, or is left to the supervisor */
	#kinds() {
		const cluster = /** @type {Cluster} */ (this.cluster);
		const { gatewaySpace, shardSpace, shardAt, databaseAt } = /** @type {Split} */ (this.split);
		const kill = async (/** @type {import('../../deploy/local/process.mjs').Process[]} */ of, signal = 'KILL') => {
			const running = of.filter((one) => one.isRunning);
			if (running.length > 0)
				running[Math.floor(this.random() * running.length)].kill(signal);
		};
		const cut = async (/** @type {import('./split.mjs').Space} */ space, /** @type {string} */ to) => {
			if (this.cuts.has(to))
				return;
			this.cuts.add(to);
			space.cut(to);
			await sleep((0.5 + this.random()) * cutMs); // the cut is what is tested
			space.heal(to);
			this.cuts.delete(to);
		};
		return {
			'shard killed': () => kill(cluster.shards),
			'gateway killed': () => kill(cluster.gateways),
			'PostgreSQL stopped at once': () => kill([cluster.postgres.process], 'QUIT'),
			'gateway cut from a shard': () => cut(gatewaySpace, shardAt[Math.floor(this.random() * (shardAt.length - 1))]),
			'shard cut from the database': () => cut(shardSpace, databaseAt),
		};
	}

	/** Everything that was said is answered, and everybody was shown everything. @returns {Promise<Report>} */
	async settle() {
		const cluster = /** @type {Cluster} */ (this.cluster);
		await within(settleMs, 'an answer to each publish', Promise.all(this.writers.map((writer) => writer.finish())), () =>
			this.writers.filter(({ client }) => client.pending.size > 0).map(({ seat, room }) => `${seat.user.id} in ${room}`));
		const rows = await readEvents((text) => cluster.sql(text), this.ledger.rooms);
		const of = group(rows);
		const behind = () => this.writers.filter((writer) => !writer.hasAll(of.get(writer.room)?.length ?? 0));
		for (const deadline = Date.now() + settleMs; behind().length > 0 && Date.now() < deadline;)
			await sleep(50);
		const account = this.ledger.audit(rows);
		const flaws = [...flawsOf(account), ...account.examples,
			...this.writers.flatMap((writer) => [...writer.compare(of.get(writer.room) ?? []), ...writer.refusals])];
		return {
			faults: this.faults, account, flaws,
			resumes: this.writers.reduce((sum, { resumes }) => sum + resumes, 0),
			acks: Histogram.sum(this.writers.map(({ acks }) => acks)),
		};
	}

	/** Also says what crashed. */
	async close() {
		if (this.supervisor)
			this.supervisor.stopping = true;
		await Promise.all(this.writers.map((writer) => writer.leave()));
		try {
			await this.cluster?.stop();
		} finally {
			this.network.close();
		}
	}

	/** @param {number} until */
	#progress(until) {
		const left = Math.max(0, Math.round((until - Date.now()) / 1_000));
		const count = Histogram.sum(this.writers.map(({ acks }) => acks)).count;
		return `${left} s left: ${count} answered, ${Object.entries(this.faults).map(([name, times]) => `${times} ${name}`).join(', ')}`;
	}
}

/** @param {Report} report */
export function describe({ faults, account, resumes, acks }) {
	const ms = (/** @type {number} */ p) => `${Math.round(acks.at(p))} ms`;
	return `${Object.entries(faults).map(([name, times]) => `${times} times ${name}`).join(', ')}; ${account.acked} publishes acknowledged, `
		+ `${account.stored} events in the table, ${resumes} connections resumed; publish to ack p50 ${ms(0.5)} p99 ${ms(0.99)} worst ${Math.round(acks.max)} ms`;
}

/** @template T @param {number} ms @param {string} what @param {Promise<T>} promise @param {() => string[]} missing @returns {Promise<T>} */
async function within(ms, what, promise, missing) {
	const timer = new AbortController();
	const late = sleep(ms, undefined, { signal: timer.signal }).then(() => {
		throw new Error(`waited ${ms / 1_000} s for ${what}: ${missing().slice(0, 10).join(', ')}`);
	});
	late.catch(() => {});
	try {
		return await Promise.race([promise, late]);
	} finally {
		timer.abort();
	}
}

/** @param {import('./ledger.mjs').Row[]} rows */
function group(rows) {
	/** @type {Map<string, import('./ledger.mjs').Row[]>} */
	const groups = new Map();
	for (const row of rows) {
		const of = groups.get(row.room) ?? [];
		groups.set(row.room, of);
		of.push(row);
	}
	return groups;
}

/** @template T @param {T[]} items @param {() => number} random @returns {T[]} */
function shuffled(items, random) {
	return items.map((item) => ({ item, at: random() })).sort((a, b) => a.at - b.at).map(({ item }) => item);
}

/** mulberry32: the same numbers for the same seed. @param {number} seed @returns {() => number} 0 to 1 */
function generator(seed) {
	let state = seed >>> 0;
	return () => {
		state = (state + 0x6d2b79f5) >>> 0;
		let t = Math.imul(state ^ (state >>> 15), state | 1);
		t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
		return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
	};
}
