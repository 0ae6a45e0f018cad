// SPDX-License-Identifier: Apache-2.0
// The way to the server: one socket that is replaced when it breaks, and before it breaks when the
// server says that it leaves. Owns the sockets, the pauses between attempts, the session's resume
// token and the status. What is said over it is for others.

import { pause, steadyMs } from './backoff.js';
import { initial, isFinal, reasonOf, step } from './connection.js';
import { createHeartbeat } from './heartbeat.js';
import { openSocket } from './socket.js';

/** @typedef {import('./socket.js').Message} Message */
/** @typedef {import('./socket.js').Socket} Socket */
/** @typedef {import('./connection.js').Status} Status */
/** @typedef {{stale: boolean}} Fetching  stale: the token of before was not good any more */
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

/**
 * @param {object} how
 * @param {() => string} how.url
 * @param {(fetching: Fetching) => string | null | undefined | Promise<string | null | undefined>} how.token
 * @param {boolean} how.renews         whether asking for the token again may give another one
 * @param {import('./socket.js').SocketClass} how.WebSocket
 * @param {import('./clock.js').Clock} how.clock
 * @param {() => number} how.random
 * @param {(welcome: Welcome) => void} how.onWelcome          over a new socket; the one of before, if any, still talks
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
	let dials = 0; // a dial that is not the last one is forgotten
	let attempt = 0; // in vain, one after the other
	let stale = false;
	let cancelRetry = () => {};
	let cancelSlow = () => {};
	let cancelSteady = () => {};

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
		cancelRetry();
		let secret;
		try {
			secret = await token({ stale });
		} catch {
			if (mine === dials)
				failed('no_token');
			return;
		}
		if (mine !== dials)
			return;
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
		cancelSlow = clock.after(openWithinMs, () => {
			socket.close();
			closed(socket, 1006);
		});
	}

	/** @param {Socket} socket @param {Message} message */
	function take(socket, message) {
		if (socket === opening) {
			if (message.type === 'welcome')
				adopt(socket, /** @type {any} */ (message));
			return;
		}
		if (socket === current)
			heartbeat?.alive();
		if (message.type === 'draining') {
			if (socket === current && !opening)
				dial();
			return;
		}
		onMessage(message, socket !== current);
	}

	/** @param {Socket} socket @param {Welcome} welcome */
	function adopt(socket, welcome) {
		cancelSlow();
		fading?.close();
		fading = current;
		current = socket;
		opening = null;
		resume = welcome.resume;
		stale = false;
		heartbeat?.stop();
		heartbeat = createHeartbeat({
			clock, pingMs: welcome.ping_ms,
			ping: () => socket.send({ type: 'ping' }),
			silence: () => move('silence', { reason: 'silent' }),
			heard: () => move('heard'),
			dead: () => {
				socket.close();
				closed(socket, 1006, 'silent');
			},
		});
		cancelSteady();
		cancelSteady = clock.after(steadyMs, () => (attempt = 0));
		move('welcome');
		onWelcome(welcome);
	}

	/** @param {Socket} socket @param {number} code @param {import('./connection.js').Reason} [reason] */
	function closed(socket, code, reason = reasonOf(code)) {
		if (socket === fading) {
			fading = null;
			return;
		}
		if (socket === opening) {
			opening = null;
			cancelSlow();
			if (code === 4401 && renews && !stale) {
				stale = true;
				dial();
			} else if (isFinal(code)) {
				end(reason, code);
			} else {
				failed(reason === 'lost' ? 'unreachable' : reason, code);
			}
			return;
		}
		if (socket !== current)
			return;
		current = null;
		heartbeat?.stop();
		cancelSteady();
		onLost();
		if (code === 4401 && renews && !stale) {
			stale = true;
			failed('lost', code);
		} else if (isFinal(code)) {
			end(reason, code);
		} else if (opening) {
			move('start', { reason, code }); // the next one is on its way already
		} else {
			failed(reason, code);
		}
	}

	/** @param {import('./connection.js').Reason} reason @param {number} [code] */
	function failed(reason, code) {
		const ms = pause(attempt++, random, patientReasons.includes(reason) ? patientMs : 0);
		if (!current)
			move('lost', { reason, code, retryAt: clock.now() + ms });
		cancelRetry();
		cancelRetry = clock.after(ms, again);
	}

	function again() {
		if (!current)
			move('start');
		dial();
	}

	/** @param {import('./connection.js').Reason} reason @param {number} [code] */
	function end(reason, code) {
		drop();
		move('refused', { reason, code });
	}

	function drop() {
		dials++;
		cancelRetry();
		cancelSlow();
		cancelSteady();
		heartbeat?.stop();
		for (const socket of [opening, current, fading])
			socket?.close(1000);
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
			if (current || opening || status.state === 'connecting')
				return;
			attempt = 0;
			stale = false;
			again();
		},
		/** Whether it was given to a socket. @param {Message} message */
		send(message) {
			if (!current)
				return false;
			current.send(message);
			heartbeat?.sent();
			return true;
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
				again();
			} else {
				heartbeat?.check();
			}
		},
		/** The network is said to be gone. */
		doubt() {
			if (current) {
				move('silence', { reason: 'offline' });
				heartbeat?.check();
			}
		},
		/** Another socket, at once; the present one goes when the new one is in use. */
		renew() {
			if (current && !opening)
				dial();
			else
				this.wake();
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
