// SPDX-License-Identifier: Apache-2.0
// The way to the server: one socket that is replaced when it breaks, and before it breaks when the
// server says that it leaves. Owns the sockets, the pauses between attempts, the session's resume
// token and the status. What is said over it is for others.

import { afterWelcome, pause, steadyMs } from './backoff.js';
import { initial, isFinal, reasonOf, step } from './connection.js';
import { createHeartbeat } from './heartbeat.js';
import { openSocket } from './socket.js';

/** @typedef {import('./socket.js').Message} Message */
/** @typedef {import('./socket.js').Socket} Socket */
/** @typedef {import('./connection.js').Status} Status */
/** @typedef {import('./connection.js').Reason} Reason */
/**
 * @typedef {object} Welcome
 * @property {string} session
 * @property {string} resume
 * @property {{id: string, name: string, email: string}} user
 * @property {number} ping_ms
 * @property {{message: number, rate: number, rooms: number, pending: number}} limits
 * @property {boolean} resumed
 */

const openWithinMs = 10_000;
const patientMs = 1_000; // at least, when the server has too much to do
const patientReasons = ['overloaded', 'too_fast', 'too_slow'];
const signedOut = 4401;
const givenUp = 3008; // not 1000, which says that this client leaves for good

/**
 * @param {object} how
 * @param {() => string} how.url
 * @param {(fetching: {stale: boolean}) => string | null | undefined | Promise<string | null | undefined>} how.token
 * @param {boolean} how.renews         whether asking for the token again may give another one
 * @param {import('./socket.js').SocketClass} how.WebSocket
 * @param {import('./clock.js').Clock} how.clock
 * @param {() => number} how.random
 * @param {(welcome: Welcome) => void} how.onWelcome          over a new socket; the one before, if any, still talks
 * @param {(message: Message, isFading: boolean) => void} how.onMessage
 * @param {(status: Status) => void} how.onStatus
 * @param {() => void} how.onLost                             there is no welcomed socket any more
 * @param {(sent: boolean, message: Message) => void} how.onFrame
 */
