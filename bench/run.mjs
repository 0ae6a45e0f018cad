// SPDX-License-Identifier: Apache-2.0
// One run of moot-bench: against a cluster of its own, which is filled with the people of the scenario and
// to which is done what server.act says; against moot-limit, the bare broadcaster; or against what is there.

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
 * @property {boolean} [unix]          gateways reach shards over Unix sockets
 * @property {boolean} [durable]       PostgreSQL syncs to disk
 * @property {string} [label]
 * @property {string} [html]           file
 * @property {string} [json]           file
 * @property {string[]} [options]      more of moot-bench
 * @property {boolean} [quiet]         what moot-bench shows is not shown
 * @property {import('./acts.mjs').Act} [act]  instead of server.act
 * @property {(line: any) => void} [onLine]    each that moot-bench says
 * @property {(cluster: Cluster, result: Result) => Promise<void>} [audit]  when it is over, before the cluster ends
 *
 * @typedef {{type: string, name: string, is_good: boolean, complaints: string, flaws: Record<string, number>,
 *   latency_us: Record<string, {count: number, p50: number, p99: number, worst: number}>,
 *   counts: Record<string, number>, load: Stretch, connect: Stretch, quiet: Stretch, people: number,
 *   empty_bytes: number, full_bytes: number, busy_seconds: number, found_rate: number, found_delivered: number,
 *   [more: string]: any}} Result
 * @typedef {import('./acts.mjs').Hands} Hands
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
		unixShards: plan.unix ? plan.shards ?? 2 : 0,
		shardEnv: { MOOT_ROOM_HIBERNATE: `${scenario.server.hibernate}ms` },
	});
	try {
		await cluster.sql((await run(bench, ['people', file, ...sets])).stdout);
		const urls = cluster.publicUrls.map((url) => url.replace('http://', ''));
		const stage = (/** @type {Hands} */ hands) => ({ cluster, everyMs: scenario.server.every, ...hands });
		const result = await load([file, '--to', urls.join(','), '--servers', pidsOf(cluster)], plan,
			(act, hands) => perform(plan.act ?? act, stage(hands)));
		await plan.audit?.(cluster, result);
		return result;
	} finally {
		await cluster.stop();
	}
}

/** Casts only: it knows nothing else. @param {RunPlan} plan @param {string[]} [how] `hop` @returns {Promise<Result>} */
export async function runOnLimit(plan, how = []) {
	const limit = spawn(programOf(plan.bench ?? 'release', 'moot-limit'), ['0', ...how], { stdio: ['ignore', 'pipe', 'inherit'] });
	try {
		const [port, pids] = String((await once(limit.stdout, 'data'))[0]).trim().split(' ');
		const target = ['--to', `127.0.0.1:${port}`, '--servers', pids, '--server', 'limit'];
		return await load([scenarioFile(plan.scenario), ...target], plan);
	} finally {
		limit.kill();
	}
}

/**
 * Against servers that somebody else has started.
 * @param {string[]} args of moot-bench: the file, --to ... @param {Pick<RunPlan, 'bench'|'label'|'html'|'json'|'options'|'quiet'|'onLine'>} plan
 * @param {(act: string, hands: Hands) => Promise<void>} [act] while the load lasts
 * @returns {Promise<Result>}
 */
export async function load(args, plan, act) {
	const shown = plan.quiet ? 'ignore' : 'inherit';
	const more = [...(plan.label ? ['--label', plan.label] : []), ...(plan.html ? ['--html', plan.html] : []), ...(plan.options ?? [])];
	const child = spawn(programOf(plan.bench ?? 'release', 'moot-bench'), ['run', ...args, '--control', '--json', '-', ...more], { stdio: ['pipe', 'pipe', shown] });
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
		plan.onLine?.(said);
		if (said.type === 'result')
			result = said;
		if (said.type === 'phase' && said.phase === 'settle')
			isOver = true;
		if (said.type === 'phase' && said.phase === 'load')
			acting = act?.(said.act, { isOver: () => isOver, tell: (text) => void stdin.write(`${text}\n`) }).catch((cause) => {
				failed = cause;
				child.kill();
			});
	}
	await ended;
	await acting;
	if (failed)
		throw failed;
	if (!result)
		throw new Error(`moot-bench ended with ${child.exitCode ?? child.signalCode} and without a result`);
	return result;
}

/**
 * Whether what was acknowledged is what is stored: `counts` must be those of the whole run, without a warm-up.
 * @param {(text: string) => Promise<Record<string, string|null>[]>} sql @param {Record<string, number>} counts
 * @returns {Promise<string[]>} what differs
 */
export async function unlikeTheTable(sql, { publishes, acked, forgotten }) {
	const [{ stored }] = await sql("SELECT count(*) AS stored FROM event WHERE room LIKE 'submission:bench-%'");
	const isAlike = publishes > 0 && publishes === acked && acked === Number(stored) && forgotten === 0;
	return isAlike ? [] : [`${publishes} publishes, ${acked} acknowledged, ${stored} stored; ${forgotten} sessions could not be resumed`];
}
