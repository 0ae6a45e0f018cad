// SPDX-License-Identifier: Apache-2.0
// The servers of another revision and those of this tree, in turns, so that what else the machine does
// meets both alike. The other revision runs with its own schema and settings, under the moot-bench of this tree.

import { middle, show, verdict } from './figures.mjs';
import { checkOut } from './revision.mjs';
import { runOnCluster } from './run.mjs';

/** @typedef {import('./run.mjs').Result} Result */

const FIGURES = /** @type {const} */ ([
	['p50', 'p50', 1_000, 'ms'], ['p99', 'p99', 1_000, 'ms'], ['cpuPerDelivery', 'CPU per delivery', 1, 'us'],
	['cpuPerConnection', 'CPU per connection', 1, 'us'], ['bytesPerConnection', 'bytes per connection', 1, ''],
	['cpuIdle', 'CPU per idle connection and second', 1, 'us'], ['found', 'delivered a second', 1, ''],
]);

/** @param {string} revision @param {string[]} names @param {{rounds: number, durable: boolean, options: string[]}} plan @returns {Promise<number>} exit code */
export async function compare(revision, names, { rounds, durable, options }) {
	const other = await checkOut(revision);
	const rows = [];
	let isGood = true;
	for (const scenario of names) {
		/** @type {Result[]} */
		const before = [], after = [];
		for (let round = 0; round < rounds; round++) {
			before.push(await runOnCluster({ scenario, options, durable, Cluster: other.Cluster, label: revision }));
			after.push(await runOnCluster({ scenario, options, durable, label: 'this tree' }));
		}
		isGood &&= after.every((one) => one.is_good);
		rows.push(...rowsOf(scenario, before, after));
	}
	console.log(`\n| scenario | | ${revision} | this tree | ratio |\n|---|---|---|---|---|\n${rows.join('\n')}`);
	return isGood ? 0 : 1;
}

/** @param {string} name @param {Result[]} before @param {Result[]} after */
function rowsOf(name, before, after) {
	const was = middle(before), is = middle(after);
	const rows = FIGURES.filter(([key]) => !Number.isNaN(is[key])).map(([key, what, unit, word]) =>
		`| ${name} | ${what} | ${show(was[key] / unit, word)} | ${show(is[key] / unit, word)} | ${(is[key] / was[key]).toFixed(2)} |`);
	return [...rows, `| ${name} | checked | ${verdict(before)} | ${verdict(after)} | |`];
}
