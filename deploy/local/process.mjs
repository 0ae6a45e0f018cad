// SPDX-License-Identifier: Apache-2.0
/**
 * One process of the cluster: started with a log file of its own, known to be ready by an HTTP
 * answer, ended by a signal, and able to say whether its end was asked for. It can be started again:
 * same name, same settings, same log. It never outlives the node process that started it.
 */
import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * @typedef {object} ProcessPlan
 * @property {string} name                    'gateway-1', 'shard-2', 'postgres'
 * @property {'gateway'|'shard'|'postgres'|'rival'} kind
 * @property {string[]} command               program and arguments
 * @property {Record<string,string>} [env]    added to a small environment, not to ours
 * @property {string} log                     file; appended to
 * @property {string} [readyUrl]              answers 200 once the process is ready
 * @property {string} [user]                  run as this system user (only root can)
 * @property {string} [orphanSignal]          sent by the kernel when we die: default KILL
 * @property {Record<string,number>} [ports]  what it listens on, for display
 */

/**
 * @typedef {{code: number|null, signal: string|null, sent: string|undefined, allowed?: number}} Ending
 *   sent: our signal; allowed: the exit code it was expected to end with by itself
 */

export class Process extends EventEmitter {
	/** @param {ProcessPlan} plan */
	constructor(plan) {
		super();
		this.plan = plan;
		this.name = plan.name;
		this.kind = plan.kind;
		/** @type {number|undefined} of the running process */
		this.pid = undefined;
		/** @type {Ending[]} of every run so far, oldest first */
		this.endings = [];
		this.startedAt = 0;
		/** @type {import('node:child_process').ChildProcess|undefined} */
		this.child = undefined;
		/** @type {string|undefined} the signal we sent to end this run */
		this.sent = undefined;
		/** @type {number|undefined} ending by itself with this code is not a crash */
		this.allowed = undefined;
	}

	get isRunning() {
		return this.pid !== undefined;
	}

	get ending() {
		return this.endings[this.endings.length - 1];
	}

	/** Start it; resolves when the kernel has accepted the program, see `ready()`. */
	async start() {
		if (this.isRunning)
			throw new Error(`${this.name} is already running (pid ${this.pid})`);
		const log = fs.openSync(this.plan.log, 'a', 0o644);
		const [program, ...args] = wrap(this.plan);
		const child = spawn(program, args, {
			env: { ...inheritedEnv(), ...this.plan.env },
			cwd: '/', // a name in a message must not depend on who started us
			stdio: ['ignore', log, log],
			detached: true, // its own process group: Ctrl-C reaches only us, and we end it in order
		});
		fs.closeSync(log);
		this.child = child;
		this.sent = this.allowed = undefined;
		this.startedAt = Date.now();
		child.once('exit', (code, signal) => this.#onExit(code, signal));
		await once(child, 'spawn').catch((cause) => {
			throw new Error(`cannot start ${this.name} (${program}): ${cause.message}`);
		});
		this.pid = child.pid;
		if (child.exitCode !== null || child.signalCode !== null)
			this.pid = undefined;
	}

	/** Wait until it answers 200. Throws when it ends first or takes longer. @param {number} [ms] */
	async ready(ms = 15000) {
		const deadline = Date.now() + ms;
		for (let pause = 5; ; pause = Math.min(pause * 1.5, 50)) {
			if (!this.isRunning)
				throw new Error(`${this.name} ended before it was ready (${describe(this.ending)}): ${this.lastWords()}`);
			if (await answers(this.plan.readyUrl))
				return;
			if (Date.now() > deadline)
				throw new Error(`${this.name} was not ready after ${ms / 1000} s: ${this.lastWords()}`);
			await sleep(pause);
		}
	}

	/** Send a signal. @param {string} [signal] without "SIG" */
	kill(signal = 'KILL') {
		if (this.pid === undefined)
			throw new Error(`${this.name} is not running`);
		if (signal !== 'STOP' && signal !== 'CONT')
			this.sent = signal;
		try {
			process.kill(this.pid, /** @type {NodeJS.Signals} */ (`SIG${signal}`));
		} catch (cause) {
			if (/** @type {NodeJS.ErrnoException} */ (cause).code !== 'ESRCH')
				throw cause; // ESRCH: it has just ended by itself, its exit event is on the way
		}
	}

	/** Freeze it as a machine under load would; `resume()` thaws it. */
	pause() {
		this.kill('STOP');
	}

	resume() {
		this.kill('CONT');
	}

	/** Resolves with how it ended; at once if it is not running. @returns {Promise<Ending>} */
	async ended() {
		if (this.isRunning)
			await once(this, 'exit');
		return this.ending;
	}

	/**
	 * Ask it to end: `signal`, the same once more after `againMs` ("now, please"), KILL after `graceMs`.
	 * @param {{signal?: string, againMs?: number, graceMs?: number}} [how]
	 * @returns {Promise<Ending>}
	 */
	async stop({ signal = 'TERM', againMs = 60000, graceMs = 70000 } = {}) {
		if (!this.isRunning)
			return this.ending;
		const pid = this.pid;
		const send = (/** @type {string} */ s) => this.pid === pid && this.kill(s);
		send(signal);
		send('CONT');
		const again = setTimeout(send, againMs, signal);
		const force = setTimeout(send, graceMs, 'KILL');
		await this.ended();
		clearTimeout(again);
		clearTimeout(force);
		return this.ending;
	}

	/** The end of its log on one line, for a message. @param {number} [lines] */
	lastWords(lines = 3) {
		const text = fs.existsSync(this.plan.log) ? fs.readFileSync(this.plan.log, 'utf8') : '';
		const tail = text.trimEnd().split('\n').slice(-lines).join(' | ');
		return tail || `nothing in ${this.plan.log}`;
	}

	/** @param {number|null} code @param {string|null} signal */
	#onExit(code, signal) {
		this.pid = undefined;
		this.endings.push({ code, signal, sent: this.sent, allowed: this.allowed });
		this.emit('exit', this.ending);
	}
}

/** Did it end the way it was told to? @param {Ending} ending */
export function endedWell({ code, signal, sent, allowed }) {
	if (allowed !== undefined && code === allowed)
		return true;
	if (sent === 'TERM' || sent === 'INT')
		return code === 0;
	return sent !== undefined && signal === `SIG${sent}`;
}

/** @param {Ending} ending @returns {string} */
export function describe(ending) {
	return ending.signal ? `killed by ${ending.signal}` : `exit code ${ending.code}`;
}

/** Through setpriv: the kernel then ends the process should we die without a word. @param {ProcessPlan} plan */
function wrap(plan) {
	const as = plan.user ? [`--reuid=${plan.user}`, `--regid=${plan.user}`, '--init-groups'] : [];
	return ['setpriv', ...as, `--pdeathsig=${plan.orphanSignal ?? 'KILL'}`, '--', ...plan.command];
}

/** What every process may inherit; MOOT_* of the caller must not leak into a cluster. */
function inheritedEnv() {
	/** @type {Record<string,string>} */
	const env = { LC_ALL: 'C.UTF-8' };
	for (const name of ['PATH', 'HOME', 'TMPDIR', 'ASAN_OPTIONS', 'UBSAN_OPTIONS', 'LSAN_OPTIONS'])
		if (process.env[name] !== undefined)
			env[name] = /** @type {string} */ (process.env[name]);
	return env;
}

/** @param {string|undefined} url */
async function answers(url) {
	if (!url)
		return true;
	try {
		const response = await fetch(url, { signal: AbortSignal.timeout(1000) });
		await response.arrayBuffer();
		return response.status === 200;
	} catch {
		return false;
	}
}
