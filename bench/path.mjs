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
import { splitOf } from './processes.mjs';
import { runOnCluster } from './run.mjs';

/** @typedef {import('./processes.mjs').Split} Split */

const READERS = 4;

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '3' } } });
const rounds = Number(values.rounds);
if (!(Number.isInteger(rounds) && rounds >= 1)) {
	console.error(`bench path: --rounds takes a number from 1, not "${values.rounds}"`);
	process.exit(2);
}
await build('release', (line) => console.error(line));
/** Of a cast, in us. @type {Split[]} */
const unheard = [];
/** @type {Split[]} */
const heard = [];
for (let round = 1; round <= rounds; round++) {
	console.error(`path: round ${round} of ${rounds}`);
	unheard.push(await costOf(1));
	heard.push(await costOf(1 + READERS));
}
const threads = /** @type {(keyof Split)[]} */ (Object.keys(heard[0]));
const all = threads.reduce((sum, thread) => sum + middle(heard, thread), 0);
console.log(`| 2,000 casts/s to ${READERS} readers each, 1 gateway, 1 shard | us per cast | of it, where nobody listens | so for the readers | per delivery |\n|---|---|---|---|---|`);
for (const thread of threads)
	row(thread, middle(heard, thread), middle(unheard, thread));
row('all', all, threads.reduce((sum, thread) => sum + middle(unheard, thread), 0));

/** @param {number} people in each room @returns {Promise<Split>} */
async function costOf(people) {
	/** @type {Split | undefined} */
	let split;
	const options = [`people.room=${people}`, 'say.cast=2000'].flatMap((setting) => ['--set', setting]);
	const result = await runOnCluster({ scenario: 'fanout-small', options, gateways: 1, shards: 1, quiet: true, act: splitOf((of) => void (split = of)) });
	if (!split || !result.is_good)
		throw new Error(`path: the run with rooms of ${people} was no good: ${verdict([result])}`);
	return /** @type {Split} */ (Object.fromEntries(Object.entries(split).map(([what, us]) => [what, us / result.counts.casts])));
}

/** @param {Split[]} costs @param {keyof Split} thread */
function middle(costs, thread) {
	return median(costs.map((split) => split[thread]));
}

/** @param {string} what @param {number} heardUs @param {number} unheardUs */
function row(what, heardUs, unheardUs) {
	const more = heardUs - unheardUs;
	console.log(`| ${what} | ${heardUs.toFixed(1)} | ${unheardUs.toFixed(1)} | ${more.toFixed(1)} | ${(more / READERS).toFixed(1)} |`);
}
