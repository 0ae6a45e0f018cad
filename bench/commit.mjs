// SPDX-License-Identifier: Apache-2.0
/**
 * The commit path (docs/performance.md), with a real PostgreSQL that syncs to disk: how many events a second one
 * database stores, by the size of a batch and the number of connections that append at once (the statements of
 * a shard, without the rest of it); then what a publish takes in a whole cluster, by rate.
 *
 *   ./dev bench commit [--seconds N]
 */
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs, promisify } from 'node:util';
import { build } from '../deploy/local/build.mjs';
import { Cluster } from '../deploy/local/cluster.mjs';
import { Postgres } from '../deploy/local/postgres.mjs';
import * as settings from '../deploy/local/settings.mjs';
import { Histogram } from '../tests/lib/histogram.mjs';
import { Native } from '../tests/lib/native.mjs';
import { insertSql, seats } from '../tests/lib/people.mjs';
import { packages } from '../tests/steps.mjs';
import { cpuUs } from './server_cpu.mjs';

const run = promisify(execFile);
const bin = path.join(settings.buildDirectory('sim'), 'tests', 'speed', 'append_speed');
const BATCHES = [1, 16, 256];
const LANES = [1, 2, 4];
const RATES = [50, 200, 800, 1600]; // events a second, of all publishers
const PUBLISHERS = 200;
const ROOMS = 50;

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '5' } } });
const seconds = Number(values.seconds);

await packages();
await build('sim', (line) => console.error(line));
await appendAlone();
await wholeCluster();

async function appendAlone() {
	const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'moothall-'));
	fs.chmodSync(dir, 0o711); // PostgreSQL runs as another user
	const postgres = await Postgres.open({ dir: path.join(dir, 'postgres'), log: path.join(dir, 'postgres.log'), durable: true });
	try {
		await postgres.start();
		await postgres.migrate(path.join(settings.ROOT, 'roomd', 'schema'));
		await postgres.sql(`select moot_register(1, 'shard', 'bench', 'tcp://127.0.0.1:1', 'active');
			update slot set owner = 1, epoch = 1`);
		console.log('| connections | events in a batch | events/s | batch p50 / p99 | CPU per event | of that PostgreSQL |\n|---|---|---|---|---|---|');
		for (const lanes of LANES)
			for (const batch of BATCHES)
				console.log(await append(postgres, lanes, batch));
	} finally {
		await postgres.stop();
		fs.rmSync(dir, { recursive: true, force: true });
	}
}

/** @param {Postgres} postgres @param {number} lanes @param {number} batch @returns {Promise<string>} a row */
async function append(postgres, lanes, batch) {
	await postgres.sql('truncate event');
	const before = cpuUs([postgres.process.pid]);
	const { stdout } = await run(bin, [postgres.url(), String(lanes), String(batch), String(seconds)]);
	await sleep(100); // its connections have ended, and are counted with their parent
	const server = cpuUs([postgres.process.pid]) - before;
	const { events, p50_us, p99_us, cpu_us } = JSON.parse(stdout);
	const all = server + cpu_us;
	return `| ${lanes} | ${batch} | ${Math.round(events / seconds)} | ${ms(p50_us / 1_000)} / ${ms(p99_us / 1_000)} | ${(all / events).toFixed(0)} us | ${percent(server, all)} |`;
}

async function wholeCluster() {
	const cluster = await Cluster.start({ gateways: 2, shards: 2, build: 'release', durable: true, demo: false });
	const people = seats(PUBLISHERS, ROOMS);
	/** @type {Native[]} */
	let clients = [];
	try {
		await cluster.sql(insertSql(people));
		clients = people.map(({ user }) => new Native(user, { keeps: ({ type }) => type === 'welcome' || type === 'joined' }));
		for (const [i, client] of clients.entries()) {
			await client.connect(cluster.publicUrls[i % 2]);
			await client.join(roomOf(people[i]));
		}
		console.log(`\n${PUBLISHERS} publishers in ${ROOMS} rooms, 2 gateways, 2 shards:\n`);
		console.log('| events/s | publish to ack p50 / p99 | publish to reader p50 / p99 | gateways | shards | PostgreSQL, CPU per event |\n|---|---|---|---|---|---|');
		for (const rate of RATES)
			console.log(await publish(cluster, clients, people.map(roomOf), rate));
	} finally {
		await Promise.all(clients.map((client) => client.leave()));
		await cluster.stop();
	}
}

/** @param {Cluster} cluster @param {Native[]} clients @param {string[]} rooms of each @param {number} rate @returns {Promise<string>} a row */
async function publish(cluster, clients, rooms, rate) {
	const [acks, deliveries] = [new Histogram(), new Histogram()];
	for (const client of clients)
		client.onEvent = ({ data, from }) => {
			if (from.session !== client.session)
				deliveries.add(performance.now() - data.at);
		};
	const kinds = [cluster.gateways, cluster.shards, [cluster.postgres.process]].map((of) => of.map(({ pid }) => pid));
	const before = kinds.map(cpuUs);
	const from = performance.now();
	/** @type {Promise<unknown>[]} */
	const under = [];
	for (let n = 0; n < rate * seconds; n++) {
		const wait = from + (1_000 * n) / rate - performance.now();
		if (wait > 1)
			await sleep(wait);
		const at = performance.now();
		const i = (n * 7) % clients.length;
		under.push(clients[i].publish(rooms[i], 'comment_added', { at, text: 'x'.repeat(200) }).then(() => acks.add(performance.now() - at)));
	}
	await Promise.all(under);
	const took = performance.now() - from;
	const cost = kinds.map((pids, i) => `${((cpuUs(pids) - before[i]) / acks.count).toFixed(0)} us`);
	const spread = (/** @type {Histogram} */ h) => `${ms(h.at(0.5))} / ${ms(h.at(0.99))}`;
	return `| ${Math.round((1_000 * acks.count) / took)} | ${spread(acks)} | ${spread(deliveries)} | ${cost.join(' | ')} |`;
}

/** @param {import('../tests/lib/people.mjs').Seat} seat */
function roomOf({ room }) {
	return `${room.kind}:${room.id}`;
}

/** @param {number} value */
function ms(value) {
	return `${value.toFixed(1)} ms`;
}

/** @param {number} part @param {number} whole */
function percent(part, whole) {
	return `${Math.round((100 * part) / whole)} %`;
}
