// SPDX-License-Identifier: Apache-2.0
// What is true of the connection, as data: its state, why, and what comes next. Pure. The only source
// of what a page shows: nothing here says "connected" without a welcome.

/**
 * @typedef {'idle' | 'connecting' | 'connected' | 'unsteady' | 'waiting' | 'stopped' | 'closed'} State
 *   unsteady: welcomed, but an answer is overdue; waiting: for the next attempt, at `retryAt`; stopped:
 *   the server said no for good; closed: by the application
 * @typedef {keyof typeof reasons} Reason
 *
 * @typedef {object} Status
 * @property {State} state
 * @property {Reason} reason   why it is not simply connected; `none` if it is
 * @property {number} attempt  attempts in vain since it was last connected
 * @property {number} [code]   close code, when there was one
 * @property {number} [retryAt] waiting: when the next attempt is made, ms since 1970
 *
 * @typedef {'start' | 'welcome' | 'silence' | 'heard' | 'lost' | 'refused' | 'close'} Input
 */

/** In every state, where an input leads; what is not there changes nothing.
 * @type {Readonly<Record<State, Partial<Record<Input, State>>>>} */
export const moves = {
	idle: { start: 'connecting', close: 'closed' },
	connecting: { welcome: 'connected', lost: 'waiting', refused: 'stopped', close: 'closed' },
	connected: { silence: 'unsteady', lost: 'waiting', refused: 'stopped', start: 'connecting', close: 'closed' },
	unsteady: { welcome: 'connected', heard: 'connected', lost: 'waiting', refused: 'stopped', start: 'connecting', close: 'closed' },
	waiting: { start: 'connecting', refused: 'stopped', close: 'closed' },
	stopped: { start: 'connecting', close: 'closed' },
	closed: { start: 'connecting' },
};

/** Every reason, in words for people. */
export const reasons = {
	none: '',
	lost: 'the connection was lost',
	unreachable: 'the server cannot be reached',
	silent: 'the server does not answer',
	offline: 'this device is offline',
	restarting: 'the server is restarting',
	overloaded: 'the server is full',
	unavailable: 'the service is not available',
	too_slow: 'this device could not keep up',
	too_fast: 'too much was sent at once',
	no_token: 'who you are could not be found out',
	signed_out: 'you are not signed in any more',
	not_allowed: 'you may not come in',
	no_room: 'this place does not exist',
	replaced: 'this session goes on somewhere else',
	revoked: 'your access was taken away',
	bad_client: 'this page does not fit the server',
	closed: 'closed by this page',
};

/** @type {Readonly<Record<number, Reason>>} */
const byCode = {
	1001: 'restarting', 1012: 'restarting', 1013: 'overloaded',
	4400: 'bad_client', 4401: 'signed_out', 4403: 'not_allowed', 4404: 'no_room', 4409: 'replaced', 4410: 'revoked',
	4503: 'unavailable', 4508: 'too_slow', 4529: 'too_fast',
};

/** @type {Status} */
export const initial = Object.freeze({ state: 'idle', reason: 'none', attempt: 0 });

/** @param {number} code @returns {boolean} whether to stop */
export function isFinal(code) {
	return code >= 4400 && code < 4500;
}

/** @param {number} code @returns {Reason} */
export function reasonOf(code) {
	return byCode[code] ?? (isFinal(code) ? 'not_allowed' : 'lost');
}

/**
 * @param {Status} status @param {Input} input @param {{reason?: Reason, code?: number, retryAt?: number}} [why]
 * @returns {Status} the same object when nothing changes
 */
export function step(status, input, why = {}) {
	const state = moves[status.state][input];
	if (!state)
		return status;
	if (state === 'connected')
		return Object.freeze({ state, reason: 'none', attempt: 0 });
	const attempt = status.attempt + (input === 'lost' ? 1 : 0);
	const reason = why.reason ?? (state === 'closed' ? 'closed' : status.reason);
	return Object.freeze({ state, attempt, ...why, reason });
}

/** One honest sentence. @param {Status} status @param {number} [now] ms since 1970 */
export function describe({ state, reason, retryAt }, now = Date.now()) {
	const why = reasons[reason];
	const inSeconds = Math.max(1, Math.ceil(((retryAt ?? now) - now) / 1000));
	const words = {
		idle: 'Not connected yet',
		connecting: why ? `Reconnecting: ${why}` : 'Connecting',
		connected: 'Connected',
		unsteady: `Unsteady: ${why}`,
		waiting: `Not connected: ${why}. Trying again in ${inSeconds} s`,
		stopped: `Not connected: ${why}`,
		closed: 'Not connected',
	};
	return words[state];
}
