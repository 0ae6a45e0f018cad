// SPDX-License-Identifier: Apache-2.0
// What the stack of deploy/compose.yaml is put through while clients work, and the account of it.

import { setTimeout as sleep } from 'node:timers/promises';
import { describe, sharesAreFair } from './crowd.mjs';
import { eventually } from './eventually.mjs';
import { flawsOf, Ledger, readEvents } from './ledger.mjs';
import { faults, Load } from './load.mjs';
import { expressions } from './manifests.mjs';
import { insertSql, seats } from './people.mjs';
import { slotOf } from './slot.mjs';
import { Stack, targets } from './stack.mjs';
import { Writer } from './writer.mjs';

/** @typedef {import('./docker.mjs').Docker} Docker @typedef {import('./load.mjs').Allowed} Allowed @typedef {import('./people.mjs').Seat} Seat */
/** @typedef {{connections: number, rooms: number, writers: number, dir: string, say: (line: string) => void}} Plan */

const processes = 10; // of the stack; by Docker's default all of them would have the time of one
const watchMs = 3_000;
const settleMs = 30_000;
const healthMs = 30_000;
const scrapeMs = 60_000;

export class Trial {
	/** @type {string[]} */ wrong = [];
	passed = 0;
	/** @type {Writer[]} */ writers = [];
	ledger = new Ledger();
	/** @type {Load|undefined} */ load;
	/** @type {Set<string>} ids of containers that were made to end otherwise */ excused = new Set();

	/** @param {Docker} docker @param {Plan} plan */
	constructor(docker, plan) {
		this.docker = docker;
		this.plan = plan;
		this.say = plan.say;
		this.stack = new Stack(docker, plan.dir);
	}

	/** @returns {Promise<string[]>} what was wrong */
	async run() {
		const { stack, say } = this;
		say('building images');
		await this.docker.online(() => stack.build());
		const sizes = await stack.sizes();
		say(`images: ${targets.map((name) => `${name} ${sizes[name].toFixed(1)} MB`).join(', ')}`);
		this.docker.share(processes);
		try {
			await stack.up(2);
			say('the stack is up: 2 shards, 2 gateways, PostgreSQL, one published port');
			await this.#open();
			await this.#break();
			await this.#settle();
			await this.#containers();
			await this.#mootctl();
			await this.#monitoring();
		} catch (cause) {
			this.wrong.push(String(/** @type {Error} */ (cause).stack), await stack.logs().catch(String));
		} finally {
			if (this.wrong.length > 0)
				this.wrong.push(...starved(await stack.logs('all').catch(String)));

			await Promise.all([this.load?.end(), ...this.writers.map((writer) => writer.leave())]);
			await stack.down().catch((cause) => this.wrong.push(String(cause)));
		}
		return this.wrong;
	}

