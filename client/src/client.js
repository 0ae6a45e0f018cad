// SPDX-License-Identifier: Apache-2.0
// A client: one socket, many rooms. Joins them over each new connection and gives every message to the
// room it is for. Says nothing to the console, ever.

import { clock as realClock } from './clock.js';
import { initial } from './connection.js';
import { createEmitter } from './emitter.js';
import { MoothallError } from './error.js';
import { createLink } from './link.js';
import { createBudget } from './outbox.js';
import { createRoom } from './room.js';
import { watchSurroundings } from './surroundings.js';

/** @typedef {import('./connection.js').Status} Status */
/** @typedef {import('./socket.js').Message} Message */
/** @typedef {import('./link.js').Welcome} Welcome */

/**
 * @typedef {object} Options
 * @property {string | (() => string)} url   of the gateways: `https://rooms.example.org`, or a whole `wss://.../v1/ws`
 * @property {string | ((fetching: {stale: boolean}) => string | null | undefined | Promise<string | null | undefined>)} auth
 *   the session token, or how to get it: called before each connection, with `stale` when the server did
 *   not accept the last one. Nothing: nobody is signed in. Throwing: ask again later
 * @property {number} [maxPublishes]  that may wait to be stored, of all rooms; default 256
 * @property {number} [maxBytes]      of these together; default 1 MiB
 * @property {import('./socket.js').SocketClass} [WebSocket]  default the global one
 * @property {import('./clock.js').Clock} [clock]  for tests
 * @property {() => number} [random]               for tests
 */

/**
 * What `client.on` can be asked for. `frame` shows every message as it passes, tokens taken out: for a
 * debug panel.
 * @typedef {{status: Status, welcome: {session: string, resumed: boolean}, error: {code: string, reason: string, trace: string},
 *   frame: {sent: boolean, message: Message}}} ClientEvents
 */

