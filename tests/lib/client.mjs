// SPDX-License-Identifier: Apache-2.0
// One v0 client of a test: keeps everything it was sent, as raw text and parsed, and waits for what a
// test names. Every wait has a deadline; absence is shown by a later message, never by sleeping.

import { once } from 'node:events';
import WebSocket from 'ws';

/** @typedef {import('./world.mjs').User} User */
/** @typedef {{kind: 'submission' | 'document', id: string}} Room */
/** @typedef {{text: string, at: number, [key: string]: any}} Received  a message, its raw text beside it */
/** @typedef {string | ((message: any) => boolean)} Wanted  a type, or a condition */

const waitMs = 8_000;

/** @param {string} base @param {Room} room @param {User} user @param {{prefix?: string}} [how] */
export function socketUrl(base, room, user, { prefix = '/api/ws' } = {}) {
	const pairs = [[`${room.kind}Id`, room.id], ['userId', user.id], ['userName', user.name],
		['userEmail', user.email], ['sessionId', user.session]];
	const query = pairs.map(([key, value]) => `${key}=${encodeURIComponent(value)}`).join('&');
	return `${base.replace(/^http/, 'ws')}${prefix}/${room.kind}s/${encodeURIComponent(room.id)}?${query}`;
}

export class Client {
	/** @type {Received[]} */ received = [];
	/** @type {Set<() => void>} */ #waiting = new Set();
	#read = 0;
	/** @type {Promise<{code: number, reason: string}>} */ closed;

	/** @param {WebSocket} socket @param {Room} room @param {User} user */
	constructor(socket, room, user) {
		this.socket = socket;
		this.room = room;
		this.user = user;
		socket.on('message', (data, isBinary) => this.#take(data.toString(), isBinary));
		socket.on('error', () => {}); // its close tells
		this.closed = new Promise((resolve) => {
			socket.once('close', (code, reason) => {
				resolve({ code, reason: reason.toString() });
				this.#wake();
			});
		});
	}

	/** Open a socket and wait for the handshake only. @param {string} base @param {Room} room @param {User} user
	 * @param {{prefix?: string}} [how] */
	static async open(base, room, user, how = {}) {
		const socket = new WebSocket(socketUrl(base, room, user, how), { perMessageDeflate: false, maxPayload: 64 << 20 });
		const client = new Client(socket, room, user);
		await once(socket, 'open');
		return client;
	}

	/** Open and wait until the room has welcomed us. @param {string} base @param {Room} room @param {User} user
	 * @param {{prefix?: string}} [how] */
	static async join(base, room, user, how = {}) {
		const client = await Client.open(base, room, user, how);
		await client.next('connected');
		return client;
	}

	/** @param {string} text @param {boolean} isBinary */
	#take(text, isBinary) {
		const message = isBinary ? { type: 'binary' } : JSON.parse(text);
		Object.defineProperty(message, 'text', { value: text });
		Object.defineProperty(message, 'at', { value: Date.now() });
		this.received.push(message);
		if (message.type === 'ping')
			this.send('pong');
		this.#wake();
	}

	#wake() {
		for (const wake of this.#waiting)
			wake();
	}

	/** The next message (of this type, or that this is true for) that has not been read yet; what was
	 * before it counts as read. @param {Wanted} wanted @param {number} [ms] @returns {Promise<Received>} */
	async next(wanted, ms = waitMs) {
		const is = test(wanted);
		await this.#until(() => this.received.slice(this.#read).some(is), ms, () => describe(wanted));
		const found = this.received.findIndex((message, index) => index >= this.#read && is(message));
		this.#read = found + 1;
		return this.received[found];
	}

	/** Wait until this is true of all that was received. @param {() => boolean} condition @param {string} what */
	until(condition, what, ms = waitMs) {
		return this.#until(condition, ms, () => what);
	}

	/** @param {() => boolean} condition @param {number} ms @param {() => string} what */
	async #until(condition, ms, what) {
		const deadline = Date.now() + ms;
		while (!condition()) {
			const left = deadline - Date.now();
			if (left <= 0 || this.socket.readyState === WebSocket.CLOSED) {
				const tail = this.received.slice(-8).map((message) => message.text.slice(0, 200)).join('\n  ');
				const why = left <= 0 ? `in ${ms} ms` : 'before the socket closed';
				throw new Error(`${this.user.id}: no ${what()} ${why}; the last messages were\n  ${tail}`);
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

	/** Everything received so far, or of these types. @param {...string} types */
	all(...types) {
		return types.length ? this.received.filter((message) => types.includes(message.type)) : this.received;
	}

	/** From here on `next` and `unread` see only what comes later. */
	mark() {
		this.#read = this.received.length;
	}

	/** What came since the last read. @param {...string} types */
	unread(...types) {
		const rest = this.received.slice(this.#read);
		return types.length ? rest.filter((message) => types.includes(message.type)) : rest;
	}

	/** The whole envelope, as the old client writes it. @param {string} type @param {unknown} [data]
	 * @param {object} [more] keys after `data` */
	send(type, data, more = {}) {
		this.sendText(JSON.stringify({
			type, [`${this.room.kind}Id`]: this.room.id, userId: this.user.id, userName: this.user.name,
			userEmail: this.user.email, ...(data === undefined ? {} : { data }), ...more,
			timestamp: new Date().toISOString(),
		}));
	}

	/** @param {string} text */
	sendText(text) {
		this.socket.send(text);
	}

	/** Everything sent before this has been read by the gateway when it returns. */
	async settled() {
		const before = this.all('pong').length;
		this.send('ping');
		await this.until(() => this.all('pong').length > before, 'pong');
	}

	get isOpen() {
		return this.socket.readyState === WebSocket.OPEN;
	}

	/** A clean end: gone at once for the others. */
	async leave() {
		this.socket.close(1000);
		return this.closed;
	}

	/** No close frame, as when a laptop lid falls. */
	async vanish() {
		this.socket.terminate();
		return this.closed;
	}
}

/** @param {Wanted} wanted @returns {(message: any) => boolean} */
function test(wanted) {
	return typeof wanted === 'string' ? (message) => message.type === wanted : wanted;
}

/** @param {Wanted} wanted */
function describe(wanted) {
	return typeof wanted === 'string' ? wanted : `message with ${wanted}`;
}

/** What /room calls it. @param {Room} room */
export const roomName = (room) => (room.kind === 'document' ? `document-${room.id}` : room.id);

/** Who a room_state lists. @param {Received | undefined} message @returns {string[] | undefined} */
export function userIds(message) {
	return message?.users.map((/** @type {{userId: string}} */ user) => user.userId);
}

let fences = 0;

/** Whatever the room had said to anybody in `readers` before this call has arrived when it returns: a
 * message from `sender` follows it through the same room. @param {Client} sender @param {Client[]} readers */
export async function fence(sender, readers) {
	const mark = `fence-${++fences}`;
	sender.send('text_operation', { mark });
	await Promise.all(readers.map((reader) =>
		reader.until(() => reader.received.some((message) => message.data?.mark === mark), mark)));
}

/** Without the fences: what a test is about. @param {Received[]} messages */
export function withoutFences(messages) {
	return messages.filter((message) => !String(message.data?.mark ?? '').startsWith('fence-'));
}
