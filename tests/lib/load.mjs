// SPDX-License-Identifier: Apache-2.0
// Many old clients at work: each casts at a steady pace, each room is published to through the HTTP
// API, and all that anybody is shown goes through the checker. Time is cut into windows, one for each
// thing that is done to the cluster meanwhile; a window's figures say what the clients saw of it.

import { setTimeout as sleep } from 'node:timers/promises';
import { Checker, violations } from './checker.mjs';
import { Histogram } from './histogram.mjs';
import { bearer, request } from './http.mjs';
import { Member } from './member.mjs';

/**
 * @typedef {import('./people.mjs').Seat} Seat
 *
 * @typedef {object} LoadPlan
 * @property {string[]} urls        one for each gateway
 * @property {Seat[]} seats         in the database already
 * @property {number} [castMs]      between two casts of one connection; default 500
 * @property {number} [publishMs]   between two publishes to one room; default 1000
 *
 * @typedef {object} Figures
 * @property {string} name
 * @property {number} ms            length of the window
 * @property {Histogram} delivery   cast: from its sender to each reader
 * @property {Histogram} ack        publish: until the HTTP answer
 * @property {Histogram} arrival    publish: until each reader has it
 * @property {Histogram} lag        how late this process itself was: no figure is better than that
 * @property {number} closed        sockets, for no reason that the window allows
 * @property {number} moved         sockets that a gateway which ends sent elsewhere
 * @property {number} refused       publishes without a good answer, casts answered by an error
 * @property {Record<import('./checker.mjs').Violation, number>} seen
 */

const tickMs = 10;
const joinAtOnce = 20;
const arriveMs = 20_000;

export class Load {
	checker = new Checker();
	/** @type {Member[]} */ members = [];
	/** What happened that must not, in words. @type {string[]} */ remarks = [];
	/** @type {Figures} */ #now;
	#before = this.checker.counts;
	/** Index of the gateway whose sockets may close. @type {number|undefined} */ #ending;
	/** @type {ReturnType<typeof setInterval>|undefined} */ #ticker;
	/** @type {Promise<void>[]} */ #publishers = [];
	#isOver = false;

	/** Call `Load.open()`. @param {LoadPlan} plan */
	constructor({ urls, seats, castMs = 500, publishMs = 1_000 }) {
		this.urls = urls;
		this.castMs = castMs;
		this.publishMs = publishMs;
		this.rooms = [...new Map(seats.map(({ room }) => [room.id, room])).values()];
		this.members = seats.map((seat, i) => new Member(this, seat, (i + Math.floor(i / this.rooms.length)) % urls.length));
		this.#now = this.#window('start');
	}

	/** All have joined, all see each other, and everything flows. @param {LoadPlan} plan */
	static async open(plan) {
		const load = new Load(plan);
		try {
			await load.#joinAll();
		} catch (cause) {
			await load.end();
			throw cause;
		}
		load.#start();
		return load;
	}

