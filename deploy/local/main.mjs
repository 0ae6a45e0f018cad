// SPDX-License-Identifier: Apache-2.0
/**
 * The commands of ./dev that need a cluster: run env status kill restart roll stop psql clean, and build and
 * page. One function each. ./dev has installed what they need and has checked the options.
 */
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build, BUILD_NAMES } from './build.mjs';
import { askControl } from './control.mjs';
import { buildPage, pageIsBuilt } from './page.mjs';
import { clientEnv, removeServer } from './postgres.mjs';
import { CONTROL, links, LOG, LOGS, superviseDetached, superviseForeground } from './run.mjs';
import { ROOT, RUN_BUILD, VAR } from './settings.mjs';
import { seconds } from './supervisor.mjs';

const say = (/** @type {string} */ text) => console.error(text);

/** @type {Record<string, (args: string[]) => Promise<number|void>>} */
const COMMANDS = { run, supervise, env, status, kill, restart, roll, stop, psql, clean, build: buildOne, page, 'page-is-built': isBuilt };

const [command, ...rest] = process.argv.slice(2);
try {
	process.exitCode = (await COMMANDS[command](rest)) ?? 0;
} catch (cause) {
	say(`dev ${command}: ${/** @type {Error} */ (cause).message}`);
	process.exitCode = 1;
}

/** @param {string[]} args */
async function run(args) {
	const plan = runPlan(args);
	const running = await askControl(CONTROL, { command: 'ready' });
	if (running) {
		say(`A cluster is running already (./dev stop ends it). ${links(running)}`);
		return plan.detach ? 0 : 1;
	}
	if (BUILD_NAMES.includes(RUN_BUILD))
		await build(RUN_BUILD, say);
	await buildPage(say);
	if (!plan.detach)
		return superviseForeground(plan, say);
	await detach(args);
}

/** The background half of `run --detach`. @param {string[]} args */
async function supervise(args) {
	return superviseDetached(runPlan(args), say);
}

/** @param {string[]} args */
function runPlan(args) {
	const text = /** @type {const} */ ({ type: 'string' });
	const { values } = parseArgs({
		args,
		options: { gateways: text, shards: text, port: text, detach: { type: 'boolean' }, tls: { type: 'boolean' } },
	});
	return {
		gateways: Number(values.gateways ?? 2),
		shards: Number(values.shards ?? 2),
		port: Number(values.port ?? (values.tls ? 8443 : 8080)),
		tls: values.tls ?? false,
		detach: values.detach ?? false,
	};
}

/** Start the supervisor in a session of its own and wait until its cluster is ready. @param {string[]} args */
async function detach(args) {
	fs.mkdirSync(LOGS, { recursive: true });
	const log = fs.openSync(LOG, 'w');
	const child = spawn(process.execPath, [fileURLToPath(import.meta.url), 'supervise', ...args], {
		detached: true,
		stdio: ['ignore', log, log],
	});
	fs.closeSync(log);
	let ended = false;
	child.once('exit', () => (ended = true));
	child.unref();
	for (;;) {
		const ready = await askControl(CONTROL, { command: 'ready' }, say).catch(() => undefined);
		if (ready)
			return say(`${links(ready)}\nIt runs in the background (pid ${child.pid}); ./dev stop ends it. Logs: ${LOGS}`);
		if (ended)
			throw new Error(`the cluster did not start:\n${fs.readFileSync(LOG, 'utf8').trimEnd()}`);
		await new Promise((resolve) => setTimeout(resolve, 20));
	}
}

/** Ask the running cluster; a sentence when there is none. @param {string} name @param {object} [request] */
async function ask(name, request = {}) {
	const answer = await askControl(CONTROL, { command: name, ...request }, say);
	if (!answer)
		throw new Error('no cluster is running; start one with ./dev run');
	return answer;
}

async function env() {
	const { variables } = await ask('env');
	for (const [name, value] of Object.entries(variables))
		console.log(`${name}='${String(value).replaceAll("'", `'\\''`)}'`);
}

async function status() {
	const { processes, url } = await ask('status');
	const rows = [['NAME', 'PID', 'STATE', 'UP', 'RESTARTS', 'PORTS'], ...processes];
	const widths = rows[0].map((/** @type {string} */ _, /** @type {number} */ i) => Math.max(...rows.map((row) => String(row[i]).length)));
	console.log(`public: ${url}`);
	for (const row of rows)
		console.log(row.map((/** @type {string} */ cell, /** @type {number} */ i) => String(cell).padEnd(widths[i])).join('  ').trimEnd());
}

/** @param {string[]} args shard|gateway|postgres|any [--signal S] */
async function kill([kind, , signal = 'KILL']) {
	console.log((await ask('kill', { kind, signal: signal.toUpperCase().replace(/^SIG/, '') })).text);
}

/** @param {string[]} args shards|gateways */
async function restart([kinds]) {
	await ask('restart', { kind: kinds.replace(/s$/, '') });
}

/** @param {string[]} args */
async function roll(args) {
	return (await import('./roll.mjs')).roll(args, say); // with what only tests need
}

async function stop() {
	const from = Date.now();
	const answer = await askControl(CONTROL, { command: 'stop' }, say);
	say(answer ? `stopped after ${seconds(Date.now() - from)}` : 'no cluster is running');
}

/** @param {string[]} args for psql */
async function psql(args) {
	const { variables } = await ask('env');
	const ended = spawnSync('psql', args, {
		stdio: 'inherit',
		env: { ...process.env, ...clientEnv(variables.MOOT_DATABASE_URL) },
	});
	return ended.status ?? 1;
}

async function clean() {
	await askControl(CONTROL, { command: 'stop' });
	removeServer(path.join(VAR, 'postgres'));
	for (const dir of [VAR, path.join(ROOT, 'build')])
		fs.rmSync(dir, { recursive: true, force: true });
}

/** @param {string[]} args debug|release|clang */
async function buildOne([name = 'debug']) {
	await build(name, say);
}

async function page() {
	await buildPage(say);
}

/** Ends with 0 when `page` has nothing to do, for ./dev, which then needs no npm. */
async function isBuilt() {
	return pageIsBuilt() ? 0 : 1;
}
