// SPDX-License-Identifier: Apache-2.0
// A clock that stands until it is told to go on, and WebSockets whose other end is the test.

import assert from 'node:assert/strict';
import { createClient } from '../../client/src/index.js';

/** @typedef {{type: string, [member: string]: any}} Message */

export const ann = { id: 'u_ann', name: 'Ann', email: 'ann@example.org' };
export const bo = { id: 'u_bo', name: 'Bo', email: 'bo@example.org' };

/** Everything that was begun by a promise has gone as far as it can. */
export const settled = () => new Promise((resolve) => setImmediate(resolve));

export class FakeClock {
	#now = 1_800_000_000_000;
	/** @type {{at: number, then: () => void}[]} */
	#timers = [];

	now = () => this.#now;

	/** @param {number} ms @param {() => void} then */
	after = (ms, then) => {
		const timer = { at: this.#now + ms, then };
		this.#timers.push(timer);
		return () => {
			this.#timers = this.#timers.filter((one) => one !== timer);
		};
	};

	get pending() {
		return this.#timers.length;
	}

	/** Ms until the first of the timers. */
	get nextIn() {
		return Math.min(...this.#timers.map(({ at }) => at)) - this.#now;
	}

	/** Each timer in its time. @param {number} ms */
	async pass(ms) {
		const until = this.#now + ms;
		for (;;) {
			const next = this.#timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
			if (!next)
				break;
			this.#now = next.at;
			this.#fire(next);
			await settled();
		}
		this.#now = until;
		await settled();
	}

	/** The machine slept: the time is another one, and what was due fires late. @param {number} ms */
	async sleep(ms) {
		this.#now += ms;
		const due = this.#timers.filter(({ at }) => at <= this.#now);
		for (const timer of due)
			this.#fire(timer);
		await settled();
	}

	/** @param {{at: number, then: () => void}} timer */
	#fire(timer) {
		if (!this.#timers.includes(timer))
			return;
		this.#timers = this.#timers.filter((one) => one !== timer);
		timer.then();
	}
}

export class FakeSocket {
	/** @type {any} */ onopen = null;
	/** @type {any} */ onmessage = null;
	/** @type {any} */ onclose = null;
	/** @type {any} */ onerror = null;
	readyState = 0;
	/** @type {Message[]} */ sent = [];
	/** How this side closed it. @type {number | undefined} */ closedWith;
	#read = 0;

	/** @param {string} url @param {string} protocol */
	constructor(url, protocol) {
		this.url = url;
		this.protocol = protocol;
	}

	/** @param {string} text */
	send(text) {
		assert.equal(this.readyState, 1, 'nothing is sent over a socket that is not open');
		this.sent.push(JSON.parse(text));
	}

	/** @param {number} [code] */
	close(code = 1005) {
		this.closedWith ??= code;
		this.readyState = 3;
	}

	/** The other end takes it. */
	open() {
		this.readyState = 1;
		this.onopen?.({});
	}

	/** @param {Message} message */
	say(message) {
		this.onmessage?.({ data: JSON.stringify(message) });
	}

	/** @param {any} data */
	sayRaw(data) {
		this.onmessage?.({ data });
	}

	/** The other end closes it, or the network does. @param {number} [code] */
	drop(code = 1006) {
		this.readyState = 3;
		this.onerror?.({});
		this.onclose?.({ code, reason: '' });
	}

	get isOpen() {
		return this.readyState === 1;
	}

	/** What was sent since the last look. @param {...string} types */
	news(...types) {
		const news = this.sent.slice(this.#read);
		this.#read = this.sent.length;
		return types.length > 0 ? news.filter(({ type }) => types.includes(type)) : news;
	}
}

export class Stage {
	clock = new FakeClock();
	/** @type {FakeSocket[]} */ sockets = [];
	/** Each status, as it came. @type {import('../../client/src/index.js').Status[]} */ statuses = [];
	random = 0.5;
	sessions = 0;

	/** @param {Partial<import('../../client/src/index.js').Options>} [options] */
	constructor(options = {}) {
		const stage = this;
		this.WebSocket = class extends FakeSocket {
			/** @param {string} url @param {string} protocol */
			constructor(url, protocol) {
				super(url, protocol);
				stage.sockets.push(this);
			}
		};
		this.client = createClient({
			url: 'https://rooms.example.org', auth: 'secret-token',
			WebSocket: this.WebSocket, clock: this.clock, random: () => this.random, ...options,
		});
		this.client.on('status', (status) => this.statuses.push(status));
	}

	/** The newest one. */
	get socket() {
		return this.sockets[this.sockets.length - 1];
	}

	get states() {
		return this.statuses.map(({ state }) => state);
	}

	get open() {
		return this.sockets.filter((socket) => socket.isOpen).length;
	}

	/** The newest socket is taken and greeted. @param {Partial<import('../../client/src/link.js').Welcome>} [more] */
	async welcome(more = {}) {
		await settled();
		const { socket } = this;
		if (!socket.isOpen)
			socket.open();
		const [hello] = socket.news('hello');
		assert.ok(hello, 'the first message is hello');
		const resumed = hello.resume !== undefined;
		if (!resumed)
			this.sessions++;
		socket.say({
			type: 'welcome', session: sessionOf(this.sessions), resume: `resume-${this.sockets.length}`, user: ann,
			ping_ms: 30_000, limits: { message: 2_097_152, rate: 200, rooms: 64, pending: 64 }, resumed, ...more,
		});
		await settled();
		return hello;
	}

	/** The newest socket's join of a room is answered. @param {string} room @param {object} [more] */
	async joined(room, more = {}) {
		const [join] = this.socket.news('join').filter((one) => one.room === room);
		assert.ok(join, `${room} is joined`);
		this.socket.say({ type: 'joined', room, seq: join.since ?? 0, role: 'editor', count: 1, members: [member(ann, sessionOf(this.sessions))], ...more });
		await settled();
		return join;
	}

	/** Connected, and in a room. @param {{since?: number, state?: object}} [first] @param {object} [more] of joined */
	async enter(first, more) {
		const room = this.client.join('submission:1', first);
		await this.welcome();
		await this.joined('submission:1', more);
		return room;
	}
}

/** @param {number} i */
export const sessionOf = (i) => String(i).padStart(16, '0');

/** @param {typeof ann} user @param {string} session @param {object} [state] */
export function member(user, session, state = {}) {
	return { ...user, connections: [{ id: session, since: '2026-01-02T03:04:05.678Z', state }] };
}

/** @param {number} seq @param {object} [more] */
export function event(seq, more = {}) {
	return { type: 'event', room: 'submission:1', seq, event: 'comment_added', from: { id: bo.id, name: bo.name, session: 'b0' }, data: { seq }, at: '2026-01-02T03:04:05.678Z', ...more };
}
