// SPDX-License-Identifier: Apache-2.0
// The hooks. Each reads one thing of the core through useSyncExternalStore: what it gives is the same
// object until that thing changes, handlers may be written inline, and nothing happens twice in
// StrictMode.

import { createContext, createElement, useCallback, useContext, useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react';
import { describe } from './connection.js';

/** @typedef {import('./client.js').Client} Client */
/** @typedef {import('./room.js').Room} Room */
/** @typedef {import('./roster.js').Member} Member */
/** @typedef {import('react').ReactNode} ReactNode */

const lingerMs = 1_000; // a room that is left and joined again at once was never left
const typingMs = 3_000;
/** @type {readonly Member[]} */
const nobody = Object.freeze([]);
/** @type {Readonly<Record<string, any>>} */
const nothing = Object.freeze({});

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
	const first = useRef({ since, state });
	first.current = { since, state };
	const [room, setRoom] = useState(/** @type {Room | null} */ (null));
	useEffect(() => {
		const joined = client.join(key, first.current);
		setRoom(joined);
		return () => void setTimeout(joined.leave, lingerMs);
	}, [client, key]);
	return createElement(RoomContext.Provider, { value: room?.key === key ? room : null }, children);
}

/** @returns {Client} */
export function useClient() {
	const client = useContext(ClientContext);
	if (!client)
		throw new Error('there is no MoothallProvider around this');
	return client;
}

/** The room around; null until it is being joined, and on a server. @returns {Room | null} */
export function useRoom() {
	return useContext(RoomContext);
}

/**
 * @template T
 * @param {string} name @param {(room: Room) => T} read @param {T} without what it is while there is no room
 * @returns {T}
 */
function useRoomValue(name, read, without) {
	const room = useRoom();
	const subscribe = useCallback((/** @type {() => void} */ changed) => room?.on(/** @type {any} */ (name), changed) ?? (() => {}), [room, name]);
	return useSyncExternalStore(subscribe, () => (room ? read(room) : without), () => without);
}

/**
 * The connection: its state, why, and one honest sentence.
 * @returns {import('./connection.js').Status & {words: string}}
 */
export function useConnection() {
	const client = useClient();
	const subscribe = useCallback((/** @type {() => void} */ changed) => client.on('status', changed), [client]);
	const status = useSyncExternalStore(subscribe, () => client.status, () => client.status);
	return useMemo(() => ({ ...status, words: describe(status) }), [status]);
}

/**
 * Who is there, or what a selector makes of it; renders again only when that is another value.
 * @template [T=readonly Member[]]
 * @param {(members: readonly Member[]) => T} [select] may be written inline
 * @param {(a: T, b: T) => boolean} [isEqual] default: the same, or arrays of the same
 * @returns {T}
 */
export function useMembers(select = /** @type {any} */ (same), isEqual = isAlike) {
	const kept = useRef(/** @type {{value: T} | null} */ (null));
	const read = (/** @type {readonly Member[]} */ members) => {
		const value = select(members);
		if (!kept.current || !isEqual(kept.current.value, value))
			kept.current = { value };
		return kept.current.value;
	};
	const members = useRoomValue('members', (room) => room.members, nobody);
	return read(members);
}

/** How many users are there; right also in very large rooms, which are not listed. @returns {number} */
export function useCount() {
	return useRoomValue('members', (room) => room.count, 0);
}

/** Oneself, once joined. @returns {import('./room.js').Self | null} */
export function useSelf() {
	return useRoomValue('state', (room) => room.self, null);
}

/** What the others see of this connection, and how to change it: partial, null removes.
 * @returns {[Readonly<Record<string, any>>, (part: Record<string, any>) => void]} */
export function useMyState() {
	const room = useRoom();
	const value = useRoomValue('state', (of) => of.state.value, nothing);
	const set = useCallback((/** @type {Record<string, any>} */ part) => room?.state.set(part), [room]);
	return [value, set];
}

/** @param {string} name @param {(value: any) => void} handler */
function useHandler(name, handler) {
	const room = useRoom();
	const latest = useRef(handler);
	useEffect(() => {
		latest.current = handler;
	});
	useEffect(() => room?.on(/** @type {any} */ (name), (/** @type {any} */ value) => latest.current(value)), [room, name]);
}

/** Each event of this name, once and in order; `*`: of every name. The handler may be written inline.
 * @param {string} event @param {(event: import('./room.js').RoomEvent) => void} handler */
