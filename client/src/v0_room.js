// SPDX-License-Identifier: Apache-2.0
// One room, as the client of the relay showed it: messages with the identity of whom they are about, a
// list of users, and who is editing, typing and where. On top of a room of the core, which does
// everything about the connection.

import { describe } from './connection.js';
import { types } from './protocol.js';
import { clock, enterHome, readSession } from './v0_home.js';

/** @typedef {{userId: string, userName: string, userEmail: string, connectedAt: string}} User */
/**
 * @typedef {object} WebSocketMessage
 * @property {string} type
 * @property {string} [submissionId]
 * @property {string} [documentId]
 * @property {string} userId
 * @property {string} userName
 * @property {string} userEmail
 * @property {any} [data]
 * @property {string} timestamp
 * @property {User[]} [users]
 * @property {string} [message]  of an error: the same as `data.error`
 * @property {number} [seq]      of a stored event
 * @property {string} [targetUserId]
 */
/** @typedef {(message: WebSocketMessage) => void} WebSocketEventHandler */
/** @typedef {{type: string, data?: any, [member: string]: any}} Outgoing */
/** @typedef {import('./room.js').Room} Room */
/** @typedef {import('./roster.js').Member} Member */
/** @typedef {import('./client.js').Client} Client */

const freshMs = 2_000; // what waited for longer is not said any more: it would overwrite newer work
const answers = ['ping', 'pong', 'heartbeat']; // the core sees to these

export class RelayRoom {
	/** Set by the editor. @type {((content: string) => void) | undefined} */
	applyRealTimeUpdate;
	#kind;
	#id;
	#self;
	#apiUrl;
	/** @type {Map<string, Set<WebSocketEventHandler>>} */
	#handlers = new Map();
	/** @type {ReturnType<typeof enterHome> | null} */
	#home = null;
	/** @type {Room | null} */
	#room = null;
	/** @type {(() => void)[]} */
	#stops = [];
	/** Said before the room was there, the latest of each type. @type {Map<string, {message: Outgoing, at: number}>} */
	#waiting = new Map();
	/** What each other connection does, as far as it lasts: session -> key -> its message. @type {Map<string, Map<string, WebSocketMessage>>} */
	#doing = new Map();
	/** The same of this one. @type {Map<string, Outgoing>} */
	#mine = new Map();
	#heardAt = 0;
	#saidSo = false;
	#hasAsked = false;
	#rosterChanged = false;

	/**
	 * @param {'submission' | 'document'} kind @param {string} id
	 * @param {{userId: string, userName: string, userEmail: string}} self  until the server says who it is
	 * @param {string} [apiUrl]
	 */
	constructor(kind, id, self, apiUrl) {
		this.#kind = kind;
		this.#id = id;
		this.#self = self;
		this.#apiUrl = apiUrl;
	}

