// SPDX-License-Identifier: Apache-2.0
/**
 * `./dev mixed`: the processes of another revision beside those of this tree, in one cluster, under load.
 * It starts as the other revision with its schema and its settings; then the order of docs/operations.md:
 * the schema, the shards, the gateways, and back with the old programs on the new schema.
 */
import { execFile } from 'node:child_process';
import { parseArgs, promisify } from 'node:util';
import { build } from '../deploy/local/build.mjs';
import { mootctl, programs } from '../deploy/local/settings.mjs';
import { pause, pidsOf } from './acts.mjs';
import { verdict } from './figures.mjs';
import { checkOut, newestTag } from './revision.mjs';
import { runOnCluster, unlikeTheTable } from './run.mjs';
import { Witness } from './witness.mjs';

/** @typedef {import('./acts.mjs').Stage} Stage @typedef {import('./run.mjs').Result} Result */
/** @typedef {import('./revision.mjs').Revision} Revision */
/** @typedef {{step: string, shards: string, gateways: string, kind: string, seen: import('./witness.mjs').Seen}} Row */

/** @type {{to: 'old'|'new', order: string[]}[]} shards first, as one should; then in turns, as somebody will */
const ROLLS = [
	{ to: 'new', order: ['shard-1', 'shard-2', 'gateway-1', 'gateway-2'] },
	{ to: 'old', order: ['shard-1', 'shard-2', 'gateway-1', 'gateway-2'] },
	{ to: 'new', order: ['shard-1', 'gateway-1', 'shard-2', 'gateway-2'] },
];
const LOAD = ['people.v0=40', 'time.warm_up=0s', 'time.load=20m']; // counted from the first publish on; the last roll ends it

const HELP = `./dev mixed [REV] [--set SECTION.ROW=VALUE]

Release N works with N + 1 of the other processes: tries it. Builds REV under build/revisions, starts a
cluster of it (2 shards, 2 gateways, PostgreSQL), loads it as bench/scenarios/roll.ini says, brings its
schema up to this tree's with mootctl, and replaces its processes by those of this tree one by one: the shards,
then the gateways; then back to REV in the same order, on the new schema; then to this tree once more, in turns.
So all pairs of old and new speak with each other, and both sides are mixed.

  REV        a tag or commit (default: the newest tag v*)
  --set ROW  changes a row of the scenario; may come several times

Ends with 1 when anything was lost, doubled, out of order or falsely shown, when a socket closed while a
shard was replaced, or when the table of events is not what was acknowledged.
`;

process.exitCode = await main(process.argv.slice(2));

/** @param {string[]} args */
async function main(args) {
	const { values, positionals: [asked] } = parseArgs({
		args, allowPositionals: true, options: { help: { type: 'boolean' }, set: { type: 'string', multiple: true } },
	});
	if (values.help) {
		console.log(HELP.trimEnd());
		return 0;
	}
	const name = asked ?? (await newestTag());
	if (!name) {
		console.error('dev mixed: nothing was released yet: there is no tag v*; name a commit to run beside this tree');
		return 2;
	}
	await build('release', (line) => console.error(line));
	return mix(await checkOut(name), values.set ?? []);
}

/** @param {Revision} old @param {string[]} rows @returns {Promise<number>} exit code */
async function mix(old, rows) {
	/** @type {Row[]} */
	const steps = [];
	/** @type {string[]} */
	const wrong = [];
	const witness = new Witness();
	const result = await runOnCluster({
		scenario: 'roll', Cluster: old.Cluster, label: `${old.name} and this tree`,
		options: [...LOAD, ...rows].flatMap((row) => ['--set', row]),
		onLine: (line) => witness.take(line),
		act: (stage) => rollAll(stage, old, steps, witness),
		audit: async (cluster, { counts }) => void wrong.push(...await unlikeTheTable((text) => cluster.sql(text), counts)),
	});
	show(steps);
	wrong.push(...steps.filter(({ kind, seen }) => kind !== 'gateway' && seen.lost > 0).map(({ step, seen }) => `${step}: ${seen.lost} sockets closed`));
	if (!result.is_good)
		wrong.push(verdict([result]), result.complaints);
	console.log(wrong.length ? ['clients noticed:', ...wrong].join('\n  ')
		: `no client noticed: ${result.counts.acked} publishes acknowledged and stored, ${result.counts.heard} casts shown`);
	return wrong.length ? 1 : 0;
}

/** @param {Stage} stage @param {Revision} old @param {Row[]} steps @param {Witness} witness */
async function rollAll(stage, old, steps, witness) {
	const { cluster } = stage;
	const of = { old: old.programs, new: programs('release') };
	const running = new Map([...cluster.shards, ...cluster.gateways].map(({ name }) => [name, 'old']));
	const all = (/** @type {string} */ kind) => [...running].filter(([name]) => name.startsWith(kind)).map(([, is]) => is).join(' ');
	const step = async (/** @type {string} */ text, /** @type {string} */ kind, /** @type {() => Promise<unknown>} */ act) => {
		stage.tell(`mark ${text}`);
		await act();
		stage.tell(`pids ${pidsOf(cluster)}`);
		await pause(stage, stage.everyMs);
		steps.push({ step: text, shards: all('shard'), gateways: all('gateway'), kind, seen: witness.look() });
	};
	await step(`all of ${old.name}`, '', async () => {});
	await step('the schema of this tree', '', () => migrate(cluster.databaseUrl));
	for (const { to, order } of ROLLS)
		for (const name of order)
			await step(`${name} > ${to}`, name.split('-')[0], async () => {
				const one = /** @type {import('../deploy/local/process.mjs').Process} */ (cluster.processes.find((each) => each.name === name));
				running.set(name, to);
				one.plan.command = [of[to][/** @type {'shard'|'gateway'} */ (one.kind)]];
				await cluster.restart(one);
			});
	stage.tell('end');
}

/** As the owner of the schema does it. @param {string} databaseUrl */
async function migrate(databaseUrl) {
	const { stdout } = await promisify(execFile)(mootctl('release'), ['sql-migrate'], { env: { ...process.env, MOOT_DATABASE_URL: databaseUrl } });
	console.error(stdout.trim());
}

/** @param {Row[]} steps */
function show(steps) {
	const ms = (/** @type {number} */ value) => `${Math.round(value)} ms`;
	const rows = steps.map(({ step, shards, gateways, seen: { lost, worst } }) => `| ${step} | ${shards} | ${gateways} | ${lost} | ${ms(worst.ack)} | ${ms(worst.cast)} |`);
	console.log(['\n| step | shards | gateways | connections that ended | slowest ack | slowest cast |', '|---|---|---|---|---|---|', ...rows, ''].join('\n'));
}
