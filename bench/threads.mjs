// SPDX-License-Identifier: Apache-2.0
// What the processes of a cluster take: CPU by what their threads do (the loops, and the I/O threads of ZeroMQ),
// and memory.

import fs from 'node:fs';
import { pause } from './acts.mjs';

/** @typedef {import('../deploy/local/cluster.mjs').Cluster} Cluster */
/** @typedef {Record<'gateway loops' | 'gateway I/O' | 'shard loops' | 'shard I/O', number>} Split */

/** While the load lasts, in us. @param {(split: Split) => void} tell @returns {import('./acts.mjs').Act} */
export function splitOf(tell) {
	return async (stage) => {
		const before = cpuUs(stage.cluster);
		await pause(stage, Infinity);
		const after = cpuUs(stage.cluster);
		tell(/** @type {Split} */ (Object.fromEntries(Object.entries(after).map(([what, us]) => [what, us - before[/** @type {keyof Split} */ (what)]]))));
	};
}

/** What is theirs alone. @param {(number | undefined)[]} pids @returns {number} bytes */
export function memoryOf(pids) {
	return pids.reduce((all, pid) => all + 1024 * Number(/^Pss_Anon:\s+(\d+)/m.exec(fs.readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1]), 0);
}

/** @param {Cluster} cluster @returns {Split} */
function cpuUs({ gateways, shards }) {
	return {
		'gateway loops': sum(gateways, false), 'gateway I/O': sum(gateways, true),
		'shard loops': sum(shards, false), 'shard I/O': sum(shards, true),
	};
}

/** @param {Cluster['gateways']} processes @param {boolean} isOfLibrary */
function sum(processes, isOfLibrary) {
	let us = 0;
	for (const { pid } of processes)
		for (const thread of fs.readdirSync(`/proc/${pid}/task`)) {
			const dir = `/proc/${pid}/task/${thread}`;
			if (fs.readFileSync(`${dir}/comm`, 'utf8').startsWith('ZMQbg') === isOfLibrary)
				us += Number(fs.readFileSync(`${dir}/schedstat`, 'utf8').split(' ')[0]) / 1_000;
		}
	return us;
}
