// SPDX-License-Identifier: Apache-2.0
/**
 * `./dev roll`: restarts every shard, then every gateway, one by one, while old clients work, and says
 * what they saw of it. Uses the cluster of `./dev run` when there is one, else one of its own. Its users and
 * papers are gone from the database afterwards.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { insertSql, removeSql, seats } from '../../tests/lib/people.mjs';
import { packages } from '../../tests/steps.mjs';
import { build, BUILD_NAMES } from './build.mjs';
import { Cluster } from './cluster.mjs';
import { askControl } from './control.mjs';
import { runSql } from './postgres.mjs';
import { CONTROL } from './run.mjs';
import { RUN_BUILD } from './settings.mjs';

/**
 * @typedef {object} Target  what is restarted
 * @property {string} name
 * @property {string[]} publicUrls
 * @property {string[]} shards    names
 * @property {string[]} gateways  names, in the order of publicUrls
 * @property {(text: string) => Promise<unknown>} sql
 * @property {(name: string) => Promise<unknown>} restart
 * @property {() => Promise<void>} release
 *
 * @typedef {import('../../tests/lib/load.mjs').Figures} Figures
 * @typedef {import('../../tests/lib/load.mjs').Load} Load
 */

const HELP = `./dev roll [--seconds-between N] [--connections N] [--rooms N]

Restarts every shard, then every gateway, one by one, under load: connections that cast twice a second and
rooms that are published to once a second, spread over the gateways. Prints for each step what the clients
saw, and ends with 1 when anything that must be zero is not.

  --seconds-between N  how long each step is watched after its restart, and how long the first,
                       in which nothing is restarted (default 3)
  --connections N      default 500
  --rooms N            default 100

cast            from a sender to each reader; publish: until the HTTP answer
moved           sockets that an ending gateway closed with 1012: their clients came back elsewhere
closed          any other close                                                            must be 0
lost ... order  casts and publishes, for each reader that was there                        must be 0
false           somebody shown as left or joined who neither left nor joined               must be 0
refused         publishes without a good answer                                            must be 0
late            the longest pause of the load itself: no other figure is better than that
`;

/** @param {string[]} args @param {(text: string) => void} say @returns {Promise<number>} exit code */
export async function roll(args, say) {
	const text = /** @type {const} */ ({ type: 'string' });
	const { values } = parseArgs({ args, options: { 'seconds-between': text, connections: text, rooms: text, help: { type: 'boolean' } } });
	if (values.help) {
		console.log(HELP.trimEnd());
		return 0;
	}
	const plan = { betweenMs: Number(values['seconds-between'] ?? 3) * 1000, connections: Number(values.connections ?? 500), rooms: Number(values.rooms ?? 100) };
	await packages();
	const target = (await runningCluster()) ?? (await ownCluster(say));
	say(`${target.name}: ${target.shards.length} shards, ${target.gateways.length} gateways; ${plan.connections} connections in ${plan.rooms} rooms`);
	try {
		return await rollUnderLoad(target, plan, say);
	} finally {
		await target.sql(removeSql()).catch((cause) => say(`the load's users are still in the database: ${cause.message}`));
		await target.release();
	}
}

/** @returns {Promise<Target|undefined>} that of ./dev run */
async function runningCluster() {
	const found = await askControl(CONTROL, { command: 'env' });
	if (!found)
		return undefined;
	const { processes } = await askControl(CONTROL, { command: 'status' });
	const named = (/** @type {string} */ kind) => processes.map((/** @type {string[]} */ [name]) => name).filter((/** @type {string} */ name) => name.startsWith(`${kind}-`));
	return {
		name: 'the cluster of ./dev run',
		publicUrls: found.variables.MOOT_PUBLIC_URLS.split(' '),
		shards: named('shard'),
		gateways: named('gateway'),
		sql: (text) => runSql(found.variables.MOOT_DATABASE_URL, text),
		restart: (name) => askControl(CONTROL, { command: 'restart', name }),
		release: async () => {},
	};
}

/** @param {(text: string) => void} say @returns {Promise<Target>} */
async function ownCluster(say) {
	if (BUILD_NAMES.includes(RUN_BUILD))
		await build(RUN_BUILD, say);
	const cluster = await Cluster.start({ gateways: 2, shards: 3, build: RUN_BUILD });
	const find = (/** @type {string} */ name) => /** @type {import('./process.mjs').Process} */ (cluster.processes.find((one) => one.name === name));
	return {
		name: 'a cluster of its own',
		publicUrls: cluster.publicUrls,
		shards: cluster.shards.map((one) => one.name),
		gateways: cluster.gateways.map((one) => one.name),
		sql: (text) => cluster.sql(text),
		restart: (name) => cluster.restart(find(name)),
		release: () => cluster.stop(),
	};
}

/** @param {Target} target @param {{betweenMs: number, connections: number, rooms: number}} plan @param {(text: string) => void} say */
async function rollUnderLoad(target, { betweenMs, connections, rooms }, say) {
	const { faults, Load } = await import('../../tests/lib/load.mjs'); // needs the packages
	const { flawsOf } = await import('../../tests/lib/ledger.mjs');
	const people = seats(connections, rooms);
	await target.sql(insertSql(people));
	const load = await Load.open({ urls: target.publicUrls, seats: people });
	try {
		const all = await restartAll(target, load, betweenMs, say);
		show(all);
		const account = await load.audit(target.sql);
		return judge([...all.flatMap(faults), ...flawsOf(account), ...account.examples], load, say);
	} finally {
		await load.end();
	}
}

/** @param {Target} target @param {Load} load @param {number} betweenMs @param {(text: string) => void} say */
async function restartAll(target, load, betweenMs, say) {
	/** @type {Figures[]} */
	const all = [];
	const step = async (/** @type {string} */ name, /** @type {() => Promise<unknown>} */ act, /** @type {{ending?: number}} */ allowed = {}) => {
		say(`${name} ...`);
		all.push(await load.during(name, async () => {
			await act();
			await sleep(betweenMs);
		}, allowed));
	};
	await step('no restart', async () => {});
	for (const name of target.shards)
		await step(name, () => target.restart(name));
	for (const [ending, name] of target.gateways.entries())
		await step(name, () => target.restart(name), { ending });
	return [...all, await load.close()];
}

/** @param {string[]} wrong @param {Load} load @param {(text: string) => void} say @returns {number} exit code */
function judge(wrong, load, say) {
	if (wrong.length === 0) {
		say('no client noticed');
		return 0;
	}
	say(['clients noticed', ...wrong, load.evidence].join('\n  '));
	return 1;
}

/** @param {Figures[]} all */
function show(all) {
	const ms = (/** @type {number} */ value) => `${value < 10 ? value.toFixed(1) : Math.round(value)}`;
	const head = ['STEP', 'TOOK s', 'CAST p99 ms', 'worst', 'PUBLISH p99 ms', 'worst', 'moved', 'closed', 'lost', 'doubled', 'order', 'false', 'refused', 'late ms'];
	const rows = all.map(({ name, ms: took, delivery, ack, moved, closed, refused, lag, seen }) => [
		name, (took / 1000).toFixed(1), ms(delivery.at(0.99)), ms(delivery.max), ms(ack.at(0.99)), ms(ack.max), moved, closed,
		seen.lost, seen.doubled, seen.reordered + seen.unnumbered + seen.forked, seen.left + seen.joined, refused, ms(lag.max),
	]);
	const table = [head, ...rows].map((row) => row.map(String));
	const widths = head.map((_, i) => Math.max(...table.map((row) => row[i].length)));
	for (const row of table)
		console.log(row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  '));
}
