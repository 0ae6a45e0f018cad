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

/** @typedef {{what: string, set: string[], processes: number}} Size
 * @typedef {{what: string, scenario: string, each: Size[]}} Axis `each`: what it grows through; the first is what the others are held against */

/** Deliveries a second, whatever the size of the rooms. */
const DELIVERIES = 8_000;

/** @type {Record<string, Axis[]>} */
const AXES = {
	rooms: [{
		what: 'rooms of 2, 8,000 casts/s', scenario: 'fanout-small',
		each: [100, 1_000, 9_000].map((rooms) => size(rooms, [`people.count=${2 * rooms}`, 'people.room=2', 'say.cast=8000'])),
	}],
	people: [{
		what: `people in a room, ${DELIVERIES.toLocaleString('en')} deliveries/s to 2,000 people`, scenario: 'fanout-small',
		each: [2, 5, 20, 100, 500].map((people) => size(people, [`people.room=${people}`, `say.cast=${Math.round(DELIVERIES / (people - 1))}`])),
	}],
	processes: [
		...[2_000, 8_000].map((rate) => ({
			what: `gateways and as many shards: 400 rooms of 5, ${rate.toLocaleString('en')} casts/s`, scenario: 'fanout-small',
			each: [...[1, 2, 3].map((processes) => size(processes, [`say.cast=${rate}`], processes)), ...[2, 3].map(atOne([`say.cast=${rate}`]))],
		})),
		{ what: 'gateways and as many shards: one room of 1,000, 20 casts/s', scenario: 'fanout-large', each: [1, 2, 3].map((processes) => size(processes, [], processes)) },
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
console.log('| what grows | | CPU per delivery: median (all) | of the first\'s in the same round | p50 | p99 | checked |\n|---|---|---|---|---|---|---|');
let isGood = true;
for (const { what, scenario, each } of wanted.flatMap((one) => AXES[one])) {
	const runs = await grow(what, scenario, each);
	const first = runs[0].map((result) => figuresOf(result).cpuPerDelivery);
	for (const [i, results] of runs.entries()) {
		const all = results.map(figuresOf);
		const costs = all.map(({ cpuPerDelivery }) => cpuPerDelivery);
		const cells = [
			what, each[i].what, spread(costs, (cost) => show(cost, 'us')), spread(costs.map((cost, round) => cost / first[round]), (ratio) => ratio.toFixed(2)),
			show(median(all.map(({ p50 }) => p50)) / 1_000, 'ms'), show(median(all.map(({ p99 }) => p99)) / 1_000, 'ms'), verdict(results),
		];
		console.log(`| ${cells.join(' | ')} |`);
		isGood &&= results.every((result) => result.is_good);
	}
}
process.exitCode = isGood ? 0 : 1;

/** @param {number} one @param {string[]} set @param {number} [processes] @returns {Size} */
function size(one, set, processes = 1) {
	return { what: one.toLocaleString('en'), set, processes };
}

/** The people of each room at one gateway. @param {string[]} set @returns {(processes: number) => Size} */
function atOne(set) {
	return (processes) => ({ what: `${processes}, each room at one gateway`, set: [...set, 'people.together=true'], processes });
}

/** In turns, so that what else the machine does meets all alike. @param {string} what @param {string} scenario @param {Size[]} each */
async function grow(what, scenario, each) {
	/** @type {Result[][]} */
	const runs = each.map(() => []);
	for (let round = 0; round < rounds; round++)
		for (const [i, { what: one, set, processes }] of each.entries()) {
			console.error(`${what}: ${one}`);
			const options = set.flatMap((row) => ['--set', row]);
			runs[i].push(await runOnCluster({ scenario, options, gateways: processes, shards: processes, quiet: true }));
		}
	return runs;
}

/** Median, and least to greatest. @param {number[]} values @param {(value: number) => string} say */
function spread(values, say) {
	return `${say(median(values))} (${say(Math.min(...values))} - ${say(Math.max(...values))})`;
}
