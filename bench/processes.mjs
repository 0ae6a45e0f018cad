// SPDX-License-Identifier: Apache-2.0
// What processes take, from /proc: memory, and CPU by what their threads do (the loops, and the I/O threads of
// ZeroMQ). server_cpu.mjs counts whole families of them, in ticks.

import fs from 'node:fs';
import { pause } from './acts.mjs';

/** @typedef {import('../deploy/local/cluster.mjs').Cluster} Cluster */
/** @typedef {Record<'gateway loops' | 'gateway I/O' | 'shard loops' | 'shard I/O', number>} Split */
/** @typedef {(number | undefined)[]} Pids */

/** What is theirs alone. @param {Pids} pids @returns {number} bytes */
export function memoryOf(pids) {
	return pids.reduce((all, pid) => all + 1024 * Number(/^Pss_Anon:\s+(\d+)/m.exec(fs.readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1]), 0);
}

/** Of those threads. @param {Pids} pids @param {(thread: string) => boolean} [isOne] by its name @returns {number} us, user and system */
export function threadsUs(pids, isOne = () => true) {
	let us = 0;
	for (const pid of pids)
		for (const thread of fs.readdirSync(`/proc/${pid}/task`)) {
			const dir = `/proc/${pid}/task/${thread}`;
			if (isOne(fs.readFileSync(`${dir}/comm`, 'utf8')))
				us += Number(fs.readFileSync(`${dir}/schedstat`, 'utf8').split(' ')[0]) / 1_000;
		}
	return us;
}

/** While the load lasts, in us. @param {(split: Split) => void} tell @returns {import('./acts.mjs').Act} */
export function splitOf(tell) {
	return async (stage) => {
		const before = split(stage.cluster);
		await pause(stage, Infinity);
		const after = split(stage.cluster);
		tell(/** @type {Split} */ (Object.fromEntries(Object.entries(after).map(([what, us]) => [what, us - before[/** @type {keyof Split} */ (what)]]))));
	};
}

/** @param {Cluster} cluster @returns {Split} */
function split({ gateways, shards }) {
	const isOfLibrary = (/** @type {string} */ name) => name.startsWith('ZMQbg');
	const isLoop = (/** @type {string} */ name) => !isOfLibrary(name);
	const [ofGateways, ofShards] = [gateways, shards].map((all) => all.map(({ pid }) => pid));
	return {
		'gateway loops': threadsUs(ofGateways, isLoop), 'gateway I/O': threadsUs(ofGateways, isOfLibrary),
		'shard loops': threadsUs(ofShards, isLoop), 'shard I/O': threadsUs(ofShards, isOfLibrary),
	};
}
