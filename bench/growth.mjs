// SPDX-License-Identifier: Apache-2.0
/**
 * What a delivery costs as a cluster grows (docs/performance.md): the same casts in more rooms, in larger ones,
 * and over more gateways and shards. Every run is checked as those of `./dev bench` are.
 *
 *   ./dev bench growth [--rounds N] [rooms|people|processes ...]
 */
import { parseArgs } from 'node:util';
import { build } from '../deploy/local/build.mjs';
import { figuresOf, median, show, verdict } from './figures.mjs';
import { runOnCluster } from './run.mjs';

/** @typedef {import('./run.mjs').Result} Result */

/** @typedef {{what: string, scenario: string, each: number[], set: (one: number) => string[], processes: (one: number) => number}} Axis
 * `each`: what it grows through */
/** Deliveries a second, whatever the size of the rooms. */
const DELIVERIES = 8_000;
const ALIKE = 'gateways and as many shards';
const IN_ONE = [{ how: '', more: /** @type {string[]} */ ([]) }, { how: ', each room at one gateway', more: ['people.together=true'] }];

/** @type {Record<string, Axis[]>} */
const AXES = {
	rooms: [{
		what: 'rooms of 2, 8,000 casts/s', scenario: 'fanout-small', each: [100, 1_000, 9_000], processes: () => 1,
		set: (rooms) => [`people.count=${2 * rooms}`, 'people.room=2', 'say.cast=8000'],
	}],
	people: [{
		what: 'people in a room, 8,000 deliveries/s to 2,000 people', scenario: 'fanout-small', each: [2, 5, 20, 100, 500], processes: () => 1,
		set: (people) => [`people.room=${people}`, `say.cast=${Math.round(DELIVERIES / (people - 1))}`],
	}],
	processes: [
		...[2_000, 8_000].flatMap((rate) => IN_ONE.map(({ how, more }) => ({
			what: `${ALIKE}: 400 rooms of 5, ${rate / 1_000},000 casts/s${how}`, scenario: 'fanout-small', each: [1, 2, 3],
			set: () => [`say.cast=${rate}`, ...more], processes: (/** @type {number} */ one) => one,
		}))),
		{ what: `${ALIKE}: one room of 1,000, 20 casts/s`, scenario: 'fanout-large', each: [1, 2, 3], set: () => [], processes: (one) => one },
	],
};

const { values, positionals } = parseArgs({ allowPositionals: true, options: { rounds: { type: 'string', default: '1' } } });
const rounds = Number(values.rounds);
const wanted = positionals.length ? positionals : Object.keys(AXES);
const stranger = wanted.find((axis) => !(axis in AXES));
if (stranger || !(Number.isInteger(rounds) && rounds >= 1)) {
	console.error(stranger ? `bench growth: there is no axis "${stranger}", only ${Object.keys(AXES).join(' ')}` : `bench growth: --rounds takes a number from 1, not "${values.rounds}"`);
	process.exit(2);
}

await build('release', (line) => console.error(line));
console.log('| what grows | | CPU per delivery: median (all) | of the first\'s | p50 | p99 | checked |\n|---|---|---|---|---|---|---|');
let isGood = true;
for (const axis of wanted.flatMap((one) => AXES[one])) {
	const runs = await grow(axis);
	const first = middle(axis.each[0], runs);
	for (const one of axis.each) {
		const results = /** @type {Result[]} */ (runs.get(one));
		const { costs, p50, p99, cost } = middle(one, runs);
		console.log(`| ${axis.what} | ${one.toLocaleString('en')} | ${show(cost, 'us')} (${show(Math.min(...costs), '')}- ${show(Math.max(...costs), '')}) | ${(cost / first.cost).toFixed(2)} | ${show(p50, 'ms')} | ${show(p99, 'ms')} | ${verdict(results)} |`);
		isGood &&= results.every((result) => result.is_good);
	}
}
process.exitCode = isGood ? 0 : 1;

/** In turns, so that what else the machine does meets all alike. @param {Axis} axis */
async function grow({ what, scenario, each, set, processes }) {
	/** @type {Map<number, Result[]>} */
	const runs = new Map(each.map((one) => [one, []]));
	for (let round = 0; round < rounds; round++)
		for (const one of each) {
			console.error(`${what}: ${one}`);
			const options = set(one).flatMap((row) => ['--set', row]);
			runs.get(one)?.push(await runOnCluster({ scenario, options, gateways: processes(one), shards: processes(one), quiet: true }));
		}
	return runs;
}

/** @param {number} one @param {Map<number, Result[]>} runs */
function middle(one, runs) {
	const all = (runs.get(one) ?? []).map(figuresOf);
	const costs = all.map(({ cpuPerDelivery }) => cpuPerDelivery);
	return { costs, cost: median(costs), p50: median(all.map(({ p50 }) => p50)) / 1_000, p99: median(all.map(({ p99 }) => p99)) / 1_000 };
}
