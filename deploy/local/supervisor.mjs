// SPDX-License-Identifier: Apache-2.0
/**
 * Keeps a cluster as it was asked to be: what dies is started again under its name and on its ports, at
 * first at once, then more and more slowly while it keeps dying. Also does what a person asks for: end one
 * at random, restart one kind one by one. Says each thing in one line.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe } from './process.mjs';

const PAUSE_FIRST_MS = 100;
const PAUSE_MAX_MS = 5000;
const GOOD_RUN_MS = 10000; // after that long the next death is a first one again

/** @typedef {import('./process.mjs').Process} Process */

export class Supervisor {
	/** @param {import('./cluster.mjs').Cluster} cluster @param {(text: string) => void} say */
	constructor(cluster, say) {
		this.cluster = cluster;
		this.say = say;
		this.stopping = false;
		/** @type {Set<Process>} whose end is wanted just now */
		this.held = new Set();
		/** @type {Map<Process, number>} the pause before the next start */
		this.pauses = new Map();
		/** @type {Map<Process, number>} how often it was started again */
		this.restarts = new Map();
	}

	/** From now on, what ends is started again. */
	watch() {
		for (const one of this.cluster.processes)
			one.on('exit', () => void this.#onExit(one));
	}

	/**
	 * End one process of this kind, chosen at random.
	 * @param {'shard'|'gateway'|'postgres'|'any'} kind @param {string} signal @returns {string} what was done
	 */
	killOne(kind, signal) {
		const choice = this.cluster.processes.filter((one) => one.isRunning && (kind === 'any' || one.kind === kind));
		if (choice.length === 0)
			throw new Error(`no ${kind === 'any' ? 'process' : kind} is running just now`);
		const one = choice[Math.floor(Math.random() * choice.length)];
		const pid = one.pid;
		one.kill(signal);
		return `sent ${signal} to ${one.name} (pid ${pid})`;
	}

	/**
	 * SIGTERM, ready again, then the next.
	 * @param {'shard'|'gateway'} kind @param {(text: string) => void} say
	 */
	async restartAll(kind, say) {
		for (const one of this.cluster.processes.filter((each) => each.kind === kind))
			await this.restartOne(one.name, say);
	}

	/** @param {string} name @param {(text: string) => void} say */
	async restartOne(name, say) {
		const one = this.cluster.processes.find((each) => each.name === name);
		if (!one)
			throw new Error(`there is no process ${name}`);
		const ms = await this.#restart(one);
		say(`${one.name} is ready again (pid ${one.pid}) after ${seconds(ms)}`);
	}

	/** End the whole cluster within a few seconds. */
	async stop() {
		this.stopping = true;
		await this.cluster.end({ hurry: true });
	}

	/** @param {Process} one */
	async #restart(one) {
		this.held.add(one);
		try {
			const ms = await this.cluster.restart(one);
			this.restarts.set(one, (this.restarts.get(one) ?? 0) + 1);
			return ms;
		} finally {
			this.held.delete(one);
			if (!one.isRunning)
				void this.#onExit(one); // it ended while held: from here on that is ours to mend
		}
	}

	/** @param {Process} one */
	async #onExit(one) {
		if (this.stopping || this.held.has(one))
			return;
		const how = describe(one.ending);
		const pause = Date.now() - one.startedAt > GOOD_RUN_MS ? 0 : (this.pauses.get(one) ?? 0);
		this.pauses.set(one, Math.min(Math.max(pause * 2, PAUSE_FIRST_MS), PAUSE_MAX_MS));
		this.say(`${one.name} ended (${how})${pause >= 1000 ? `; starting it again in ${seconds(pause)}` : ''}`);
		await sleep(pause);
		if (!this.stopping && !this.held.has(one) && !one.isRunning)
			await this.#startAgain(one);
	}

	/** @param {Process} one */
	async #startAgain(one) {
		const from = Date.now();
		this.restarts.set(one, (this.restarts.get(one) ?? 0) + 1);
		try {
			await this.cluster.startProcess(one);
			this.say(`${one.name} is ready again (pid ${one.pid}) after ${seconds(Date.now() - from)}`);
		} catch (cause) {
			if (this.stopping)
				return;
			this.say(/** @type {Error} */ (cause).message);
			if (!one.isRunning && one.startedAt < from)
				void this.#onExit(one); // could not even be started: no exit event will come
		}
	}
}

/** @param {number} ms */
export function seconds(ms) {
	return `${(ms / 1000).toFixed(1)} s`;
}