export function createLink({ url, token, renews, WebSocket, clock, random, onWelcome, onMessage, onStatus, onLost, onFrame }) {
	let status = initial;
	/** Welcomed: what is said goes here. @type {Socket | null} */
	let current = null;
	/** Not welcomed yet. @type {Socket | null} */
	let opening = null;
	/** The one before `current`, until everything has moved. @type {Socket | null} */
	let fading = null;
	/** @type {ReturnType<typeof createHeartbeat> | null} */
	let heartbeat = null;
	/** @type {string | undefined} */
	let resume;
	/** An attempt is under way: from asking for the token until welcome or failure. */
	let dialing = false;
	let dials = 0; // what an older one still says is not heard
	let attempt = 0; // in vain, one after the other
	let askedMs = 0; // by the server, to wait
	let stale = false; // the token was not accepted
	let cancelRetry = () => {};
	let cancelSlow = () => {};
	let welcomedAt = 0;

	/** @param {import('./connection.js').Input} input @param {Parameters<typeof step>[2]} [why] */
	function move(input, why) {
		const before = status;
		status = step(status, input, why);
		if (status !== before)
			onStatus(status);
	}

	/** Open another socket; while `current` is there, it stays in use until the welcome. */
	async function dial() {
		const mine = ++dials;
		dialing = true;
		cancelRetry();
		if (!current)
			move('start');
		try {
			const secret = await token({ stale });
			if (mine === dials)
				open(secret);
		} catch {
			if (mine === dials)
				failed('no_token');
		}
	}

	/** @param {string | null | undefined} secret */
	function open(secret) {
		if (!secret) {
			end('signed_out');
			return;
		}
		const socket = openSocket({
			WebSocket, url: url(), onFrame,
			onOpen: () => socket.send({ type: 'hello', token: secret, resume }),
			onMessage: (message) => take(socket, message),
			onClose: (code) => closed(socket, code),
		});
		opening = socket;
		cancelSlow = clock.after(openWithinMs, () => lose(socket, 'unreachable'));
	}

	/** @param {Socket} socket @param {Message} message */
	function take(socket, message) {
		const { type } = message;
		if (socket === current)
			heartbeat?.alive();
		if (socket !== opening && type !== 'draining')
			onMessage(message, socket !== current);
		else if (type === 'welcome')
			adopt(socket, /** @type {any} */ (message));
		else if (type === 'refused')
			askedMs = message.retry_after_ms ?? 0;
		else if (type === 'draining' && socket === current && !dialing)
			dial();
	}

	/** @param {Socket} socket @param {Welcome} welcome */
	function adopt(socket, welcome) {
		dialing = stale = false;
		askedMs = 0;
		cancelSlow();
		fading?.close();
		fading = current;
		current = socket;
		opening = null;
		resume = welcome.resume;
		heartbeat?.stop();
		heartbeat = createHeartbeat({
			clock, pingMs: welcome.ping_ms,
			ping: () => socket.send({ type: 'ping' }),
			silence: () => move('silence', { reason: 'silent' }),
			heard: () => move('heard'),
			dead: () => lose(socket, 'silent'),
		});
		welcomedAt = clock.now();
		attempt = Math.min(attempt, afterWelcome);
		onWelcome(welcome);
		move('welcome');
	}

	/** Given up by this side. @param {Socket} socket @param {Reason} reason */
	function lose(socket, reason) {
		socket.close(givenUp);
		closed(socket, 1006, reason);
	}

	/** @param {Socket} socket @param {number} code @param {Reason} [reason] */
	function closed(socket, code, reason = reasonOf(code)) {
		if (socket === fading)
			fading = null;
		else if (socket === opening)
			openingClosed(code, reason);
		else if (socket === current)
			currentClosed(code, reason);
	}

	/** @param {number} code @param {Reason} reason */
	function openingClosed(code, reason) {
		opening = null;
		cancelSlow();
		if (mayRenew(code))
			dial();
		else if (isFinal(code))
			end(reason, code);
		else
			failed(reason === 'lost' ? 'unreachable' : reason, code);
	}

	/** @param {number} code @param {Reason} reason */
	function currentClosed(code, reason) {
		current = null;
		heartbeat?.stop();
		if (reason === 'restarting' || clock.now() - welcomedAt >= steadyMs)
			attempt = 0; // it was a good one: the next pause is short again
		onLost();
		if (dialing) // the next one is on its way, and brings its own answer
			move('start', { reason, code });
		else if (mayRenew(code) || !isFinal(code))
			failed(reason, code);
		else
			end(reason, code);
	}

	/** Whether a token that was not accepted is worth another try, with another one. @param {number} code */
	function mayRenew(code) {
		const may = code === signedOut && renews && !stale;
		stale ||= may;
		return may;
	}

	/** @param {Reason} reason @param {number} [code] */
	function failed(reason, code) {
		dialing = false;
		const ms = pause(attempt++, random, Math.max(askedMs, patientReasons.includes(reason) ? patientMs : 0));
		askedMs = 0;
		if (!current)
			move('lost', { reason, code, retryAt: clock.now() + ms });
		cancelRetry();
		cancelRetry = clock.after(ms, dial);
	}

	/** @param {Reason} reason @param {number} [code] */
	function end(reason, code) {
		drop();
		move('refused', { reason, code });
	}

	function drop() {
		dials++;
		dialing = stale = false;
		cancelRetry();
		cancelSlow();
		heartbeat?.stop();
		for (const socket of [opening, current, fading])
			socket?.close();
		const wasThere = current;
		opening = current = fading = null;
		if (wasThere)
			onLost();
	}

	return {
		get status() {
			return status;
		},
		/** Begin, or begin again after an end. */
		start() {
			attempt = 0;
			if (!current && !dialing)
				dial();
		},
		/** Whether it was given to a socket. @param {Message} message */
		send(message) {
			current?.send(message);
			heartbeat?.sent();
			return current !== null;
		},
		/** Everything has moved to the newest socket: the one before may go. */
		settled() {
			fading?.close();
			fading = null;
		},
		/** The network is back, or somebody looks: no more waiting. */
		wake() {
			if (status.state === 'waiting') {
				attempt = 0;
				dial();
			} else if (current) {
				heartbeat?.check();
			}
		},
		/** The network is said to be gone. */
		doubt() {
			move('silence', { reason: 'offline' });
			if (current)
				heartbeat?.check();
		},
		/** Another socket; the present one goes when that one is in use. */
		renew() {
			if (!dialing)
				dial();
		},
		/** The application has had enough. */
		close() {
			drop();
			resume = undefined;
			move('close');
		},
	};
}

/** @typedef {ReturnType<typeof createLink>} Link */
