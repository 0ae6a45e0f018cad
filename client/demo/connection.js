// SPDX-License-Identifier: Apache-2.0
// One connection to one room that keeps itself up: checks the session, opens the socket, watches it
// by pings, and tries again for ever with growing, jittered pauses. Its state is the only source of
// the status shown. Does not know the page.

import { closes } from './protocol.js';
import { askRoom, askSession, message, readUser, shownUrl, socketUrl } from './wire.js';

/** @typedef {import('./wire.js').Target} Target */
/** @typedef {import('./wire.js').User} User */
/** @typedef {'idle' | 'checking' | 'opening' | 'open' | 'unsteady' | 'waiting' | 'expired' | 'refused'} State */

/** Which state may follow which: everything else is a bug of this file.
 * @type {Record<State, readonly State[]>} */
const moves = {
	idle: ['checking'],
	checking: ['opening', 'waiting', 'expired', 'refused', 'idle'],
	opening: ['open', 'checking', 'waiting', 'refused', 'expired', 'idle'],
	open: ['unsteady', 'waiting', 'checking', 'expired', 'refused', 'idle'],
	unsteady: ['open', 'waiting', 'checking', 'expired', 'refused', 'idle'],
	waiting: ['checking', 'idle'],
	expired: ['checking', 'idle'],
	refused: ['checking', 'idle'],
};

const pingEveryMs = 20_000;
const pongWithinMs = 5_000;
const openWithinMs = 10_000;
const missesAllowed = 2;
const pauseFirstMs = 500;
const pauseMaxMs = 10_000;

export class Connection extends EventTarget {
	/** @type {State} */ state = 'idle';
	/** @type {string} one short sentence beside the state */ why = '';
	/** @type {Target | null} */ target = null;
	/** @type {User | null} */ user = null;
	/** @type {Date | null} */ since = null;
	lastType = '';
	/** @type {number | null} */ lastSeq = null;
	missed = 0;
	attempts = 0;

	/** @type {WebSocket | null} */ #socket = null;
	/** Grows with every attempt: events of an older socket are not ours any more. */
	#attempt = 0;
	/** @type {Record<string, ReturnType<typeof setTimeout> | undefined>} */ #timers = {};