	/** Resolves once it is under way; rejects when nobody is signed in. @returns {Promise<void>} */
	async connect() {
		if (this.#room)
			return;
		if (!readSession()) {
			this.#expired();
			throw new Error('No session ID found');
		}
		this.#home = enterHome(this.#apiUrl);
		const { client } = this.#home;
		if (client.status.state === 'stopped')
			client.connect(); // somebody signed in again
		this.#room = client.join(`${this.#kind}:${this.#id}`);
		this.#listen(client, this.#room);
		if (this.#room.status.state === 'joined')
			queueMicrotask(() => this.#entered());
	}

	/** Leaves the room; what was not sent is forgotten. */
	disconnect() {
		const room = this.#room;
		for (const stop of this.#stops.splice(0))
			stop();
		this.#room = null;
		this.#waiting.clear();
		this.#doing.clear();
		this.#mine.clear();
		if (room)
			this.#home?.leave(room.leave);
		this.#home = null;
	}

	/** Says it to the others. Without a connection the latest of each type waits for two seconds.
	 * @param {Outgoing} message */
	send(message) {
		const { type } = message;
		const row = types[type];
		if (answers.includes(type))
			return;
		if (row?.action !== 'relay')
			this.#error(`a message of the type ${type} may not be sent`);
		else if (type.startsWith('request_cursor_refresh'))
			this.#refreshCursors(message);
		else
			this.#relay(message);
	}

	/** Hear of each message of this type; `gap` and `resumed` are new. @param {string} event @param {WebSocketEventHandler} handler */
	on(event, handler) {
		this.#handlers.set(event, (this.#handlers.get(event) ?? new Set()).add(handler));
	}

	/** Not any more. @param {string} event @param {WebSocketEventHandler} handler */
	off(event, handler) {
		this.#handlers.get(event)?.delete(handler);
	}

	/** Whether it is in the room. */
	get isConnected() {
		return this.#room?.status.state === 'joined';
	}

	/** `disconnected`, `connecting` or `connected`, as it is with the room. @returns {'disconnected' | 'connecting' | 'connected'} */
	get connectionState() {
		const state = this.#home?.client.status.state;
		if (!this.#room || state === 'stopped' || state === 'closed')
			return 'disconnected';
		return this.isConnected ? 'connected' : 'connecting';
	}

	/** `isHealthy` and the numbers of before; times are of the last sign of life. */
	get connectionHealth() {
		const { state, attempt } = this.#home?.client.status ?? { state: 'idle', attempt: 0 };
		const ms = this.#heardAt ? clock().now() - this.#heardAt : 0;
		return {
			isHealthy: this.isConnected && state === 'connected',
			lastPong: this.#heardAt,
			missedPongs: state === 'unsteady' ? 1 : 0,
			timeSinceLastPong: ms,
			timeSinceLastActivity: ms,
			queuedMessages: this.#waiting.size,
			reconnectAttempts: attempt,
			isConnecting: this.connectionState === 'connecting',
		};
	}

	/** @param {Client} client @param {Room} room */
	#listen(client, room) {
		const isIn = () => room.status.state === 'joined';
		const changed = (/** @type {string} */ type) => (/** @type {Member} */ member) => {
			if (!isIn() || member.id === this.#who().userId)
				return; // the whole list comes anyway
			this.#rosterChanged = true;
			this.#emit({ type, ...identityOf(member) });
		};
		this.#stops = [
			client.on('frame', ({ sent }) => void (sent || (this.#heardAt = clock().now()))),
			client.on('status', (status) => this.#connection(status)),
			room.on('status', (status) => this.#status(status)),
			room.on('leave', (member) => {
				this.#forget(member);
				changed('user_left')(member);
			}),
			room.on('join', changed('user_joined')),
			room.on('members', () => this.#members()),
			room.on('cast', (cast) => this.#cast(cast)),
			room.on('event', ({ event, data, from, at, seq }) => this.#emit({ type: event, ...this.#known(from), data, seq, timestamp: at })),
			room.on('gap', (gap) => this.#emit({ type: 'gap', data: gap })),
			room.on('resumed', (data) => this.#emit({ type: 'resumed', data })),
		];
	}

	/** @param {import('./connection.js').Status} status */
	#connection(status) {
		if (status.state === 'stopped' && ['signed_out', 'revoked'].includes(status.reason))
			this.#expired();
		else if (status.state === 'stopped' || (status.state === 'waiting' && !this.#saidSo))
			this.#error(describe(status, clock().now()));
		this.#saidSo = status.state === 'waiting' || (this.#saidSo && status.state === 'connecting');
	}

	/** @param {import('./room.js').RoomStatus} status */
	#status({ state, reason }) {
		if (state === 'joined') {
			this.#entered();
		} else if (state === 'refused' || state === 'left') {
			this.#error(reason ?? 'the room was left');
			this.disconnect();
		}
	}

	/** Once for each time that it comes in. */
	#entered() {
		const room = this.#room;
		if (!room)
			return;
		this.#hasAsked = false;
		this.#roomState();
		this.#emit({ type: 'connected' });
		this.#look(room);
		for (const message of this.#mine.values())
			this.#relay(message);
		for (const { message, at } of this.#waiting.values())
			if (clock().now() - at <= freshMs)
				this.#relay(message);
		this.#waiting.clear();
	}

	/** Who edits, who types and where the cursors are comes with the list; it is told of as it changes, and
	 * to who comes late as if it happened now. @param {Room} room */
	#look(room) {
		for (const member of room.members)
			for (const { id, state } of member.connections)
				if (id !== room.self?.session)
					for (const [type, { key, keep }] of Object.entries(types))
						if (keep === 1)
							this.#seen(id, key, state[key] !== undefined && { type, ...identityOf(member), data: state[key] });
	}

	/** @param {string} session @param {string} key @param {false | (Partial<WebSocketMessage> & {type: string})} message */
	#seen(session, key, message) {
		const doing = this.#doing.get(session) ?? new Map();
		this.#doing.set(session, doing);
		const before = doing.get(key);
		if (!message) {
			doing.delete(key);
			this.#ended(key, before);
		} else if (JSON.stringify(before) !== JSON.stringify(message)) {
			doing.set(key, message);
			this.#emit(message);
		}
	}

	/** @param {string} key @param {WebSocketMessage | undefined} message that began it */
	#ended(key, message) {
		const [type] = Object.entries(types).find(([, row]) => row.key === key && row.keep === 2) ?? [];
		if (message && type)
			this.#emit({ ...message, type });
	}

	#roomState() {
		const users = (this.#room?.members ?? []).map((member) => ({ ...identityOf(member), connectedAt: member.connections[0]?.since ?? now() }));
		this.#emit({ type: 'room_state', userId: 'system', userName: 'System', userEmail: 'system@websocket', users });
	}

	#members() {
		if (this.#rosterChanged)
			this.#roomState();
		this.#rosterChanged = false;
		if (this.#room && this.isConnected)
			this.#look(this.#room);
	}

	/** @param {import('./room.js').Cast} cast */
	#cast({ key: type, from, data }) {
		if (types[type]?.action === 'relay')
			this.#emit({ type, ...this.#known(from), ...(data?.targetUserId && { targetUserId: data.targetUserId }), data });
	}

	/** Who is gone does nothing any more. @param {Member} member */
	#forget({ connections }) {
		for (const { id } of connections) {
			const doing = this.#doing.get(id) ?? new Map();
			this.#doing.delete(id);
			for (const [key, message] of doing)
				this.#ended(key, message);
		}
	}

	/** @param {Outgoing} message */
	#relay(message) {
		const { type, data, ...rest } = message;
		const { key, keep } = types[type];
		if (keep === 1)
			this.#mine.set(key, message); // said again over the next connection
		else if (keep === 2)
			this.#mine.delete(key);
		if (this.#room?.cast(type, data ?? rest))
			return;
		if (this.isConnected)
			this.#error('the message is larger than the server takes');
		else if (keep !== 1)
			this.#waiting.set(type, { message, at: clock().now() });
	}

	/** From what is known here; the others are asked once for what was shown before this client came.
	 * @param {Outgoing} message */
	#refreshCursors({ type, targetUserId, data }) {
		for (const doing of this.#doing.values()) {
			const cursor = doing.get('cursor');
			if (cursor && (!targetUserId || cursor.userId === targetUserId))
				this.#emit(cursor);
		}
		if (this.#hasAsked)
			return;
		this.#hasAsked = this.#room?.cast(type, { ...data, targetUserId }, { to: targetUserId }) ?? false;
	}

	/** With the e-mail address, which only the list has. @param {import('./room.js').From} from */
	#known({ id, name }) {
		const member = this.#room?.members.find((one) => one.id === id);
		return identityOf(member ?? { id, name, email: '' });
	}

	#who() {
		const user = this.#home?.client.user;
		return user ? identityOf(user) : this.#self;
	}

	#expired() {
		const error = 'Session expired';
		this.#emit({ type: 'error', message: error, data: { error, needsRefresh: true } }, 'session_expired');
	}

	/** @param {string} error */
	#error(error) {
		this.#emit({ type: 'error', message: error, data: { error } });
	}

	/** @param {Partial<WebSocketMessage> & {type: string}} message @param {string} [event] */
	#emit(message, event = message.type) {
		const whole = { [`${this.#kind}Id`]: this.#id, ...this.#who(), timestamp: now(), ...message };
		for (const handler of [...(this.#handlers.get(event) ?? [])])
			try {
				handler(whole);
			} catch (cause) {
				queueMicrotask(() => {
					throw cause;
				});
			}
	}
}

const now = () => new Date().toISOString();

/** @param {{id: string, name: string, email: string}} user */
const identityOf = ({ id, name, email }) => ({ userId: id, userName: name, userEmail: email });
