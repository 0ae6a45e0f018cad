// SPDX-License-Identifier: Apache-2.0
// What is done to the servers of a cluster while moot-bench loads them: server.act of a scenario. Each act
// marks itself in the report, and says when casts may be lost: only while something is being killed.

import { setTimeout as sleep } from 'node:timers/promises';

const BEFORE_MS = 2_000; // of load without any act, to compare with
const CALM_MS = 1_000; // after what was killed is ready again

/**
 * @typedef {import('../deploy/local/cluster.mjs').Cluster} Cluster
 * @typedef {import('../deploy/local/process.mjs').Process} Process
 * @typedef {object} Hands
 * @property {(line: string) => void} tell  moot-bench, on its standard input
 * @property {() => boolean} isOver         the load has ended
 *
 * @typedef {{cluster: Cluster, everyMs: number} & Hands} Stage
 * @typedef {(stage: Stage) => Promise<void>} Act
 */

/** @type {Record<string, Act>} */
const ACTS = {
	'': async () => {},
	roll,
	'kill-gateway': (stage) => killSome(stage, ({ gateways }) => gateways),
	'kill-shard': (stage) => killSome(stage, ({ shards }) => shards),
	chaos: (stage) => killSome(stage, ({ gateways, shards }) => [...gateways, ...shards]),
};

/** Until the load is over, or all is done. @param {string|Act} act @param {Stage} stage */
export async function perform(act, stage) {
	await pause(stage, BEFORE_MS);
	await (typeof act === 'string' ? ACTS[act] : act)(stage);
}

/** Every shard, then every gateway, each ready before the next; then the load may end. @param {Stage} stage */
async function roll(stage) {
	for (const one of [...stage.cluster.shards, ...stage.cluster.gateways]) {
		if (stage.isOver())
			return;
		stage.tell(`mark ${one.name} restarts`);
		await stage.cluster.restart(one);
		stage.tell(`pids ${pidsOf(stage.cluster)}`);
		stage.tell(`mark ${one.name} is ready`);
		await pause(stage, stage.everyMs);
	}
	stage.tell('end');
}

/** @param {Stage} stage @param {(cluster: Cluster) => Process[]} among */
async function killSome(stage, among) {
	for (let turn = 0; !stage.isOver(); turn++) {
		const all = among(stage.cluster);
		await kill(stage, all[Math.floor(Math.random() * all.length)]);
		await pause(stage, stage.everyMs);
	}
}

/** @param {Stage} stage @param {Process} one */
async function kill(stage, one) {
	stage.tell('spare');
	stage.tell(`mark ${one.name} killed`);
	one.kill('KILL');
	await one.ended();
	await stage.cluster.startProcess(one);
	stage.tell(`pids ${pidsOf(stage.cluster)}`);
	await sleep(CALM_MS);
	stage.tell('demand');
}

/** @param {Stage} stage @param {number} ms */
export async function pause(stage, ms) {
	for (const until = Date.now() + ms; Date.now() < until && !stage.isOver();)
		await sleep(50);
}

/** @param {Cluster} cluster */
export function pidsOf({ gateways, shards }) {
	return [...gateways, ...shards].flatMap(({ pid }) => (pid ? [pid] : [])).join(',');
}