	/** Old clients in some rooms, native ones in others. */
	async #open() {
		const { connections, rooms, writers } = this.plan;
		const own = Math.max(1, Math.round(writers / 3));
		const all = seats(connections + writers, 1).map((seat, i) => ({
			...seat, room: { ...seat.room, id: `load-room-${String(i < connections ? i % rooms : rooms + (i % own)).padStart(4, '0')}` },
		}));
		await this.stack.sql(insertSql(all));
		this.load = await Load.open({ urls: [this.stack.url], seats: all.slice(0, connections) });
		this.writers = all.slice(connections).map((seat) => new Writer(seat, this.ledger, { urls: [this.stack.url], random: Math.random, thinkMs: 500 }));
		for (const { room } of this.writers)
			this.ledger.watch(room);
		await Promise.all(this.writers.map((writer) => writer.enter()));
		this.say(`${connections} v0 clients in ${rooms} rooms, ${writers} native ones in ${own}`);
	}

	async #break() {
		const { stack } = this;
		const anew = { ending: 0 }; // which gateway one sits at is the balancer's secret
		await this.#step('nothing', () => sleep(watchMs));
		await this.#step('shards from 2 to 4', () => this.#scale(4));
		await this.#step('shards from 4 to 2', () => this.#scale(2));
		await this.#step('each shard replaced', () => stack.roll('roomd').then(() => this.#fair(2)));
		await this.#step('each gateway replaced', () => stack.roll('gateway'), anew);
		await this.#step('PostgreSQL replaced', () => stack.recreate('postgres').then(() => this.#flows()), { refusals: true });
		await this.#step('the balancer replaced', () => stack.recreate('balancer').then(() => this.#flows()), { ...anew, refusals: true, broken: true, casts: true });
		const { id, rooms } = await this.#busiest();
		this.excused.add(id);
		await this.#step(`the busiest shard killed (${rooms.size} rooms)`, async () => {
			await stack.crash(id);
			await this.load?.flows(rooms);
		}, { casts: true, rooms });
		await this.#step('the killed one back', () => eventually(() => stack.isReady('roomd', id), 'it to be started again').then(() => this.#fair(2)));
	}

	/** @param {string} name @param {() => Promise<unknown>} act @param {Allowed} [allowed] */
	async #step(name, act, allowed) {
		const figures = await /** @type {Load} */ (this.load).during(name, async () => {
			await act();
			await sleep(watchMs);
		}, allowed);
		this.say(describe(figures));
		this.#check(name, faults(figures));
		if (faults(figures).length > 0)
			this.say(this.load?.evidence ?? '');
	}

	/** @param {number} shards */
	async #scale(shards) {
		await this.stack.scale(shards);
		await this.#fair(shards);
	}

	/** @param {number} shards */
	#fair(shards) {
		return sharesAreFair({ sql: (text) => this.stack.sql(text), shards: { length: shards } }, settleMs);
	}

	async #flows() {
		await this.load?.flows();
	}

	/** The shard that owns most of the old clients' rooms. @returns {Promise<{id: string, rooms: Set<string>}>} */
	async #busiest() {
		const owners = await this.stack.owners();
		const ids = await this.stack.containers('roomd');
		const rooms = /** @type {Load} */ (this.load).rooms.map(({ kind, id }) => ({ id, owner: owners.get(slotOf(`${kind}:${id}`)) ?? '' }));
		const found = ids.map((id) => ({ id, rooms: new Set(rooms.filter(({ owner }) => id.startsWith(owner)).map((room) => room.id)) }));
		return found.sort((a, b) => b.rooms.size - a.rooms.size)[0];
	}

	/** Everything that was said has arrived, and the table has what was acknowledged, once, in order. */
	async #settle() {
		const { load, writers, stack } = this;
		const sql = (/** @type {string} */ text) => stack.sql(text);
		const end = await /** @type {Load} */ (load).close();
		this.#check('the end', faults(end));
		const account = await /** @type {Load} */ (load).audit(sql);
		this.#check('events of v0 clients', [...flawsOf(account), ...account.examples]);
		await Promise.all(writers.map((writer) => writer.finish()));
		const rows = await readEvents(sql, this.ledger.rooms);
		const of = (/** @type {Writer} */ writer) => rows.filter(({ room }) => room === writer.room);
		await eventually(() => writers.every((writer) => writer.hasAll(of(writer).length)), 'native clients to be shown everything', settleMs).catch(() => {});
		const native = this.ledger.audit(rows);
		this.#check('events of native clients', [...flawsOf(native), ...native.examples]);
		this.#check('what native clients were shown', writers.flatMap((writer) => [...writer.compare(of(writer)), ...writer.refusals]));
		this.say(`${account.acked} publishes of v0 clients acknowledged, ${account.refused} refused as to be tried again; ${native.acked} of native ones, all acknowledged, `
			+ `${writers.reduce((sum, { resumes }) => sum + resumes, 0)} connections resumed; ${account.stored + native.stored} events in the table`);
		this.#check('events', account.acked > 0 && native.acked > 0 ? [] : ['nothing was published']);
	}

	/** How processes live and end in containers. */
	async #containers() {
		const { stack, docker } = this;
		for (const service of /** @type {const} */ (['roomd', 'gateway']))
			for (const id of await stack.containers(service)) {
				await eventually(async () => (await stack.inspect(id, '{{.State.Health.Status}}')) === 'healthy', `${service} to be healthy`, healthMs);
				const is = (await stack.inspect(id, '{{.Config.User}} {{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}}')).toString();
				this.#check(`${service}: rights`, is === '10001:10001 true [ALL]' ? [] : [`${service} runs as ${is}`]);
				const processes = (await docker.docker('top', id)).trim().split('\n').slice(1);
				this.#check(`${service}: processes`, processes.length === 1 ? [] : [`${service} has ${processes.length} processes:`, ...processes]);
			}
		const wanted = (/** @type {string} */ id) => (this.excused.has(id) ? 137 : 0);
		const ends = stack.endings.filter(({ service }) => ['roomd', 'gateway', 'migrate'].includes(service));
		this.#check('ends', ends.filter(({ id, code }) => code !== wanted(id)).map(({ service, id, code }) => `${service} ${id.slice(0, 12)} ended with ${code}`));
		const count = ends.filter(({ service }) => service !== 'migrate').length;
		this.#check('ends', count === 7 ? [] : [`${count} containers ended`]); // 2 of the scaling, 4 replaced, 1 killed
		this.say(`${count} containers ended, all in order but the killed one; none is root, each is one process, all are healthy`);
	}

	/** It finds each process by the names of the services. */
	async #mootctl() {
		const all = JSON.parse(await this.stack.mootctl('status', '--json'));
		const of = (/** @type {string} */ kind) => all.filter((/** @type {{kind: string, ready: boolean}} */ one) => one.kind === kind && one.ready).length;
		this.#check('mootctl', of('gateway') === 2 && of('shard') === 2 ? [] : [`status: ${JSON.stringify(all)}`]);
	}

	/** Prometheus finds each process. */
	async #monitoring() {
		await this.stack.compose('--profile', 'monitoring', 'up', '-d', '--no-deps', 'prometheus');
		const [id] = await this.stack.containers('prometheus');
		const ask = (/** @type {string} */ query) => this.docker.docker('exec', id, 'promtool', 'query', 'instant', 'http://127.0.0.1:9090', query).catch(() => '');
		const has = async (/** @type {string} */ job) => / => 2 @/.test(await ask(`sum(up{job="${job}"})`));
		await eventually(async () => (await has('moot-gateway')) && (await has('moot-roomd')), 'Prometheus to find 2 gateways and 2 shards', scrapeMs);
		for (const text of expressions()) {
			const asked = text.replaceAll('$__rate_interval', '1m'); // which Grafana fills in
			await this.docker.docker('exec', id, 'promtool', 'query', 'instant', 'http://127.0.0.1:9090', asked);
		}
		this.passed++;
		this.say(`Prometheus finds 2 gateways and 2 shards, and understands the ${expressions().length} expressions of the dashboard`);
	}

	/** @param {string} what @param {string[]} flaws */
	#check(what, flaws) {
		if (flaws.length === 0)
			return void this.passed++;
		const told = flaws.map((flaw) => (flaw.startsWith(what) ? flaw : `${what}: ${flaw}`));
		this.wrong.push(...told);
		this.say(`WRONG: ${told.join('; ')}`);
	}
}

/** Where processes were not run for long, what clients saw says little. @param {string} logs @returns {string[]} */
function starved(logs) {
	const times = [...logs.matchAll(/"msg":"slept".*"ms":(\d+)/g)].map(([, ms]) => Number(ms));
	return times.length === 0 ? [] : [`this machine was too busy: ${times.length} times one of the processes did not run for up to ${Math.max(...times)} ms`];
}
