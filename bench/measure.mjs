// SPDX-License-Identifier: Apache-2.0
/**
 * The first measurement (docs/performance.md): a cluster of release builds and the bare broadcaster, under the
 * same load, in turns, in one run. Prints one table row per workload: the median of the rounds, and the
 * ratio to the bare broadcaster, which is what to read on a noisy machine.
 *
 *   ./dev bench [--rounds N] [--quick]
 */
import { execFile, spawn } from 'node:child_process';
import path from 'node:path';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { Cluster } from '../deploy/local/cluster.mjs';
import * as settings from '../deploy/local/settings.mjs';

const run = promisify(execFile);
const bin = path.join(settings.ROOT, 'build', 'release', 'bench');
const FIRST_PORT = 0;

/** @typedef {{name: string, kind: string, connections: number, room: number, rate?: number, casters?: number, seconds: number}} Workload */

/** @type {Workload[]} */
const WORKLOADS = [
	{ name: '400 rooms of 5, 2,000 casts/s', kind: 'fanout', connections: 2000, room: 5, rate: 2000, seconds: 5 },
	{ name: '400 rooms of 5, 200 casts/s', kind: 'fanout', connections: 2000, room: 5, rate: 200, seconds: 5 },
	{ name: 'one room of 1,000, 20 casts/s', kind: 'fanout', connections: 1000, room: 1000, rate: 20, seconds: 5 },
	{ name: 'one room of 500, 50 cast, 100 casts/s', kind: 'fanout', connections: 500, room: 500, rate: 100, casters: 50, seconds: 5 },
	{ name: '10,000 idle connections', kind: 'idle', connections: 10000, room: 5, seconds: 3 },
];

/** Users, sessions and submissions that moot-bench connects as. @param {Cluster} cluster */
async function fill(cluster) {
	await cluster.sql(`
		insert into users select 'bench-' || i, 'Bench ' || i, 'bench-' || i || '@example.org', 'Admin' from generate_series(0, 9999) i
			on conflict do nothing;
		insert into sessions select 'bench-' || i, 'bench-' || i, now() + interval '1 day' from generate_series(0, 9999) i
			on conflict do nothing;
		insert into submissions (id) select 'bench-' || i from generate_series(0, 1999) i on conflict do nothing`);
}

/** @param {Workload} w @param {number} port @param {(number|undefined)[]} pids */
async function load(w, port, pids) {
	const args = [w.kind, '--port', String(port), '--connections', String(w.connections), '--room', String(w.room),
		'--seconds', String(w.seconds), '--pids', pids.join(',')];
	if (w.rate)
		args.push('--rate', String(w.rate));
	if (w.casters)
		args.push('--casters', String(w.casters), '--merges');
	const { stdout } = await run(path.join(bin, 'moot-bench'), args, { timeout: 120_000 });
	return JSON.parse(stdout);
}

async function limitStart() {
	const child = spawn(path.join(bin, 'moot-limit'), [String(FIRST_PORT)], { stdio: ['ignore', 'pipe', 'inherit'] });
	const [line] = await once(child.stdout, 'data');
	return { child, port: Number(String(line).trim()) };
}

/** A fresh cluster per workload and round, so that memory starts from the same place. @param {Workload} w @param {number} gateways */
async function moothall(w, gateways) {
	const cluster = await Cluster.start({ gateways, shards: 2, build: 'release', demo: false });
	try {
		await fill(cluster);
		const pids = [...cluster.gateways, ...cluster.shards].map((one) => one.pid);
		return await load(w, cluster.publicPort, pids);
	} finally {
		await cluster.stop();
	}
}

/** @param {Workload} w */
async function limit(w) {
	const { child, port } = await limitStart();
	try {
		return await load(w, port, [child.pid]);
	} finally {
		child.kill();
	}
}

/** @param {number[]} values */
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

/** @param {Workload} w @param {any[]} bare @param {any[]} ours */
function row(w, bare, ours) {
	const of = (/** @type {any[]} */ runs, /** @type {string} */ key) => median(runs.map((r) => r[key]));
	if (w.kind === 'idle')
		return `| ${w.name} | ${of(ours, 'bytes_per_connection')} B | ${of(ours, 'connect_cpu_us')} us | `
			+ `${of(ours, 'idle_cpu_us_per_connection_s')} us/s | | |`;
	const key = 'server_cpu_us_per_delivery';
	return `| ${w.name} | ${of(bare, key)} us | ${of(ours, key)} us | ${(of(ours, key) / of(bare, key)).toFixed(2)} | `
		+ `${of(bare, 'p50_us')} / ${of(bare, 'p99_us')} us | ${of(ours, 'p50_us')} / ${of(ours, 'p99_us')} us |`;
}

const rounds = Number(process.argv[process.argv.indexOf('--rounds') + 1]) || 3;
const workloads = process.argv.includes('--quick') ? WORKLOADS.slice(0, 1) : WORKLOADS;
console.log('| workload | bare: CPU per delivery | cluster: CPU per delivery | ratio | bare p50 / p99 | cluster p50 / p99 |');
console.log('|---|---|---|---|---|---|');
for (const w of workloads) {
	const bare = [], ours = [];
	for (let i = 0; i < rounds; i++) {
		if (w.kind === 'fanout')
			bare.push(await limit(w));
		ours.push(await moothall(w, 2));
	}
	console.log(row(w, bare, ours));
}
