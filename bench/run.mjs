// SPDX-License-Identifier: Apache-2.0
// One run of moot-bench: against a cluster of its own, which is filled with the people of the scenario and
// to which is done what server.act says; or against moot-limit, the bare broadcaster.

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import { promisify } from 'node:util';
import { Cluster } from '../deploy/local/cluster.mjs';
import { buildDirectory, ROOT } from '../deploy/local/settings.mjs';
import { perform, pidsOf } from './acts.mjs';

const run = promisify(execFile);

export const SCENARIOS = path.join(ROOT, 'bench', 'scenarios');

/**
 * @typedef {object} RunPlan
 * @property {string} scenario         a file, or the name of one in bench/scenarios
 * @property {string} [servers]        build of the servers (default release)
 * @property {typeof Cluster} [Cluster] of another revision, with its own builds and schema
 * @property {string} [bench]          build of moot-bench (default release)
 * @property {number} [gateways]       default 2
 * @property {number} [shards]         default 2
 * @property {boolean} [durable]       PostgreSQL syncs to disk
 * @property {string} [label]
 * @property {string} [html]           file
 * @property {string} [json]           file
 * @property {string[]} [options]      more of moot-bench
 * @property {boolean} [quiet]         what moot-bench shows is not shown
 *
 * @typedef {{type: string, name: string, is_good: boolean, complaints: string, flaws: Record<string, number>,
 *   latency_us: Record<string, {count: number, p50: number, p99: number, worst: number}>,
 *   counts: Record<string, number>, load: Stretch, connect: Stretch, quiet: Stretch, people: number,
 *   empty_bytes: number, full_bytes: number, busy_seconds: number, found_rate: number, found_delivered: number,
 *   [more: string]: any}} Result
 * @typedef {{ms: number, servers_cpu_us: number, own_cpu_us: number, delivered: number, opened: number}} Stretch
 */

/** @param {string} name @returns {string} */
export function scenarioFile(name) {
	return name.includes('/') || name.endsWith('.ini') ? path.resolve(name) : path.join(SCENARIOS, `${name}.ini`);
}

/** @param {string} build @param {string} program */
export function programOf(build, program) {
	return path.join(buildDirectory(build), 'bench', program);
}

/** Against a fresh cluster. @param {RunPlan} plan @returns {Promise<Result>} */
export async function runOnCluster(plan) {
	const bench = programOf(plan.bench ?? 'release', 'moot-bench');
	const file = scenarioFile(plan.scenario);
	const options = plan.options ?? [];
	const sets = options.flatMap((option, i) => (option === '--set' || option === '--seconds' ? [option, options[i + 1]] : []));
	const scenario = JSON.parse((await run(bench, ['print', file, ...sets])).stdout);
	const cluster = await (plan.Cluster ?? Cluster).start({
		gateways: plan.gateways ?? 2, shards: plan.shards ?? 2, build: plan.servers ?? 'release', demo: false, durable: plan.durable ?? false,
		shardEnv: { MOOT_ROOM_HIBERNATE: `${scenario.server.hibernate}ms` },
	});
	try {
		await cluster.sql((await run(bench, ['people', file, ...sets])).stdout);
		const urls = cluster.publicUrls.map((url) => url.replace('http://', ''));
		return await load(bench, [file, '--to', urls.join(','), '--servers', pidsOf(cluster)], plan, scenario, cluster);
	} finally {
		await cluster.stop();
	}
}

/** Casts only: it knows nothing else. @param {RunPlan} plan @param {string[]} [how] `hop` @returns {Promise<Result>} */
export async function runOnLimit(plan, how = []) {
	const limit = spawn(programOf(plan.bench ?? 'release', 'moot-limit'), ['0', ...how], { stdio: ['ignore', 'pipe', 'inherit'] });
	try {
		const [port, pids] = String((await once(limit.stdout, 'data'))[0]).trim().split(' ');
		const target = ['--to', `127.0.0.1:${port}`, '--servers', pids, '--bare'];
		return await load(programOf(plan.bench ?? 'release', 'moot-bench'), [scenarioFile(plan.scenario), ...target], plan);
	} finally {
		limit.kill();
	}
}

/**
 * @param {string} bench @param {string[]} args @param {RunPlan} plan @param {any} [scenario] @param {Cluster} [cluster]
 * @returns {Promise<Result>}
 */
async function load(bench, args, plan, scenario, cluster) {
	const shown = plan.quiet ? 'ignore' : 'inherit';
	const more = [...(plan.label ? ['--label', plan.label] : []), ...(plan.html ? ['--html', plan.html] : []), ...(plan.options ?? [])];
	const child = spawn(bench, ['run', ...args, '--control', '--json', '-', ...more], { stdio: ['pipe', 'pipe', shown] });
	const stdin = /** @type {import('node:stream').Writable} */ (child.stdin);
	stdin.on('error', () => {}); // its end tells
	let isOver = false;
	/** @type {Result | undefined} */
	let result;
	/** @type {Promise<void> | undefined} */
	let acting;
	/** @type {Error | undefined} */
	let failed;
	const ended = once(child, 'exit').then(() => void (isOver = true));
	for await (const line of readline.createInterface({ input: /** @type {import('node:stream').Readable} */ (child.stdout) })) {
		const said = JSON.parse(line);
		if (plan.json)
			fs.appendFileSync(plan.json, `${line}\n`);
		if (said.type === 'result')
			result = said;
		if (said.type === 'phase' && said.phase === 'settle')
			isOver = true;
		if (said.type === 'phase' && said.phase === 'load' && cluster)
			acting = perform(said.act, {
				cluster, everyMs: scenario.server.every, isOver: () => isOver,
				tell: (text) => void stdin.write(`${text}\n`),
			}).catch((cause) => void (failed = cause));
	}
	await ended;
	await acting;
	if (failed)
		throw failed;
	if (!result)
		throw new Error(`moot-bench ended with ${child.exitCode ?? child.signalCode} and without a result`);
	return result;
}
