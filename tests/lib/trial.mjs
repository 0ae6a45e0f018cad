// SPDX-License-Identifier: Apache-2.0
// What the stack of deploy/compose.yaml is put through while moot-bench lets people review through its
// published port, and the account of it.

import { execFile } from 'node:child_process';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { verdict } from '../../bench/figures.mjs';
import { load, programOf, scenarioFile, unlikeTheTable } from '../../bench/run.mjs';
import { describe, Witness } from '../../bench/witness.mjs';
import { sharesAreFair } from './crowd.mjs';
import { eventually } from './eventually.mjs';
import { expressions } from './manifests.mjs';
import { slotOf } from './slot.mjs';
import { graceMs, Stack, targets } from './stack.mjs';

/** @typedef {import('./docker.mjs').Docker} Docker @typedef {import('../../bench/acts.mjs').Hands} Hands */
/** @typedef {{people: number, dir: string, say: (line: string) => void}} Plan */
/** @typedef {{sockets?: boolean, casts?: boolean}} Allowed  to be lost */

const processes = 10; // of the stack; by Docker's default all of them would have the time of one
const watchMs = 3_000;
const fairMs = 30_000;
const backMs = 30_000;
const healthMs = 30_000;
const scrapeMs = 60_000;
const scenario = scenarioFile('review');

export class Trial {
	/** @type {string[]} */ wrong = [];
	passed = 0;
	witness = new Witness();
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
			await this.#review();
			await this.#containers();
			await this.#mootctl();
			await this.#monitoring();
		} catch (cause) {
			this.wrong.push(String(/** @type {Error} */ (cause).stack), await stack.logs().catch(String));
		} finally {
			if (this.wrong.length > 0)
				this.wrong.push(...starved(await stack.logs('all').catch(String)));
			await stack.down().catch((cause) => this.wrong.push(String(cause)));
		}
		return this.wrong;
	}

	/** The scenario of the same name, for as long as all that is done takes; nothing of it is warm-up, so that
	 * its figures are those of the table. */
	async #review() {
		const { stack, plan, witness } = this;
		const rows = [`people.count=${plan.people}`, `say.cast=${plan.people / 2}`, `keep.grace=${graceMs}ms`, 'time.warm_up=0s', 'time.load=20m', 'time.settle=1m'];
		const options = rows.flatMap((row) => ['--set', row]);
		const sql = (/** @type {string} */ text) => stack.sql(text);
		await sql((await promisify(execFile)(programOf('release', 'moot-bench'), ['people', scenario, ...options])).stdout);
		const html = path.join(plan.dir, 'report.html');
		const result = await load([scenario, '--to', new URL(stack.url).host], {
			label: 'compose', options, html, quiet: true, onLine: (line) => witness.take(line),
		}, (_, hands) => this.#break(hands));
		this.#check('what people were shown', result.is_good ? [] : [verdict([result]), result.complaints, ...result.examples]);
		this.#check('the table of events', await unlikeTheTable(sql, result.counts));
		const { casts, heard, acked, seen, left, dropped } = result.counts;
		this.say(`${result.people} people in ${result.rooms} rooms, ${verdict([result])}: ${casts} casts shown ${heard} times, ${acked} publishes acknowledged, stored, `
			+ `and shown ${seen} times, ${left} left and came back, ${dropped} cut off; the report is ${html}`);
	}

	/** @param {Hands} hands */
	async #break(hands) {
		const { stack } = this;
		const step = (/** @type {string} */ name, /** @type {() => Promise<unknown>} */ act, /** @type {Allowed} */ allowed = {}) => this.#step(hands, name, act, allowed);
		await step('nothing', async () => {});
		await step('shards from 2 to 4', () => this.#scale(4));
		await step('shards from 4 to 2', () => this.#scale(2));
		await step('each shard replaced', () => stack.roll('roomd').then(() => this.#fair(2)));
		await step('each gateway replaced', () => stack.roll('gateway').then(() => this.#everybodyIsBack()), { sockets: true });
		await step('PostgreSQL replaced', () => stack.recreate('postgres').then(() => stack.ready()));
		await step('the balancer replaced', () => stack.recreate('balancer').then(() => this.#everybodyIsBack()), { sockets: true, casts: true });
		const { id, rooms } = await this.#busiest();
		this.excused.add(id);
		await step(`the busiest shard (${rooms} rooms) killed, and back`, async () => {
			await stack.crash(id);
			await eventually(async () => (await stack.inspect(id, '{{.RestartCount}}')) === '1', 'it to be started again', backMs);
			await eventually(() => stack.isReady('roomd', id), 'it to be ready', backMs);
			await this.#fair(2);
		}, { casts: true });
		hands.tell('end');
	}

	/** @param {Hands} hands @param {string} name @param {() => Promise<unknown>} act @param {Allowed} allowed */
	async #step(hands, name, act, { sockets, casts }) {
		const from = Date.now();
		hands.tell(`mark ${name}`);
		if (casts)
			hands.tell('spare');
		await act();
		await sleep(watchMs);
		if (casts)
			hands.tell('demand');
		const seen = this.witness.look();
		this.say(`${name}, ${((Date.now() - from) / 1000).toFixed(1)} s: ${describe(seen)}`);
		this.#check(name, seen.lost > 0 && !sockets ? [`${seen.lost} sockets closed`] : []);
	}

	/** @param {number} shards */
	async #scale(shards) {
		await this.stack.scale(shards);
		await this.#fair(shards);
	}

	/** @param {number} shards */
	#fair(shards) {
		return sharesAreFair({ sql: (text) => this.stack.sql(text), shards: { length: shards } }, fairMs);
	}

	/** But for the few who left a moment ago. */
	async #everybodyIsBack() {
		await sleep(watchMs); // the last sample is older than what was done
		await eventually(() => this.witness.connections > 0.95 * this.plan.people, 'everybody to be back', backMs);
	}

	/** The shard that owns most of the rooms. @returns {Promise<{id: string, rooms: number}>} */
	async #busiest() {
		const owners = await this.stack.owners();
		const ids = await this.stack.containers('roomd');
		const ofRooms = (await this.stack.sql("SELECT id FROM submissions WHERE id LIKE 'bench-%'")).map(({ id }) => owners.get(slotOf(`submission:${id}`)) ?? '');
		const found = ids.map((id) => ({ id, rooms: ofRooms.filter((owner) => id.startsWith(owner)).length }));
		return found.sort((a, b) => b.rooms - a.rooms)[0];
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
