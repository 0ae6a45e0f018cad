// SPDX-License-Identifier: Apache-2.0
// One room as this client is in it: joins it again over each new connection, applies every event once
// and in order, and keeps who is there. Everything goes over the client's one socket.

import { createEmitter } from './emitter.js';
import { MoothallError } from './error.js';
import { bytesOf, createOutbox } from './outbox.js';
import { createPacer } from './pacer.js';
import { createPresenceState } from './presence_state.js';
import { createReader } from './reader.js';
import { createRoster } from './roster.js';

/** @typedef {import('./socket.js').Message} Message */
/** @typedef {import('./roster.js').Member} Member */
/** @typedef {import('./reader.js').Page} Page */
/** @typedef {import('./reader.js').Question} Question */
/** @typedef {{id: string, name: string, session?: string}} From */
/**
 * @template [D=any]
 * @typedef {object} RoomEvent  a stored event
 * @property {number} seq     1, 2, 3 ... in the room
 * @property {string} event
 * @property {D} data
 * @property {From} from
 * @property {string} at      ISO 8601
 * @property {boolean} [replay]  it had been missed
 * @property {number} [n]     it is one's own
 */
/** @typedef {{key: string, data: any, from: From, after: number}} Cast  after: seq of the last event before it */
/** @typedef {{from: number, to: number}} Gap */
/** @typedef {'joining' | 'joined' | 'refused' | 'left'} RoomState  joining: not, or not yet again, in the room */
/** @typedef {{state: RoomState, code?: string, reason?: string}} RoomStatus */
/** @typedef {{state: 'saved' | 'saving' | 'unsaved', pending: number, error: MoothallError | null}} SaveStatus */
/** @typedef {{user: {id: string, name: string, email: string}, session: string, role: string, state: Readonly<Record<string, any>>}} Self */

/**
 * What `room.on` can be asked for. Beside these `event:NAME` and `cast:KEY` are one name or key alone.
 * @template {Record<string, any>} [E=Record<string, any>]
 * @typedef {{
 *   event: RoomEvent, cast: Cast, members: readonly Member[], join: Member, leave: Member,
 *   state: Self | null, status: RoomStatus, save: SaveStatus, resumed: {missed: number, gap: Gap | null}, gap: Gap
 * } & {[K in keyof E & string as `event:${K}`]: RoomEvent<E[K]>} & {[key: `cast:${string}`]: Cast}} RoomEvents
 */

const paceMs = 40; // between two casts of one key, or two states

/**
 * @template {Record<string, any>} [E=Record<string, any>]
 * @param {object} how
 * @param {string} how.key
 * @param {{since?: number, state?: Record<string, any>}} how.first
 * @param {import('./clock.js').Clock} how.clock
 * @param {import('./outbox.js').Budget} how.budget
 * @param {(message: Message) => void} how.send     only while there is a connection
 * @param {() => import('./link.js').Welcome | null} how.welcome  the newest one
 * @param {() => boolean} how.isConnected
 * @param {() => void} how.onIn      joined, or not to be, over the newest connection
 * @param {() => void} how.onLeave   the application leaves
 */
