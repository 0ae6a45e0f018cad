// SPDX-License-Identifier: Apache-2.0
/**
 * Where each microsecond of a cast goes on its way (docs/performance.md). The same casts where nobody listens, and
 * in rooms of five: what they cost in the first is the way in, what they cost more in the second is the way out.
 *
 *   ./dev bench path [--rounds N]
 */
import { parseArgs } from 'node:util';
import { build } from '../deploy/local/build.mjs';
import { median, verdict } from './figures.mjs';
import { kernelShareOf, splitOf } from './processes.mjs';
import { runOnCluster } from './run.mjs';

/** @typedef {import('./processes.mjs').Split} Split */
/** @typedef {{split: Split, kernel: number}} Cost  us of a cast, and of the gateway's loop the part in the kernel */

const READERS = 4;

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '3' } } });
const rounds = Number(values.rounds);
if (!(Number.isInteger(rounds) && rounds >= 1)) {
	console.error(`bench path: --rounds takes a number from 1, not "${values.rounds}"`);
	process.exit(2);
}
await build('release', (line) => console.error(line));
/** @type {Cost[]} */
const unheard = [];
/** @type {Cost[]} */
const heard = [];
let isGood = true;
for (let round = 1; round <= rounds; round++) {
	console.error(`path: round ${round} of ${rounds}`);
	unheard.push(await costOf(1));
	heard.push(await costOf(1 + READERS));
}
const threads = /** @type {(keyof Split)[]} */ (Object.keys(heard[0].split));
const all = threads.reduce((sum, thread) => sum + middle(heard, thread), 0);
console.log(`| 2,000 casts/s to ${READERS} readers each, 1 gateway, 1 shard | us per cast | of it, where nobody listens | so for the readers | per delivery |\n|---|---|---|---|---|`);
for (const thread of threads)
	row(thread, middle(heard, thread), middle(unheard, thread));
row('all', all, threads.reduce((sum, thread) => sum + middle(unheard, thread), 0));
console.log(`\nOf the gateway's loop in the kernel: ${percent(heard)} with readers, ${percent(unheard)} where nobody listens.`);
process.exitCode = isGood ? 0 : 1;

/** @param {number} people in each room @returns {Promise<Cost>} */
async function costOf(people) {
	/** @type {Cost | undefined} */
	let cost;
	const options = [`people.room=${people}`, 'say.cast=2000'].flatMap((row) => ['--set', row]);
	/** @type {import('./acts.mjs').Act} */
	const act = async (stage) => {
		const kernel = kernelShareOf(stage.cluster.gateways.map(({ pid }) => pid));
		await splitOf((split) => void (cost = { split, kernel: kernel() }))(stage);
	};
	const result = await runOnCluster({ scenario: 'fanout-small', options, gateways: 1, shards: 1, quiet: true, act });
	isGood &&= result.is_good;
	if (!cost || !result.is_good)
		throw new Error(`path: the run with rooms of ${people} was no good: ${verdict([result])}`);
	const { split, kernel } = cost;
	return { split: /** @type {Split} */ (Object.fromEntries(Object.entries(split).map(([what, us]) => [what, us / result.counts.casts]))), kernel };
}

/** @param {Cost[]} costs @param {keyof Split} thread */
function middle(costs, thread) {
	return median(costs.map(({ split }) => split[thread]));
}

/** @param {string} what @param {number} heardUs @param {number} unheardUs */
function row(what, heardUs, unheardUs) {
	const more = heardUs - unheardUs;
	console.log(`| ${what} | ${heardUs.toFixed(1)} | ${unheardUs.toFixed(1)} | ${more.toFixed(1)} | ${(more / READERS).toFixed(1)} |`);
}

/** @param {Cost[]} costs */
function percent(costs) {
	return `${Math.round(100 * median(costs.map(({ kernel }) => kernel)))} %`;
}
