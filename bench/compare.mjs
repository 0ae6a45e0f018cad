// SPDX-License-Identifier: Apache-2.0
// The servers of another revision and those of this tree, in turns, so that what else the machine does
// meets both alike. The other revision is checked out and built under build/revisions; it runs with its own
// schema and settings, under the moot-bench of this tree.

import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { ROOT } from '../deploy/local/settings.mjs';
import { middle, show, verdict } from './figures.mjs';
import { runOnCluster } from './run.mjs';

const run = promisify(execFile);

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

/** Its cluster, built. @param {string} revision */
async function checkOut(revision) {
	const { stdout } = await run('git', ['-C', ROOT, 'rev-parse', '--verify', `${revision}^{commit}`]);
	const dir = path.join(ROOT, 'build', 'revisions', stdout.trim());
	if (!fs.existsSync(dir)) {
		await run('git', ['-C', ROOT, 'worktree', 'prune']);
		await run('git', ['-C', ROOT, 'worktree', 'add', '--detach', dir, stdout.trim()]);
	}
	const load = (/** @type {string} */ file) => import(pathToFileURL(path.join(dir, 'deploy', 'local', file)).href);
	console.error(`building ${revision}`);
	await (await load('build.mjs')).build('release', (/** @type {string} */ text) => console.error(text));
	return { Cluster: /** @type {typeof import('../deploy/local/cluster.mjs').Cluster} */ ((await load('cluster.mjs')).Cluster) };
}
