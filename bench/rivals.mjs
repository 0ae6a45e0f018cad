// SPDX-License-Identifier: Apache-2.0
/**
 * `./dev bench rivals`: the same casts, from the same load generator, through Moothall and through what else one
 * might take: two processes of Socket.IO, or of Centrifugo, with Redis between them. In turns, so that what else
 * the machine does meets all alike.
 */
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs, promisify } from 'node:util';
import { build } from '../deploy/local/build.mjs';
import { installPackages } from '../deploy/local/page.mjs';
import { freePorts } from '../deploy/local/ports.mjs';
import { Process } from '../deploy/local/process.mjs';
import { HOST, ROOT } from '../deploy/local/settings.mjs';
import { figuresOf, median, show, verdict } from './figures.mjs';
import { load, runOnCluster, scenarioFile } from './run.mjs';

/** @typedef {import('./run.mjs').Result} Result */

/**
 * @typedef {object} Rival
 * @property {string} name         for people
 * @property {string} server       --server of moot-bench
 * @property {() => Promise<string|undefined>} version  undefined: it is not installed
 * @property {(ports: {own: number, redis: number}) => {command: string[], ready: string}} process  one of the two
 */

const RIVALS = path.join(ROOT, 'bench', 'rivals');
const SCENARIOS = ['fanout-small', 'fanout-large'];
const HEAD = '| scenario | servers | p50 | p99 | CPU per delivery | of Moothall\'s | bytes per connection | checked |\n|---|---|---|---|---|---|---|---|';

const HELP = `./dev bench rivals [SCENARIO ...] [--rounds N] [--set SECTION.ROW=VALUE]

The scenarios of casts (default: ${SCENARIOS.join(' ')}) against Moothall (2 gateways, 2 shards),
two processes of Socket.IO with Redis, and two of Centrifugo with Redis if the program centrifugo is in PATH,
in turns. CPU and bytes are of all these processes, Redis included; PostgreSQL, which has nothing to do
while people cast, is not. Medians, and least to greatest, of N rounds (default 3).

  --set ROW  changes a row of every scenario; may come several times
`;

/** @type {Rival[]} */
const ALL = [
	{
		name: 'Socket.IO', server: 'socketio',
		version: async () => JSON.parse(fs.readFileSync(path.join(RIVALS, 'package.json'), 'utf8')).dependencies['socket.io'],
		process: ({ own, redis }) => ({
			command: [process.execPath, path.join(RIVALS, 'socketio.mjs'), String(own), `redis://${HOST}:${redis}`],
			ready: `http://${HOST}:${own}/`,
		}),
	},
	{
		name: 'Centrifugo', server: 'centrifugo',
		version: () => output('centrifugo', 'version').then((text) => /v(\S+)/.exec(text)?.[1], () => undefined),
		process: ({ own, redis }) => ({
			command: ['env', `CENTRIFUGO_HTTP_SERVER_PORT=${own}`, `CENTRIFUGO_ENGINE_REDIS_ADDRESS=redis://${HOST}:${redis}`,
				'centrifugo', '--config', path.join(RIVALS, 'centrifugo.json')],
			ready: `http://${HOST}:${own}/health`,
		}),
	},
];

process.exitCode = await main(process.argv.slice(2));

/** @param {string[]} args */
async function main(args) {
	const text = /** @type {const} */ ({ type: 'string' });
	const { values, positionals } = parseArgs({ args, allowPositionals: true, options: { rounds: text, set: { type: 'string', multiple: true }, help: { type: 'boolean' } } });
	const rounds = Number(values.rounds ?? 3);
	if (values.help || !(rounds >= 1)) {
		console.log(HELP.trimEnd());
		return values.help ? 0 : 2;
	}
	await build('release', (line) => console.error(line));
	await installPackages(RIVALS);
	const rivals = await installed();
	const options = (values.set ?? []).flatMap((row) => ['--set', row]);
	const rows = [];
	let isGood = true;
	for (const scenario of positionals.length ? positionals : SCENARIOS) {
		/** @type {Map<string, Result[]>} */
		const results = new Map(['Moothall', ...rivals.map(({ name }) => name)].map((name) => [name, []]));
		for (let round = 0; round < rounds; round++) {
			results.get('Moothall')?.push(await runOnCluster({ scenario, options, label: 'Moothall' }));
			for (const rival of rivals)
				results.get(rival.name)?.push(await runOnRival(rival, scenario, options));
		}
		const ours = results.get('Moothall') ?? [];
		isGood &&= ours.every((one) => one.is_good);
		rows.push(...[...results].map(([name, all]) => row(scenario, name, all, ours)));
	}
	console.log(`\n${[HEAD, ...rows].join('\n')}`);
	return isGood ? 0 : 1;
}