	async #joinAll() {
		const queue = this.members.values();
		await Promise.all(Array.from({ length: joinAtOnce }, async () => {
			for (const member of queue)
				await member.join();
		}));
		for (const room of this.rooms) {
			const inside = this.members.filter((member) => member.room.id === room.id);
			await until(() => inside.every((member) => member.shown.size === inside.length), `the ${inside.length} members of ${room.id} see each other`);
			this.checker.settle(room.id, inside.map((member) => member.user.id));
		}
	}

	#start() {
		const perMs = this.members.length / this.castMs;
		const from = performance.now();
		let done = 0;
		let last = from;
		this.#ticker = setInterval(() => {
			const now = performance.now();
			this.#now.lag.add(Math.max(0, now - last - tickMs));
			last = now;
			for (const due = (now - from) * perMs; done < due; done++)
				this.members[done % this.members.length].cast();
		}, tickMs);
		this.#publishers = this.rooms.map((room, i) => this.#publishTo(room, (i * this.publishMs) / this.rooms.length));
	}

	/** One after the other: the next only when the last was answered. @param {import('./client.mjs').Room} room @param {number} phaseMs */
	async #publishTo(room, phaseMs) {
		const stream = `published:${room.id}`;
		const { user } = /** @type {Member} */ (this.members.find((member) => member.room.id === room.id));
		this.checker.begin(room.id, stream);
		await sleep(phaseMs);
		for (let due = performance.now(); !this.#isOver; due += this.publishMs) {
			await sleep(Math.max(0, due - performance.now()));
			const at = performance.now();
			const n = this.checker.say(room.id, stream);
			const why = await this.#publish(room, user.session, { stream, n, at });
			this.#now.ack.add(performance.now() - at);
			if (why === undefined)
				continue;
			this.checker.doubt(room.id, stream, n);
			this.onRefused(`publish ${n} to ${room.id}: ${why}`);
		}
	}

	#asked = 0;

	/** @param {import('./client.mjs').Room} room @param {string} session @param {object} data
	 * @returns {Promise<string|undefined>} what was answered instead of success */
	async #publish(room, session, data) {
		const first = this.#asked++;
		for (let tries = 1; ; tries++) {
			const url = `${this.urls[(first + tries) % this.urls.length]}/api/ws/submissions/${room.id}/broadcast`;
			try {
				const { status, body, json } = await request(url, { method: 'POST', headers: bearer(session), body: JSON.stringify({ type: 'comment_added', data }) });
				return status === 200 && json?.success === true ? undefined : `${status} ${body}`;
			} catch (cause) {
				if (/** @type {NodeJS.ErrnoException} */ (cause).code !== 'ECONNREFUSED' || tries === this.urls.length)
					return /** @type {Error} */ (cause).message;
			}
		}
	}

	/** @param {Member} member @param {{stream: string, n: number, at: number}} data @param {number} seq */
	onHeard(member, { stream, n, at }, seq) {
		this.checker.hear(member.room.id, member.name, stream, n, seq);
		const { arrival, delivery } = this.#now;
		(stream.startsWith('published:') ? arrival : delivery).add(performance.now() - at);
	}

	/** @param {Member} member @param {number} code @param {boolean} isAway */
	onClosed(member, code, isAway) {
		if (isAway && member.gateway === this.#ending) {
			this.#now.moved++;
			return;
		}
		this.#now.closed++;
		this.#remark(`${member.user.id} at gateway ${member.gateway + 1}: closed with ${code}`);
	}

	/** @param {string} what */
	onRefused(what) {
		this.#now.refused++;
		this.#remark(what);
	}

	/** @param {string} what */
	#remark(what) {
		if (this.remarks.length < 20)
			this.remarks.push(`${this.#now.name}: ${what}`);
	}

	/** @param {string} name @returns {Figures} */
	#window(name) {
		return {
			name, ms: performance.now(), closed: 0, moved: 0, refused: 0, seen: this.checker.counts,
			delivery: new Histogram(), ack: new Histogram(), arrival: new Histogram(), lag: new Histogram(),
		};
	}

	/**
	 * What clients see while this is done, and until everybody is in again.
	 * @param {string} name @param {() => Promise<unknown>} act
	 * @param {{ending?: number}} [allowed] index of a gateway that ends: its sockets may close
	 * @returns {Promise<Figures>}
	 */
	async during(name, act, { ending } = {}) {
		this.#ending = ending;
		this.#now.name = name; // it began when the one before was closed: nothing falls between two
		await act();
		await until(() => this.members.every((member) => member.isIn), `all are back after ${name}`);
		return this.#close();
	}

	#close() {
		const figures = this.#now;
		const { counts } = this.checker;
		figures.ms = performance.now() - figures.ms;
		for (const each of violations)
			figures.seen[each] = counts[each] - this.#before[each];
		this.#before = counts;
		this.#ending = undefined;
		this.#now = this.#window('between');
		return figures;
	}

	/** No more is said; what is on its way arrives, all leave. @returns {Promise<Figures>} of the end, with what never arrived */
	async close() {
		this.#now.name = 'the end';
		this.#isOver = true;
		clearInterval(this.#ticker);
		await Promise.all(this.#publishers);
		await until(() => this.checker.isComplete, '').catch(() => {}); // what is missing then is lost
		this.checker.finish();
		const figures = this.#close();
		await this.end();
		return figures;
	}

	/** All leave at once, without an account. */
	async end() {
		this.#isOver = true;
		clearInterval(this.#ticker);
		await Promise.all([...this.#publishers, ...this.members.map((member) => member.leave())]);
	}
}

/** What must be zero, and is not. @param {Figures} figures @returns {string[]} */
export function faults({ name, closed, refused, seen }) {
	return Object.entries({ closed, refused, ...seen }).filter(([, count]) => count !== 0).map(([what, count]) => `${name}: ${count} ${what}`);
}

/** @param {() => boolean} holds @param {string} what */
async function until(holds, what) {
	for (const deadline = Date.now() + arriveMs; !holds(); await sleep(20))
		if (Date.now() > deadline)
			throw new Error(`waited ${arriveMs / 1000} s until ${what}`);
}
