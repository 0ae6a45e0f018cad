// SPDX-License-Identifier: Apache-2.0
/**
 * Processes that take only the time that others leave. A kernel with autogroups shares its time between
 * sessions first, and nice(2) counts within one of them only: so each gets a session of its own, and the
 * session is made nice.
 */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';

/** Leaders of such sessions that still run. @type {Set<number>} */
const running = new Set();

/**
 * @param {number} niceness see nice(2); 0: as any other
 * @param {string} program @param {string[]} args @param {import('node:child_process').SpawnOptions} options
 */
export function spawnNice(niceness, program, args, options) {
	const child = spawn(program, args, { ...options, detached: niceness > 0 });
	const { pid } = child;

	if (niceness > 0 && pid) {
		os.setPriority(pid, niceness);
		if (fs.existsSync(`/proc/${pid}/autogroup`))
			fs.writeFileSync(`/proc/${pid}/autogroup`, String(niceness));
		if (running.size === 0)
			for (const signal of signals)
				process.once(signal, end);
		running.add(pid);
		child.once('close', () => running.delete(pid));
	}
	return /** @type {import('node:child_process').ChildProcessWithoutNullStreams} */ (child);
}

/** @type {NodeJS.Signals[]} */
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** The terminal does not reach them. @param {NodeJS.Signals} signal */
function end(signal) {
	for (const pid of running)
		process.kill(-pid, 'SIGKILL');
	process.kill(process.pid, signal);
}
