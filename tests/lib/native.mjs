// SPDX-License-Identifier: Apache-2.0
// One native client of a test: speaks moot.v1 as docs/protocol.md says a client must, across
// connections: resumes, re-sends what was not acknowledged in order, applies each event once. Keeps
// everything it was told. Every wait has a deadline.

import { once } from 'node:events';
import WebSocket from 'ws';

/** @typedef {import('./world.mjs').User} User */
/** @typedef {{type: string, text: string, at: number, [key: string]: any}} Told */
/** @typedef {string | ((message: any) => boolean)} Wanted */

const waitMs = 8_000;

export class Native {
	/** @type {Told[]} over all connections */ told = [];
	/** @type {Set<() => void>} */ #waiting = new Set();
	/** @type {Map<string, {last: number | undefined, seqs: number[]}>} */ rooms = new Map();
	/** @type {Map<number, {room: string, event: string, data: unknown, base?: number, resolve: (seq: number) => void, reject: (why: Error) => void}>} */ pending = new Map();
	/** @type {Set<string>} rooms joined over this connection */ #entered = new Set();
	#n = 0;
	#read = 0;
	/** @type {string[]} what a client must never see */ faults = [];
	/** Each event once, in order. @type {(event: Told) => void} */ onEvent = () => {};

	/** @param {User} user @param {{keeps?: (message: Told) => boolean}} [how] what is kept in `told`; default all */
	constructor(user, { keeps = () => true } = {}) {
		this.user = user;
		this.keeps = keeps;
	}

	/** Connect and say hello; rooms of before are joined again. @param {string} base @returns {Promise<Told>} the welcome */
	async connect(base) {
		const socket = new WebSocket(`${base.replace(/^http/, 'ws')}/v1/ws`, 'moot.v1', { perMessageDeflate: false, maxPayload: 64 << 20 });
		socket.on('error', () => {}); // its close tells
		const from = this.told.length;
		socket.on('message', (data) => this.#take(socket, data.toString()));
		const closed = new Promise((resolve) => socket.once('close', (code, reason) => {
			resolve({ code, reason: reason.toString() });
			this.#wake();
		}));
		await Promise.race([once(socket, 'open'), closed.then(({ code }) => Promise.reject(new Error(`closed with ${code} before it was open`)))]);
		this.socket = socket;
		this.#entered.clear();
		/** @type {Promise<{code: number, reason: string}>} */
		this.closed = closed;
		this.send({ type: 'hello', token: this.user.session, resume: this.resume });
		const welcomed = this.#until(() => this.told.slice(from).some(({ type }) => type === 'welcome'), waitMs, () => 'welcome');
		welcomed.catch(() => {}); // when it is closed first, that is what is said
		await Promise.race([welcomed, closed.then(({ code }) => Promise.reject(new Error(`closed with ${code} before it was welcomed`)))]);
		const welcome = /** @type {Told} */ (this.told.slice(from).find(({ type }) => type === 'welcome'));
		this.resume = welcome.resume;
		this.session = welcome.session;
		for (const [room, { last }] of this.rooms)
			this.send({ type: 'join', room, since: last });
		return welcome;
	}

	/** @param {string} base @param {User} user */
	static async open(base, user) {
		const client = new Native(user);
		await client.connect(base);
		return client;
	}

	/** @param {string} room @param {{since?: number, state?: object}} [how] @returns {Promise<Told>} joined */
	async join(room, how = {}) {
		this.rooms.set(room, { last: how.since, seqs: [] });
		const from = this.told.length;
		this.send({ type: 'join', room, ...how });
		const is = (/** @type {Told} */ message) => message.room === room && (message.type === 'joined' || message.type === 'refused');
		await this.#until(() => this.told.slice(from).some(is), waitMs, () => `joined of ${room}`);
		const answer = /** @type {Told} */ (this.told.slice(from).find(is));
		if (answer.type === 'refused')
			this.rooms.delete(room);
		return answer;
	}

	/** Stored for sure when this resolves. @param {string} room @param {string} event @param {unknown} data @param {{base?: number}} [how] @returns {Promise<number>} its seq */
	publish(room, event, data, how = {}) {
		const n = ++this.#n;
		return new Promise((resolve, reject) => {
			this.pending.set(n, { room, event, data, ...how, resolve, reject });
			this.#send(n);
		});
	}

	get published() {
		return this.#n;
	}

	/** @param {number} n */
	#send(n) {
		const { room, event, data, base } = /** @type {any} */ (this.pending.get(n));
		if (this.isOpen && this.#entered.has(room)) // else when it has joined
			this.send({ type: 'publish', room, n, event, data, base });
	}

	/** In order. @param {string} [room] default all */
	#resend(room) {
		for (const [n, one] of [...this.pending].sort(([a], [b]) => a - b))
			if (!room || one.room === room)
				this.#send(n);
	}

