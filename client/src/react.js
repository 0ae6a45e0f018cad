// SPDX-License-Identifier: Apache-2.0
// The hooks. Each reads one thing of the core through useSyncExternalStore: what it gives is the same
// object until that thing changes, handlers may be written inline, functions stay the same, and nothing
// happens twice in StrictMode.

import { createContext, createElement, useContext, useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react';
import { describe } from './connection.js';

/** @typedef {import('./client.js').Client} Client */
/** @typedef {import('./room.js').Room} Room */
/** @typedef {import('./roster.js').Member} Member */
/** @typedef {import('./roster.js').Connection} Connection */
/** @typedef {import('react').ReactNode} ReactNode */

/** @type {readonly Member[]} */
const nobody = [];
/** @type {Readonly<Record<string, any>>} */
const nothing = {};

const ClientContext = createContext(/** @type {Client | null} */ (null));
const RoomContext = createContext(/** @type {Room | null} */ (null));

/** Gives a client to everything inside. @param {{client: Client, children?: ReactNode}} props */
export function MoothallProvider({ client, children }) {
	return createElement(ClientContext.Provider, { value: client }, children);
}

/**
 * Joins a room for everything inside, and leaves it when it goes.
 * @param {{room: string, since?: number, state?: Record<string, any>, children?: ReactNode}} props
 *   `since` and `state` count when it is joined
 */
export function RoomProvider({ room: key, since, state, children }) {
	const client = useClient();
	const [room, setRoom] = useState(/** @type {Room | null} */ (null));
	useEffect(() => {
		const joined = client.join(key, { since, state });
		setRoom(joined);
		return () => void setTimeout(joined.leave, 1_000); // joined again at once, it was never left
	}, [client, key]);
	return createElement(RoomContext.Provider, { value: room?.key === key ? room : null }, children);
}

/** The client around. @returns {Client} */
export function useClient() {
	const client = useContext(ClientContext);
	if (!client)
		throw Error('no MoothallProvider');
	return client;
}

/** The room around; null until it is being joined, and on a server. @returns {Room | null} */
export function useRoom() {
	return useContext(RoomContext);
}

/** Always the same function, which does what the newest one does. @template {(...args: any[]) => any} F @param {F} newest @returns {F} */
function useStable(newest) {
	const latest = useRef(newest);
	latest.current = newest;
	return useMemo(() => /** @type {F} */ ((...args) => latest.current(...args)), []);
}

/**
 * @template T
 * @param {{on: (name: any, changed: any) => () => void} | null} source
 * @param {string} name   of the event that says that it changed
 * @param {() => T} read
 * @returns {T}
 */
function useValue(source, name, read) {
	const subscribe = useMemo(() => (/** @type {() => void} */ changed) => source?.on(name, changed) ?? (() => {}), [source, name]);
	return useSyncExternalStore(subscribe, read, read);
}

/** @template T @param {string} name @param {(room: Room | null) => T} read @returns {T} */
function useRoomValue(name, read) {
	const room = useRoom();
	return useValue(room, name, () => read(room));
}

/**
 * The connection: its state, why, and one honest sentence.
 * @returns {import('./connection.js').Status & {words: string}}
 */
export function useConnection() {
	const client = useClient();
	const status = useValue(client, 'status', () => client.status);
	return useMemo(() => ({ ...status, words: describe(status) }), [status]);
}

/**
 * Who is there, or what a selector makes of it; renders again only when that is another value, or a list
 * of other values.
 * @template [T=readonly Member[]]
 * @param {(members: readonly Member[]) => T} [select] may be written inline
 * @returns {T}
 */
export function useMembers(select) {
	const kept = useRef(/** @type {any[]} */ ([]));
	return useRoomValue('members', (room) => {
		const from = room?.members ?? nobody;
		const [source, by, before] = kept.current;
		if (source === from && by === select)
			return before;
		const value = select ? select(from) : from;
		kept.current = [from, select, isAlike(before, value) ? before : value];
		return kept.current[2];
	});
}

/** How many users are there; right also in very large rooms, which are not listed. @returns {number} */
export function useCount() {
	return useRoomValue('members', (room) => room?.count ?? 0);
}

/** Oneself, once joined. @returns {import('./room.js').Self | null} */
export function useSelf() {
	return useRoomValue('state', (room) => room?.self ?? null);
}

/** What the others see of this connection, and how to change it: partial, null removes.
 * @returns {[Readonly<Record<string, any>>, (part: Record<string, any>) => void]} */
export function useMyState() {
	const room = useRoom();
	return [useRoomValue('state', (of) => of?.state.value ?? nothing), useStable((part) => room?.state.set(part))];
}

/** @param {'event' | 'cast'} kind @param {string} name @param {(value: any) => void} handler */
function useHandler(kind, name, handler) {
	const room = useRoom();
	const stable = useStable(handler);
	useEffect(() => room?.on(/** @type {any} */ (name === '*' ? kind : `${kind}:${name}`), stable), [room, name]);
}

/** Each event of this name, once and in order; `*`: of every name. The handler may be written inline.
 * @param {string} event @param {(event: import('./room.js').RoomEvent) => void} handler */
export function useEvent(event, handler) {
	useHandler('event', event, handler);
}

/** Each cast of this key; `*`: of every key. @param {string} key @param {(cast: import('./room.js').Cast) => void} handler */
export function useCasts(key, handler) {
	useHandler('cast', key, handler);
}

/** As `room.publish`. @returns {Room['publish']} */
export function usePublish() {
	const room = useRoom();
	return useStable((...how) => room?.publish(...how) ?? Promise.reject(Error('no room')));
}

/** As `room.cast`. @returns {Room['cast']} */
export function useCast() {
	const room = useRoom();
	return useStable((...how) => room?.cast(...how) ?? false);
}

/** @type {Record<'saved' | 'saving' | 'unsaved', string>} */
const saveWords = { saved: 'Saved', saving: 'Saving', unsaved: 'Not saved' };
/** @type {import('./room.js').SaveStatus} */
const saved = { state: 'saved', pending: 0, error: null };

/** Whether all that was published is stored: Saved is said after the server's word only.
 * @returns {import('./room.js').SaveStatus & {words: string}} */
export function useSaveStatus() {
	const save = useRoomValue('save', (room) => room?.saving ?? saved);
	return useMemo(() => ({ ...save, words: saveWords[save.state] }), [save]);
}

/**
 * Who types, and how to say that one types: at each key; it ends by itself.
 * @returns {{typists: readonly Member[], typing: () => void, stop: () => void}}
 */
export function useTyping() {
	const room = useRoom();
	const me = useSelf()?.user.id;
	const typists = useMembers((members) => members.filter(({ id, connections }) => id !== me && connections.some(({ state }) => state.typing)));
	const timer = useRef(/** @type {any} */ (0));
	const tell = (/** @type {true | null} */ typing) => {
		clearTimeout(timer.current);
		if (room && !room.state.value.typing === !!typing)
			room.state.set({ typing });
	};
	const stop = useStable(() => tell(null));
	const typing = useStable(() => {
		tell(true);
		timer.current = setTimeout(stop, 3_000);
	});
	useEffect(() => () => tell(null), [room]);
	return { typists, typing, stop };
}

/**
 * A soft lock on a field. Each who edits has a turn; the highest one holds the field, so taking over is
 * taking the next. Needs no clock, and everybody sees the same.
 * @param {string} field
 * @returns {{editors: readonly Member[], holder: Member | null, isMine: boolean, start: () => void, stop: () => void, takeOver: () => void}}
 *   editors: others, and oneself in another tab; holder: who of them has it; start: unless somebody has it
 */
export function useEditing(field) {
	const room = useRoom();
	const [mine] = useMyState();
	const session = useSelf()?.session;
	const isHere = (/** @type {Connection} */ { id, state }) => id !== session && isIn(state, field);
	const editors = useMembers((members) => members.filter(({ connections }) => connections.some(isHere)));
	const first = peersOf(editors, isHere).sort(byTurn)[0];
	const isMine = isIn(mine, field) && !(first && byTurn(first, { ...mine, session }) < 0);
	const takeOver = useStable(() => room?.state.set({ mode: 'editing', field, turn: (first?.turn ?? 0) + 1 }));
	const start = useStable(() => first || takeOver());
	const leave = () => room && isIn(room.state.value, field) && room.state.set({ mode: null, field: null, turn: null });
	useEffect(() => () => void leave(), [room, field]);
	return { editors, holder: isMine ? null : first?.member ?? null, isMine, start, stop: useStable(leave), takeOver };
}

/** @param {Record<string, any>} state @param {string} field */
const isIn = (state, field) => state.mode === 'editing' && state.field === field;

/** Below 0: `a` goes first. @param {any} a @param {any} b */
const byTurn = (a, b) => b.turn - a.turn || (a.session < b.session ? -1 : 1);

/** The connections of everybody, with what they tell. @param {readonly Member[]} members @param {(one: Connection) => any} is which of them
 * @returns {{[member: string]: any, member: Member, session: string}[]} */
const peersOf = (members, is) => members.flatMap((member) => member.connections.filter(is).map(({ id, state }) => ({ ...state, member, session: id })));

/** The others' cursors, one for each of their connections that has one, and how to move one's own.
 * @returns {{cursors: {session: string, member: Member, cursor: any}[], move: (cursor: any) => void}} */
export function useCursors() {
	const room = useRoom();
	const me = useSelf()?.session;
	const members = useMembers();
	const cursors = useMemo(() => peersOf(members, ({ id, state }) => id !== me && state.cursor), [members, me]);
	const tell = (/** @type {any} */ cursor) => room?.state.set({ cursor });
	useEffect(() => () => tell(null), [room]);
	return { cursors: /** @type {any} */ (cursors), move: useStable(tell) };
}

/** The same, or lists of the same. @param {any} a @param {any} b */
const isAlike = (a, b) => a === b || (a?.length === b?.length && a?.every?.((/** @type {any} */ item, /** @type {number} */ i) => item === b[i]));