	constructor() {
		super();
		addEventListener('online', () => this.#hurry());
		addEventListener('offline', () => this.#doubt('this device is offline'));
		document.addEventListener('visibilitychange', () => document.hidden || this.#hurry());
	}

	/** Enter `target`'s room, leaving any other. @param {Target} target */
	connect(target) {
		this.disconnect();
		this.target = target;
		this.user = null;
		this.#check();
	}

	disconnect() {
		this.attempts = 0;
		this.#drop(1000, 'leaving');
		if (this.state !== 'idle')
			this.#move('idle');
	}

	/** Give up the socket as a dead one is given up, and connect again. */
	reconnect() {
		if (!this.target)
			return;
		this.attempts = 0;
		this.#drop(1000, 'Stale connection detected');
		this.#check();
	}

	/** False when there is no open socket: nothing is queued, so nothing stale is sent later.
	 * @param {string} type @param {{[key: string]: unknown}} [more] */
	send(type, more) {
		if (!this.target || !this.user || this.#socket?.readyState !== WebSocket.OPEN)
			return false;
		const text = JSON.stringify(message(this.target, this.user, type, more));
		this.#socket.send(text);
		this.#emit('sent', text);
		return true;
	}

	get readyState() {
		return ['CONNECTING', 'OPEN', 'CLOSING', 'CLOSED'][this.#socket?.readyState ?? 3];
	}

	get url() {
		return this.target ? shownUrl(this.target) : '';
	}

	async #check() {
		const target = /** @type {Target} */ (this.target);
		const attempt = ++this.#attempt;
		this.#move('checking', 'asking who you are');
		try {
			const answer = await askSession(target);
			if (attempt !== this.#attempt)
				return;
			if (answer.status === 404 || answer.status === 400 || answer.status === 401)
				return this.#move('expired', 'sign in again');
			if (!answer.ok)
				return this.#wait(`the server answered ${answer.status}`);
			this.user = readUser(await answer.json());
		} catch {
			// Not reaching the server says nothing about the session: only the server's word ends it.
			if (attempt === this.#attempt)
				this.#wait('the server cannot be reached');
			return;
		}
		if (attempt === this.#attempt)
			this.#open(attempt);
	}

	/** @param {number} attempt */
	#open(attempt) {
		const mine = () => attempt === this.#attempt;
		this.#move('opening', 'opening the socket');
		const socket = new WebSocket(socketUrl(/** @type {Target} */ (this.target), /** @type {User} */ (this.user)));
		this.#socket = socket;
		this.#after('open', openWithinMs, () => this.#lost('the server did not answer in time'));
		socket.onopen = () => mine() && this.#opened();
		socket.onmessage = (event) => mine() && this.#received(event.data);
		socket.onclose = (event) => mine() && this.#closed(event);
	}

	#opened() {
		clearTimeout(this.#timers.open);
		this.attempts = 0;
		this.missed = 0;
		this.since = new Date();
		this.#move('open');
		this.#after('ping', pingEveryMs, () => this.#ping());
	}

	/** @param {string} text */
	#received(text) {
		let received;
		try {
			received = JSON.parse(text);
		} catch {
			received = { type: 'unreadable' };
		}
		this.lastType = String(received.type);
		if (Number.isSafeInteger(received.seq))
			this.lastSeq = received.seq;
		this.#alive();
		this.#emit('received', { text, message: received });
		if (received.type === 'ping')
			this.send('pong');
	}

	/** Any message proves life, a pong is only the one we can ask for. */
	#alive() {
		clearTimeout(this.#timers.pong);
		this.missed = 0;
		if (this.state === 'unsteady')
			this.#move('open');
		this.#after('ping', pingEveryMs, () => this.#ping());
	}

	#ping() {
		if (!this.send('ping'))
			return;
		this.#after('pong', pongWithinMs, () => {
			this.missed++;
			if (this.missed >= missesAllowed)
				return this.#lost('the server stopped answering');
			this.#doubt('no answer to a ping');
			this.#ping();
		});
	}

	/** @param {CloseEvent} event */
	#closed(event) {
		const wasOpen = this.state === 'open' || this.state === 'unsteady';
		const said = closes[event.code];
		if (said?.errors.includes('NO_SESSION'))
			return this.#end('expired', event.reason || 'sign in again');
		if (said && !said.retryable && event.code >= 4400) // 1xxx end a socket, 44xx a right
			return this.#end('refused', event.reason || `closed with ${event.code}`);
		if (wasOpen || event.code !== 1006)
			return this.#lost(event.reason || `closed with ${event.code}`);
		this.#askWhy();
	}

	/** A browser is not told why an upgrade was refused; the room's REST answer has the same rule. */
	async #askWhy() {
		const attempt = this.#attempt;
		try {
			const answer = await askRoom(/** @type {Target} */ (this.target));
			const said = (await answer.json().catch(() => ({}))).error;
			if (attempt !== this.#attempt)
				return;
			if (answer.status === 403 || answer.status === 404 || answer.status === 400)
				return this.#end('refused', said || `the server answered ${answer.status}`);
		} catch {
			// falls through: the server is away, which is no refusal
		}
		if (attempt === this.#attempt)
			this.#lost('the server refused the socket');
	}

	/** @param {string} why */
	#lost(why) {
		this.#drop(1000, 'Stale connection detected');
		this.#wait(why);
	}

	/** @param {State} state @param {string} why */
	#end(state, why) {
		this.#drop(1000, 'done');
		this.#move(state, why);
	}

	/** @param {string} why */
	#wait(why) {
		const ceiling = Math.min(pauseFirstMs * 2 ** this.attempts, pauseMaxMs);
		const pauseMs = ceiling / 2 + Math.random() * (ceiling / 2);
		this.attempts++;
		this.#move('waiting', `${why}; trying again in ${Math.max(1, Math.round(pauseMs / 1000))} s`);
		this.#after('retry', pauseMs, () => this.#check());
	}

	/** The network came back or somebody looks: do not sit out the pause. */
	#hurry() {
		if (this.state === 'waiting') {
			this.#drop();
			this.#check();
		} else if (this.state === 'open' || this.state === 'unsteady') {
			this.#ping();
		}
	}

	/** @param {string} why */
	#doubt(why) {
		if (this.state === 'open' || this.state === 'unsteady')
			this.#move('unsteady', why);
	}

	/** Forget the socket and every timer; what they still say belongs to nobody.
	 * @param {number} [code] @param {string} [reason] */
	#drop(code = 1000, reason = '') {
		this.#attempt++;
		for (const name in this.#timers)
			clearTimeout(this.#timers[name]);
		this.#timers = {};
		this.#socket?.close(code, reason);
		this.#socket = null;
		this.since = null;
		this.missed = 0;
	}

	/** @param {string} name @param {number} ms @param {() => void} then */
	#after(name, ms, then) {
		clearTimeout(this.#timers[name]);
		this.#timers[name] = setTimeout(then, ms);
	}

	/** The one place where the state changes. @param {State} state @param {string} [why] */
	#move(state, why = '') {
		if (state !== this.state && !moves[this.state].includes(state))
			throw new Error(`no way from ${this.state} to ${state}`);
		this.state = state;
		this.why = why;
		this.#emit('state', state);
	}

	/** @param {string} name @param {unknown} detail */
	#emit(name, detail) {
		this.dispatchEvent(new CustomEvent(name, { detail }));
	}
}