export function createRoom({ key, first, clock, budget, send, welcome, isConnected, onIn, onLeave }) {
	/** @type {import('./emitter.js').Emitter<any>} */
	const emitter = createEmitter();
	const roster = createRoster();
	const own = createPresenceState(first.state);
	const outbox = createOutbox({ room: key, budget, clock, send, changed: () => saved() });
	const reader = createReader({ room: key, clock, send });
	const casts = createPacer({ clock, ms: paceMs, send });
	const states = createPacer({ clock, ms: paceMs, send: (/** @type {Message} */ message) => send(message) });
	/** @type {RoomStatus} */
	let status = Object.freeze({ state: 'joining' });
	/** @type {SaveStatus} */
	let save = Object.freeze({ state: 'saved', pending: 0, error: null });
	/** @type {Self | null} */
	let self = null;
	let role = '';
	/** Seq of the last event that was applied. */
	let last = first.since;
	/** Whether the next event has to be last + 1. */
	let exact = last !== undefined;
	/** What is stored before this was missed, and is on its way. */
	let head = 0;
	let missed = 0;
	/** @type {Gap | null} */
	let gap = null;
	let joins = 0;
	/** Joined is under way. */
	let asking = false;
	let catchingUp = false;
	let cancelAgain = () => {};
	/** @type {{resolve: () => void, reject: (why: Error) => void}} */
	let answer;
	/** @type {Promise<void>} */
	const ready = new Promise((resolve, reject) => (answer = { resolve, reject }));
	ready.catch(() => {}); // who does not wait for it, hears of it by the status

	/** @param {RoomStatus} next */
	function become(next) {
		status = Object.freeze(next);
		emitter.emit('status', status);
		saved();
	}

	function saved() {
		const { pending, failure } = outbox;
		const canSave = isConnected() && status.state === 'joined';
		const state = pending === 0 ? (failure ? 'unsaved' : 'saved') : canSave ? 'saving' : 'unsaved';
		if (state === save.state && pending === save.pending && failure === save.error)
			return;
		save = Object.freeze({ state, pending, error: failure });
		emitter.emit('save', save);
	}

	function ask() {
		asking = true;
		send({ type: 'join', room: key, since: last, state: own.all() });
	}

	/** @param {Message} message */
	function joined({ seq, role: as, members, count, unlisted, gap: lost }) {
		asking = false;
		joins++;
		role = as;
		if (last === undefined)
			last = seq ?? 0;
		exact = seq !== undefined || exact;
		gap = lost ?? null;
		missed = 0;
		head = seq ?? 0;
		if (gap) {
			last = gap.to;
			emitter.emit('gap', gap);
		}
		show(roster.replace(unlisted ? undefined : members, count));
		whoAmI();
		become({ state: 'joined' });
		reader.open();
		if (!outbox.doubts)
			outbox.open();
		catchingUp = true;
		caughtUp();
		answer.resolve();
		onIn();
	}

	/** All that had been missed is there. */
	function caughtUp() {
		if (!catchingUp || (last ?? 0) < head)
			return;
		catchingUp = false;
		if (outbox.doubts) {
			outbox.believe();
			outbox.open();
		}
		if (joins > 1)
			emitter.emit('resumed', { missed, gap });
	}

	/** @param {Message} message */
	function event({ seq, event: name, from, data, at, replay, n }) {
		if (last === undefined || seq <= last)
			return; // the room is not joined, or it came over the connection of before
		if (exact && seq !== last + 1) {
			if (!asking)
				ask(); // one is missing: what came after it has to wait for it
			return;
		}
		exact = true;
		last = seq;
		missed += replay ? 1 : 0;
		const one = Object.freeze({ seq, event: name, data, from, at, ...(replay && { replay }), ...(n && { n }) });
		if (n)
			outbox.acked(n, seq); // shown is stored
		else if (replay)
			outbox.recognize(one);
		emitter.emit('event', one);
		emitter.emit(`event:${name}`, one);
		caughtUp();
	}

	/** @param {import('./roster.js').Difference} difference */
	function show({ joined: came, left, isNews }) {
		for (const member of left)
			emitter.emit('leave', member);
		for (const member of came)
			emitter.emit('join', member);
		if (isNews)
			emitter.emit('members', roster.list);
	}

	function whoAmI() {
		const said = welcome();
		self = said && role ? Object.freeze({ user: said.user, session: said.session, role, state: own.value }) : null;
		emitter.emit('state', self);
	}

	/** @param {Message} message */
	function refused(message) {
		const { request, code, reason, retry_after_ms: ms } = message;
		if (request === 'join') {
			asking = false;
			if (ms === undefined)
				end('refused', code, reason);
			else
				later(ms, ask);
		} else if (code === 'not_joined') {
			if (!asking)
				ask(); // what waits is said again when it is
		} else if (request === 'publish') {
			outbox.refused(message);
		} else if (request === 'read') {
			reader.refused(message);
		} else if (request === 'state' && ms !== undefined) {
			later(ms, () => send({ type: 'state', room: key, data: own.all() ?? {} }));
		}
	}

	/** @param {number} ms @param {() => void} then */
	function later(ms, then) {
		cancelAgain();
		cancelAgain = clock.after(ms, then);
	}

	/** Out, for good. @param {'refused' | 'left'} state @param {string} [code] @param {string} [reason] */
	function end(state, code = 'left', reason = 'the room was left') {
		shut();
		outbox.end(code, reason);
		reader.end(code, reason);
		answer.reject(new MoothallError(code, reason));
		show(roster.replace([]));
		become({ state, code, reason });
		onIn();
	}

	function shut() {
		cancelAgain();
		casts.clear();
		states.clear();
		outbox.shut();
		reader.shut();
	}

	/** What each message of the server means here. @type {Record<string, (message: Message) => void>} */
	const acts = {
		joined,
		event,
		cast({ key: about, from, data, after }) {
			const one = Object.freeze({ key: about, data, from, after });
			emitter.emit('cast', one);
			emitter.emit(`cast:${about}`, one);
		},
		presence: (message) => show(roster.apply(/** @type {any} */ (message))),
		ack: ({ n, seq }) => outbox.acked(n, seq),
		history: (message) => reader.answered(message),
		refused,
		left({ code, reason }) {
			if (code === 'gone')
				ask(); // some of what was missed is not kept any more: the answer says what
			else if (code)
				end('left', code, reason);
		},
	};
	/** What still counts when it comes over the connection of before. */
	const late = ['event', 'ack', 'cast'];

	/** As an application sees it. */
	const room = {
		/** Its name, `submission:42`. @type {string} */
		key,
		/** Resolves once joined; rejects when that is refused for good, or the room is left before. */
		ready,
		/** Whether one is in it: `joining`, `joined`, `refused` or `left`, the last two with a code and a reason. @returns {RoomStatus} */
		get status() {
			return status;
		},
		/** Everybody who is there, each user once; empty while `listed` is false in a very large room. @returns {readonly Member[]} */
		get members() {
			return roster.list;
		},
		/** How many users are there; right also when they are not listed. */
		get count() {
			return roster.count;
		},
		/** Whether `members` has everybody. A large room sends its list in parts, a very large one only the number. */
		get listed() {
			return roster.listed;
		},
		/** Oneself, once joined. @returns {Self | null} */
		get self() {
			return self;
		},
		/** Seq of the last event that was applied; what to give as `since` another time. @returns {number | undefined} */
		get seq() {
			return last;
		},
		/** Whether everything that was published is stored. @returns {SaveStatus} */
		get saving() {
			return save;
		},
		/** What the others see of this connection: `state.value`, `state.set(part)`. */
		state: {
			/** The state as it is now. @returns {Readonly<Record<string, any>>} */
			get value() {
				return own.value;
			},
			/** Merges into it; null removes a member. @param {Record<string, any>} part */
			set(part) {
				own.set(part);
				whoAmI();
				if (status.state === 'joined')
					states.say('', () => ({ type: 'state', room: key, data: own.take() }));
			},
		},
		/**
		 * Stores an event. Waits while there is no connection, within bounds.
		 * @template {keyof E & string} K
		 * @param {K} event @param {E[K]} data
		 * @param {{base?: number}} [how]  base: seq of the last event the author has seen with this name and
		 *   `data.field` (0: none); refused as `conflict` when a newer one is stored
		 * @returns {Promise<number>} its seq, once it is stored for good; rejects with a MoothallError
		 */
		publish(event, data, { base } = {}) {
			if (status.state === 'refused' || status.state === 'left')
				return Promise.reject(new MoothallError(status.code ?? 'left', status.reason ?? 'the room was left'));
			return outbox.add(event, data, base);
		},
		/**
		 * Tells the others something that need not last; the latest of a key wins. Dropped while there is
		 * no connection: it would be stale; and when it is larger than the server takes.
		 * @param {string} about the key
		 * @param {unknown} data
		 * @param {{to?: string}} [how]  to: one user or session
		 * @returns {boolean} whether it is on its way
		 */
		cast(about, data, { to } = {}) {
			const message = { type: 'cast', room: key, key: about, data: data ?? null, to };
			if (status.state !== 'joined' || bytesOf(JSON.stringify(message)) > budget.messageBytes)
				return false;
			casts.say(`${to ?? ''} ${about}`, () => message);
			return true;
		},
		/** A page of the log, in order. @param {Question} [question] @returns {Promise<Page>} */
		history: (question = {}) => reader.read(question),
		/** Hear of something; returns how to stop. @type {import('./emitter.js').Emitter<RoomEvents<E>>['on']} */
		on: /** @type {any} */ (emitter.on),
		/** Out, once it was called as often as `join`. */
		leave: () => onLeave(),
	};

	return {
		room,
		/** There is a new connection. @param {string | null} before the session of before, if it is not this one any more */
		enter(before) {
			shut();
			if (before)
				outbox.renumber(before);
			if (status.state === 'joined')
				become({ state: 'joining' });
			ask();
		},
		/** There is none. */
		lost() {
			shut();
			asking = false;
			if (status.state === 'joined')
				become({ state: 'joining' });
		},
		/** @param {Message} message @param {boolean} isFading it came over the connection of before */
		take(message, isFading) {
			if (!isFading || late.includes(message.type))
				acts[message.type]?.(message);
		},
		end,
		/** What waits is not to be stored any more. @param {string} code @param {string} reason */
		lose(code, reason) {
			outbox.end(code, reason);
		},
		/** Of the client: the connection, as far as saving is concerned. */
		saved,
		get isDone() {
			return status.state === 'refused' || status.state === 'left';
		},
		get isIn() {
			return status.state === 'joined';
		},
	};
}

/**
 * A room that was joined; `client.join` gives it.
 * @template {Record<string, any>} [E=Record<string, any>]
 * @typedef {ReturnType<typeof createRoom<E>>['room']} Room
 */