	/** @param {object} message */
	send(message) {
		this.socket?.send(JSON.stringify(message));
	}

	/** @param {WebSocket} socket @param {string} text */
	#take(socket, text) {
		const message = JSON.parse(text);
		Object.defineProperty(message, 'text', { value: text });
		Object.defineProperty(message, 'at', { value: Date.now() });
		if (this.keeps(message))
			this.told.push(message);
		if (socket === this.socket)
			this.#act(message);
		this.#wake();
	}

	/** @param {Told} message */
	#act(message) {
		const { type, room, n, seq } = message;
		if (type === 'joined') {
			const place = this.rooms.get(room);
			if (place && place.last === undefined)
				place.last = seq ?? 0;
			if (place && message.gap)
				place.last = message.gap.to;
			this.#entered.add(room);
			this.#resend(room);
		} else if (type === 'event') {
			const place = this.rooms.get(room);
			if (place && place.last !== undefined && seq !== place.last + 1)
				this.faults.push(`${this.user.id}: ${room} ${seq} after ${place.last}`);
			if (place)
				place.last = seq;
			place?.seqs.push(seq);
			this.onEvent(message);
		} else if (type === 'ack') {
			this.pending.get(n)?.resolve(seq);
			this.pending.delete(n);
		} else if (type === 'refused' && n && this.pending.has(n)) {
			this.#refused(message);
		} else if (type === 'refused' && message.request === 'join' && message.retry_after_ms !== undefined) {
			const { socket } = this;
			setTimeout(() => this.#rejoin(socket, room), message.retry_after_ms);
		}
	}

	/** Over the same connection, with the last event that is known by then. @param {WebSocket | undefined} socket @param {string} room */
	#rejoin(socket, room) {
		const place = this.rooms.get(room);
		if (place && socket === this.socket && this.isOpen)
			this.send({ type: 'join', room, since: place.last });
	}

	/** @param {Told} message */
	#refused({ n, code, retry_after_ms: ms, seq, data }) {
		if (ms === undefined) {
			this.pending.get(n)?.reject(Object.assign(new Error(code), { code, seq, data }));
			this.pending.delete(n);
			return;
		}
		clearTimeout(this.again); // all that is owed goes again, in order
		this.again = setTimeout(() => this.#resend(), ms);
	}

	#wake() {
		for (const wake of this.#waiting)
			wake();
	}

	/** The next message that has not been read; those before it count as read. @param {Wanted} wanted @param {number} [ms] @returns {Promise<Told>} */
	async next(wanted, ms = waitMs) {
		const is = typeof wanted === 'string' ? (/** @type {Told} */ { type }) => type === wanted : wanted;
		await this.#until(() => this.told.slice(this.#read).some(is), ms, () => String(wanted));
		const found = this.told.findIndex((message, i) => i >= this.#read && is(message));
		this.#read = found + 1;
		return this.told[found];
	}

	/** @param {() => boolean} condition @param {string} what @param {number} [ms] */
	until(condition, what, ms = waitMs) {
		return this.#until(condition, ms, () => what);
	}

	/** @param {() => boolean} condition @param {number} ms @param {() => string} what */
	async #until(condition, ms, what) {
		const deadline = Date.now() + ms;
		while (!condition()) {
			const left = deadline - Date.now();
			if (left <= 0) {
				const tail = this.told.slice(-8).map(({ text }) => text.slice(0, 200)).join('\n  ');
				throw new Error(`${this.user.id}: no ${what()} in ${ms} ms; the last messages were\n  ${tail}`);
			}
			await new Promise((resolve) => {
				const timer = setTimeout(done, left);
				const waiting = this.#waiting;
				waiting.add(done);
				function done() {
					clearTimeout(timer);
					waiting.delete(done);
					resolve(undefined);
				}
			});
		}
	}

	/** From here on `next` and `unread` see only what comes later. */
	mark() {
		this.#read = this.told.length;
	}

	/** @param {...string} types */
	unread(...types) {
		const rest = this.told.slice(this.#read);
		return types.length ? rest.filter(({ type }) => types.includes(type)) : rest;
	}

	/** Everything sent before this has been read when it returns. */
	async settled() {
		const pongs = () => this.told.filter(({ type }) => type === 'pong').length;
		const before = pongs();
		this.send({ type: 'ping' });
		await this.until(() => pongs() > before, 'pong');
	}

	get isOpen() {
		return this.socket?.readyState === WebSocket.OPEN;
	}

	/** A clean end. */
	async leave() {
		clearTimeout(this.again);
		this.socket?.close(1000);
		return this.closed;
	}

	/** No close frame. */
	async vanish() {
		clearTimeout(this.again);
		this.socket?.terminate();
		return this.closed;
	}
}
