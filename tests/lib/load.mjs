// SPDX-License-Identifier: Apache-2.0
// Many old clients at work: each casts at a steady pace, each room is published to through the HTTP
// API, all that anybody is shown goes through the checker, and all that was answered is held against the
// table of events. Time is cut into windows, one for each thing that is done to the cluster meanwhile; a
// window's figures say what the clients saw of it, and a window can say what may happen in it.

import { setTimeout as sleep } from 'node:timers/promises';
import { Checker, violations } from './checker.mjs';
import { Histogram } from './histogram.mjs';
import { bearer, request } from './http.mjs';
import { Ledger, readEvents } from './ledger.mjs';
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
 * @typedef {object} Allowed      what is no fault in a window; all else is
 * @property {number} [ending]      index of a gateway: it may send its sockets elsewhere
 * @property {boolean} [casts]      may be lost
 * @property {boolean} [refusals]   publishes may be refused, as to be tried again; such a one arrives at all or at none
 * @property {Set<string>} [rooms]  ids: only in these; default in all
 *
 * @typedef {object} Figures
 * @property {string} name
 * @property {number} ms            length of the window
 * @property {Histogram} delivery   cast: from its sender to each reader
 * @property {Histogram} ack        publish: until the HTTP answer
 * @property {Histogram} arrival    publish: until each reader has it
 * @property {Histogram} lag        how late this process itself was: no figure is better than that
 * @property {number} stall         ms: the longest time in which a member heard nothing
 * @property {number} closed        sockets, for no reason that the window allows
 * @property {number} moved         sockets that a gateway sent elsewhere, where it may
 * @property {number} refused       publishes without a good answer, casts answered by an error
 * @property {number} deferred      publishes that were refused where they may be
 * @property {number} spared        casts that did not come where they need not, counted for each reader
 * @property {Record<import('./checker.mjs').Violation, number>} seen
 */

const tickMs = 10;
const joinAtOnce = 20;
const arriveMs = 20_000;
/** As an owner is asked for in vain: a later try may go well. */
const again = { status: 500, body: '{"error":"Failed to broadcast message"}' };