/** Those that are, and says which and which not. @returns {Promise<Rival[]>} */
async function installed() {
	const found = await Promise.all(ALL.map(async (rival) => ({ rival, version: await rival.version() })));
	for (const { rival: { name }, version } of found)
		console.error(version ? `${name} ${version}` : `${name} is not installed here: it is left out`);
	console.error(`Redis ${/v=(\S+)/.exec(await output('redis-server', '--version'))?.[1]}, Node ${process.versions.node}`);
	return found.filter(({ version }) => version).map(({ rival }) => rival);
}

/** @param {Rival} rival @param {string} scenario @param {string[]} options @returns {Promise<Result>} */
async function runOnRival(rival, scenario, options) {
	const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'moothall-rival-'));
	const [redis, ...own] = await freePorts(3);
	const all = [
		processOf('redis', dir, { command: ['redis-server', '--bind', HOST, '--port', String(redis), '--save', '', '--appendonly', 'no', '--dir', dir] }),
		...own.map((port, i) => processOf(`${rival.server}-${i + 1}`, dir, rival.process({ own: port, redis }))),
	];
	try {
		for (const one of all) {
			await one.start();
			await (one === all[0] ? answers(redis) : one.ready());
		}
		const target = ['--to', own.map((port) => `${HOST}:${port}`).join(','), '--servers', all.map(({ pid }) => pid).join(',')];
		return await load([scenarioFile(scenario), ...target, '--server', rival.server], { options, label: rival.name });
	} finally {
		await Promise.all(all.map((one) => one.stop({ againMs: 2_000, graceMs: 5_000 })));
		fs.rmSync(dir, { recursive: true, force: true });
	}
}

/** @param {string} name @param {string} dir @param {{command: string[], ready?: string}} how */
function processOf(name, dir, { command, ready }) {
	return new Process({ kind: 'rival', name, command, log: path.join(dir, `${name}.log`), readyUrl: ready });
}

/** @param {number} port of Redis, which has no HTTP */
async function answers(port) {
	for (const until = Date.now() + 10_000; !(await output('redis-cli', '-p', String(port), 'ping').then(() => true, () => false)); await sleep(50))
		if (Date.now() > until)
			throw new Error('redis-server does not answer');
}

/** @param {string} program @param {...string} args @returns {Promise<string>} */
async function output(program, ...args) {
	return (await promisify(execFile)(program, args)).stdout;
}

/** @param {string} scenario @param {string} name @param {Result[]} all @param {Result[]} ours */
function row(scenario, name, all, ours) {
	const of = (/** @type {Result[]} */ results, /** @type {'p50'|'p99'|'cpuPerDelivery'|'bytesPerConnection'} */ key) => results.map((one) => figuresOf(one)[key]);
	const cell = (/** @type {Parameters<typeof of>[1]} */ key, /** @type {number} */ unit, /** @type {string} */ word) => {
		const values = of(all, key).map((value) => value / unit);
		return `${show(median(values), word)} (${show(Math.min(...values), '').trim()}-${show(Math.max(...values), '').trim()})`;
	};
	const ratio = median(of(all, 'cpuPerDelivery')) / median(of(ours, 'cpuPerDelivery'));
	return `| ${scenario} | ${name} | ${cell('p50', 1_000, 'ms')} | ${cell('p99', 1_000, 'ms')} | ${cell('cpuPerDelivery', 1, 'us')} | ${show(ratio, '')} | ${cell('bytesPerConnection', 1, '')} | ${verdict(all)} |`;
}
