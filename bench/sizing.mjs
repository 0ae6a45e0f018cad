// SPDX-License-Identifier: Apache-2.0
/**
 * What ordinary reviewing takes, by the number of people: processors and memory of the gateways, of the shards and
 * of PostgreSQL, and what people wait (docs/performance.md, "How large a cluster"). Every run is checked.
 *
 *   ./dev bench sizing [PEOPLE ...]
 */
import { execFileSync } from 'node:child_process';
import { build } from '../deploy/local/build.mjs';
import { pause } from './acts.mjs';
import { show, verdict } from './figures.mjs';
import { memoryOf } from './processes.mjs';
import { programOf, runOnCluster, scenarioFile } from './run.mjs';
import { cpuUs } from './server_cpu.mjs';

/** @typedef {import('./acts.mjs').Stage} Stage */
/** @typedef {{pids: (number | undefined)[], busyUs: number, bytes: number}} Kind */

const RATES = /** @type {const} */ (['cast', 'state', 'comment', 'approve', 'leave', 'drop']); // a second, of all people together
const DEFAULT = [500, 2_000, 5_000];
const MIB = 1 << 20;

const people = process.argv.slice(2).map(Number);
if (people.some((count) => !(Number.isInteger(count) && count >= 100 && count <= 19_000))) {
	console.error('bench sizing: how many people, from 100 to 19,000 each time');
	process.exit(2);
}
await build('release', (line) => console.error(line));
const review = JSON.parse(execFileSync(programOf('release', 'moot-bench'), ['print', scenarioFile('review')], { encoding: 'utf8' }));
console.log('| people | casts/s | events/s | gateways: processors | memory | shards: processors | memory | PostgreSQL: processors | cast p50 / p99 | ack p50 / p99 | checked |\n|---|---|---|---|---|---|---|---|---|---|---|');
let isGood = true;
for (const count of people.length ? people : DEFAULT) {
	console.error(`${count} people`);
	const sets = RATES.map((what) => `say.${what}=${rateOf(what, count)}`);
	/** @type {Kind[]} */
	let kinds = [];
	let seconds = 0;
	const result = await runOnCluster({
		scenario: 'review', durable: true, quiet: true, options: [`people.count=${count}`, ...sets].flatMap((row) => ['--set', row]),
		act: async (stage) => {
			const from = performance.now();
			kinds = await measured(stage);
			seconds = (performance.now() - from) / 1_000;
		},
	});
	const [gateways, shards, postgres] = kinds.map(({ busyUs, bytes }) => ({ processors: (busyUs / 1e6 / seconds).toFixed(2), memory: `${Math.round(bytes / MIB)} MiB` }));
	const { cast, ack } = result.latency_us;
	const wait = (/** @type {{p50: number, p99: number}} */ { p50, p99 }) => `${show(p50 / 1_000, 'ms')} / ${show(p99 / 1_000, 'ms')}`;
	console.log(`| ${count.toLocaleString('en')} | ${rateOf('cast', count)} | ${rateOf('comment', count) + rateOf('approve', count)} | ${gateways.processors} | ${gateways.memory} | ${shards.processors} | ${shards.memory} | ${postgres.processors} | ${wait(cast)} | ${wait(ack)} | ${verdict([result])} |`);
	isGood &&= result.is_good;
}
process.exitCode = isGood ? 0 : 1;

/** As in the scenario, for so many. @param {typeof RATES[number]} what @param {number} count */
function rateOf(what, count) {
	return Math.max(1, Math.round(review.say[what] * count / review.people.count));
}

/** While the load lasts. @param {Stage} stage @returns {Promise<Kind[]>} of gateways, shards, PostgreSQL */
async function measured(stage) {
	const { gateways, shards, postgres } = stage.cluster;
	const kinds = [gateways.map(({ pid }) => pid), shards.map(({ pid }) => pid), [postgres.process.pid]].map((pids) => ({ pids, busyUs: -cpuUs(pids), bytes: 0 }));
	await pause(stage, Infinity);
	for (const kind of kinds) {
		kind.busyUs += cpuUs(kind.pids);
		kind.bytes = memoryOf(kind.pids);
	}
	return kinds;
}