export function useEvent(event, handler) {
	useHandler(event === '*' ? 'event' : `event:${event}`, handler);
}

/** Each cast of this key; `*`: of every key. @param {string} key @param {(cast: import('./room.js').Cast) => void} handler */
export function useCasts(key, handler) {
	useHandler(key === '*' ? 'cast' : `cast:${key}`, handler);
}

/** @returns {Room['publish']} always the same function in a room */
export function usePublish() {
	const room = useRoom();
	return useCallback((event, data, how) => (room ? room.publish(event, data, how) : Promise.reject(new Error('the room is not there yet'))), [room]);
}

/** @returns {Room['cast']} always the same function in a room */
export function useCast() {
	const room = useRoom();
	return useCallback((key, data, how) => room?.cast(key, data, how) ?? false, [room]);
}

/** @type {Record<'saved' | 'saving' | 'unsaved', string>} */
const saveWords = { saved: 'Saved', saving: 'Saving', unsaved: 'Not saved' };
/** @type {import('./room.js').SaveStatus} */
const saved = Object.freeze({ state: 'saved', pending: 0, error: null });

/** Whether all that was published is stored: Saved is said after the server's word only.
 * @returns {import('./room.js').SaveStatus & {words: string}} */
export function useSaveStatus() {
	const save = useRoomValue('save', (room) => room.saving, saved);
	return useMemo(() => ({ ...save, words: saveWords[save.state] }), [save]);
}

/** Others whose connections match. @param {(state: Record<string, any>) => any} is @returns {Member[]} */
function useOthers(is) {
	const me = useSelf()?.user.id;
	return useMembers((members) => members.filter(({ id, connections }) => id !== me && connections.some(({ state }) => is(state))));
}

/** Who types, and how to say that one types: at each key; it ends by itself.
 * @returns {{typists: Member[], typing: () => void, stop: () => void}} */
export function useTyping() {
	const room = useRoom();
	const typists = useOthers((state) => state.typing);
	const timer = useRef(/** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined));
	const stop = useCallback(() => {
		clearTimeout(timer.current);
		if (room?.state.value.typing)
			room.state.set({ typing: null });
	}, [room]);
	const typing = useCallback(() => {
		clearTimeout(timer.current);
		timer.current = setTimeout(stop, typingMs);
		if (room && !room.state.value.typing)
			room.state.set({ typing: true });
	}, [room, stop]);
	useEffect(() => stop, [stop]);
	return { typists, typing, stop };
}

/**
 * A soft lock on a field: who edits it, and how to begin, end and take over. The one who began first has it.
 * @param {string} field
 * @returns {{editors: Member[], holder: Member | null, isMine: boolean, start: () => void, stop: () => void, takeOver: () => void}}
 */
export function useEditing(field) {
	const room = useRoom();
	const [mine] = useMyState();
	const is = (/** @type {Record<string, any>} */ state) => state.mode === 'editing' && state.field === field;
	const editors = useOthers(is);
	const isMine = is(mine);
	const stop = useCallback(() => {
		if (room && room.state.value.field === field)
			room.state.set({ mode: null, field: null });
	}, [room, field]);
	const start = useCallback(() => room?.state.set({ mode: 'editing', field }), [room, field]);
	const takeOver = useCallback(() => {
		room?.cast('take_over', { field });
		start();
	}, [room, field, start]);
	useCasts('take_over', ({ data }) => data?.field === field && stop());
	useEffect(() => stop, [stop]);
	return { editors, holder: editors[0] ?? null, isMine, start, stop, takeOver };
}

/** The others' cursors, one for each of their connections that has one, and how to move one's own.
 * @returns {{cursors: {session: string, member: Member, cursor: any}[], move: (cursor: any) => void}} */
export function useCursors() {
	const room = useRoom();
	const session = useSelf()?.session;
	const members = useMembers();
	const cursors = useMemo(() => members.flatMap((member) => member.connections
		.filter(({ id, state }) => id !== session && state.cursor)
		.map(({ id, state }) => ({ session: id, member, cursor: state.cursor }))), [members, session]);
	const move = useCallback((/** @type {any} */ cursor) => room?.state.set({ cursor }), [room]);
	useEffect(() => () => move(null), [move]);
	return { cursors, move };
}

/** @template T @param {T} value */
const same = (value) => value;

/** @param {any} a @param {any} b */
function isAlike(a, b) {
	return Object.is(a, b) || (Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((item, i) => Object.is(item, b[i])));
}
