// SPDX-License-Identifier: Apache-2.0
// CPU time of processes and of the children they have or had, from /proc/PID/stat.

import fs from 'node:fs';

const TICK_US = 10_000; // USER_HZ is 100 on every Linux that we run on

/** @param {(number | undefined)[]} pids @returns {number} us, user and system */
export function cpuUs(pids) {
	let ticks = 0;
	for (const pid of fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number)) {
		const fields = statOf(pid);
		const isNamed = pids.includes(pid);
		if (!fields || !(isNamed || pids.includes(Number(fields[1]))))
			continue;
		const [user, system, endedUser, endedSystem] = fields.slice(11, 15).map(Number);
		ticks += user + system + (isNamed ? endedUser + endedSystem : 0);
	}
	return ticks * TICK_US;
}

/** From the state on. @param {number} pid @returns {string[] | undefined} */
function statOf(pid) {
	try {
		return fs.readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '').split(' ');
	} catch {
		return undefined; // it has just ended
	}
}