export class Load {
	checker = new Checker();
	ledger = new Ledger();
	/** @type {Member[]} */ members = [];
	/** What happened that must not, in words. @type {string[]} */ remarks = [];
	/** @type {Figures} */ #now;
	#before = { ...this.checker.counts, spared: 0 };
	/** @type {Allowed} */ #allowed = {};
	/** When the last publish that was acknowledged was said, by room. @type {Map<string, number>} */ #acked = new Map();
	/** Rooms whose publish is not answered. @type {Set<string>} */ #waiting = new Set();
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
		this.members.forEach((member) => (member.heardAt = from));
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
		this.ledger.watch(keyOf(room));
		await sleep(phaseMs);
		for (let due = performance.now(); !this.#isOver; due += this.publishMs) {
			await sleep(Math.max(0, due - performance.now()));
			const n = this.checker.say(room.id, stream);
			this.ledger.say(keyOf(room), stream, n);
			await this.#publish(room, user.session, { stream, n, at: performance.now() });
		}
	}

	/** @param {import('./client.mjs').Room} room @param {string} session @param {{stream: string, n: number, at: number}} data */
	async #publish(room, session, data) {
		const { stream, n, at } = data;
		const mayRefuse = this.#allows('refusals', room);
		this.#waiting.add(room.id);
		const { isDone, isAgain, what } = await this.#ask(room, session, data);
		this.#waiting.delete(room.id);
		this.#now.ack.add(performance.now() - at);
		if (isDone) {
			this.ledger.ack(keyOf(room), stream, n);
			this.#acked.set(room.id, at);
			return;
		}
		this.ledger.refuse(keyOf(room), stream, n);
		this.checker.doubt(room.id, stream, n);
		if (isAgain && (mayRefuse || this.#allows('refusals', room)))
			this.#now.deferred++;
		else
			this.onRefused(`publish ${n} to ${room.id}: ${what}`);
	}

	/** Through the gateways in turn; one that does not listen was not asked. @param {import('./client.mjs').Room} room
	 * @param {string} session @param {{n: number}} data @returns {Promise<{isDone?: boolean, isAgain?: boolean, what: string}>} */
	async #ask(room, session, data) {
		for (let tries = 0; ; tries++) {
			const url = `${this.urls[(data.n + tries) % this.urls.length]}/api/ws/submissions/${room.id}/broadcast`;
			try {
				const { status, body, json } = await request(url, { method: 'POST', headers: bearer(session), body: JSON.stringify({ type: 'comment_added', data }) });
				return {
					isDone: status === 200 && json?.success === true, isAgain: status === again.status && body === again.body,
					what: `${status} ${body}`,
				};
			} catch (cause) {
				if (/** @type {NodeJS.ErrnoException} */ (cause).code !== 'ECONNREFUSED' || tries === this.urls.length - 1)
					return { what: /** @type {Error} */ (cause).message };
			}
		}
	}

	/** @param {keyof Allowed} what @param {import('./client.mjs').Room} room */
	#allows(what, room) {
		const { rooms, [what]: isAllowed } = this.#allowed;
		return isAllowed !== undefined && isAllowed !== false && (rooms?.has(room.id) ?? true);
	}

	/** @param {Member} member @param {{stream: string, n: number, at: number}} data @param {number} seq */
	onHeard(member, { stream, n, at }, seq) {
		this.checker.hear(member.room.id, member.name, stream, n, seq);
		const { arrival, delivery } = this.#now;
		const now = performance.now();
		const isPublished = stream.startsWith('published:');
		(isPublished ? arrival : delivery).add(now - at);
		if (isPublished)
			this.ledger.show(keyOf(member.room), stream, n);
		this.#now.stall = Math.max(this.#now.stall, now - member.heardAt);
		member.heardAt = now;
		member.heardSaidAt = Math.max(member.heardSaidAt, at);
	}

	/** @param {Member} member @param {number} code @param {boolean} isAway */
	onClosed(member, code, isAway) {
		if (isAway && member.gateway === this.#allowed.ending && this.#allows('ending', member.room)) {
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

	/** What happened that must not, as far as it is known, in words. */
	get evidence() {
		return [...this.remarks, ...this.checker.examples, ...this.checker.losses].join('\n');
	}

	/** @param {string} name @returns {Figures} */
	#window(name) {
		return {
			name, ms: performance.now(), stall: 0, closed: 0, moved: 0, refused: 0, deferred: 0, spared: 0, seen: this.checker.counts,
			delivery: new Histogram(), ack: new Histogram(), arrival: new Histogram(), lag: new Histogram(),
		};
	}

	/**
	 * What clients see while this is done, and until everybody is in again.
	 * @param {string} name @param {() => Promise<unknown>} act @param {Allowed} [allowed]
	 * @returns {Promise<Figures>}
	 */
	async during(name, act, allowed = {}) {
		this.#allowed = allowed;
		this.#now.name = name; // it began when the one before was closed: nothing falls between two
		if (allowed.casts)
			this.#concerned(allowed.rooms).forEach((id) => this.checker.spare(id));
		await act();
		await until(() => this.members.every((member) => member.isIn), `all are back after ${name}`);
		if (allowed.casts) {
			this.#concerned().forEach((id) => this.checker.demand(id));
			await sleep(1.5 * this.castMs); // each says one more, so that it shows what was passed over
		}
		return this.#close();
	}

	/** Rooms answer: in each, something that is said from now on is acknowledged, and heard by each member.
	 * @param {Set<string>} [rooms] ids; default all */
	async flows(rooms) {
		const from = performance.now();
		const concerned = this.#concerned(rooms);
		const inside = this.members.filter((member) => concerned.has(member.room.id));
		await until(() => [...concerned].every((id) => (this.#acked.get(id) ?? 0) > from), 'publishes are acknowledged');
		await until(() => inside.every((member) => member.heardSaidAt > from), 'casts are heard');
	}

	/** How many publishes to these rooms are not answered. @param {Set<string>} rooms ids */
	waiting(rooms) {
		return [...rooms].filter((id) => this.#waiting.has(id)).length;
	}

	/** @param {Set<string>} [rooms] */
	#concerned(rooms) {
		return rooms ?? new Set(this.rooms.map(({ id }) => id));
	}

	#close() {
		const figures = this.#now;
		const now = performance.now();
		const { counts, spared } = this.checker;
		figures.ms = now - figures.ms;
		figures.stall = Math.max(figures.stall, ...this.members.map((member) => now - member.heardAt));
		figures.spared = spared - this.#before.spared;
		for (const each of violations)
			figures.seen[each] = counts[each] - this.#before[each];
		this.#before = { ...counts, spared };
		this.#allowed = {};
		this.#now = this.#window('between');
		return figures;
	}

	/** Once all is said, and has arrived: what is in the table. @param {(text: string) => Promise<Record<string, string|null>[]>} sql */
	async audit(sql) {
		return this.ledger.audit(await readEvents(sql, this.ledger.rooms));
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

/** @param {import('./client.mjs').Room} room */
const keyOf = ({ kind, id }) => `${kind}:${id}`;

/** @param {() => boolean} holds @param {string} what */
async function until(holds, what) {
	for (const deadline = Date.now() + arriveMs; !holds(); await sleep(20))
		if (Date.now() > deadline)
			throw new Error(`waited ${arriveMs / 1000} s until ${what}`);
}