/** @param {Options} options */
export function createClient({ url, auth, maxPublishes, maxBytes, WebSocket = globalThis.WebSocket, clock = realClock, random = Math.random }) {
	/** @type {import('./emitter.js').Emitter<ClientEvents>} */
	const emitter = createEmitter();
	const budget = createBudget({ maxPublishes, maxBytes });
	/** @type {Map<string, {room: ReturnType<typeof createRoom>, joins: number}>} */
	const rooms = new Map();
	/** @type {Welcome | null} */
	let welcome = null;
	/** Answers of `refresh`. @type {{resolve: () => void, reject: (why: Error) => void}[]} */
	let refreshing = [];
	let unwatch = () => {};

	const link = createLink({
		/** What its query says stays. A balancer may go by the room that was joined first, of those not refused. */
		url() {
			const at = new URL(typeof url === 'function' ? url() : url, globalThis.location?.href);
			at.pathname = at.pathname.replace(/\/(v1\/ws)?$|$/, '/v1/ws');
			for (const { room } of rooms.values())
				if (!room.isDone && !at.searchParams.has('room'))
					at.search += (at.search && '&') + 'room=' + encodeURIComponent(room.room.key);
			return at.href.replace(/^http/, 'ws');
		},
		token: (fetching) => (typeof auth === 'function' ? auth(fetching) : auth),
		renews: typeof auth === 'function',
		WebSocket, clock, random,
		onWelcome(news) {
			const before = welcome && !news.resumed ? welcome : null;
			if (before && before.user.id !== news.user.id)
				for (const { room } of rooms.values())
					room.lose('user_changed', 'somebody else is signed in now');
			welcome = news;
			budget.pending = news.limits.pending;
			budget.messageBytes = news.limits.message;
			if (!news.resumed)
				budget.n = 0;
			emitter.emit('welcome', { session: news.session, resumed: news.resumed });
			for (const { room } of rooms.values())
				if (!room.isDone)
					room.enter(before?.session ?? null);
			settle();
		},
		onMessage(message, isFading) {
			const { type, request, room, code, reason, trace, retry_after_ms: ms } = message;
			const of = rooms.get(room);
			if (of)
				of.room.take(message, isFading);
			else if (type === 'joined' || (request === 'leave' && ms))
				clock.after(ms ?? 0, () => rooms.has(room) || link.send({ type: 'leave', room })); // it was left before
			else if (type === 'ok')
				refreshing.shift()?.resolve();
			else if (request === 'auth')
				refreshing.shift()?.reject(new MoothallError(code, reason));
			if (code && trace && !ms)
				emitter.emit('error', { code, reason, trace });
		},
		onStatus(status) {
			for (const { room } of rooms.values())
				room.saved();
			if (status.state === 'stopped' || status.state === 'closed')
				unwatch();
			emitter.emit('status', status);
		},
		onLost() {
			for (const { reject } of refreshing.splice(0))
				reject(new MoothallError('lost', 'the connection was lost'));
			for (const { room } of rooms.values())
				room.lost();
		},
		onFrame(sent, message) {
			const { token: _, resume: __, ...rest } = message;
			emitter.emit('frame', { sent, message: rest });
		},
	});

	/** Nothing is left to move from the connection of before. */
	function settle() {
		if ([...rooms.values()].every(({ room }) => room.isIn || room.isDone))
			link.settled();
	}

	/** @param {string} key */
	function leave(key) {
		const of = rooms.get(key);
		if (!of || --of.joins > 0)
			return;
		rooms.delete(key);
		if (of.room.isIn)
			link.send({ type: 'leave', room: key });
		of.room.end('left');
	}

	const client = {
		/** The state of the connection, why, and what comes next. @returns {Status} */
		get status() {
			return link.status;
		},
		/** Oneself, once connected. */
		get user() {
			return welcome?.user ?? null;
		},
		/** The id by which others see this client. */
		get session() {
			return welcome?.session ?? null;
		},
		/** Connect now; `join` does it by itself. After an end it begins anew. */
		connect() {
			if (!WebSocket)
				throw new Error('there is no WebSocket here: give one as an option');
			unwatch();
			unwatch = watchSurroundings(link);
			link.start();
		},
		/**
		 * Enter a room, now and over every later connection. The same room again is the same object.
		 * @template {Record<string, any>} [E=Record<string, any>]
		 * @param {string} key  `submission:42` or `document:42`
		 * @param {{since?: number, state?: Record<string, any>}} [first]  since: seq of the last event that is
		 *   known, the later ones come; state: what the others see of this connection
		 * @returns {import('./room.js').Room<E>}
		 */
		join(key, first = {}) {
			const there = rooms.get(key);
			if (there && !there.room.isDone) {
				there.joins++;
				return /** @type {any} */ (there.room.room);
			}
			const room = createRoom({
				key, first, clock, budget,
				send: (message) => link.send(message),
				welcome: () => welcome,
				isConnected: () => link.status.state === 'connected',
				onIn: settle,
				onLeave: () => leave(key),
			});
			rooms.set(key, { room, joins: 1 });
			if (link.status.state === 'idle')
				client.connect();
			else if (link.status.state === 'connected' || link.status.state === 'unsteady')
				room.enter(null);
			return /** @type {any} */ (room.room);
		},
		/** Bring a new token before the old one ends, without a new connection. @returns {Promise<void>} */
		async refresh() {
			const token = typeof auth === 'function' ? await auth({ stale: true }) : auth;
			return new Promise((resolve, reject) => {
				if (token && link.send({ type: 'auth', token }))
					refreshing.push({ resolve, reject });
				else
					resolve(); // the next connection asks for it anyway
			});
		},
		/** Ask for a new connection; the present one stays until that one is in use. */
		reconnect: () => link.renew(),
		/** The end: rooms are left, what was not stored is rejected. `connect` begins anew. */
		close() {
			for (const [key, { room }] of [...rooms]) {
				rooms.delete(key);
				room.end('left', 'closed', 'the client was closed');
			}
			unwatch();
			link.close();
			welcome = null;
		},
		/** Hear of something; returns how to stop. */
		on: emitter.on,
	};
	return client;
}

/** @typedef {ReturnType<typeof createClient>} Client */
