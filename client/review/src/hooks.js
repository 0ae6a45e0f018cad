// SPDX-License-Identifier: Apache-2.0
// What several parts of the page read: the room's events, its text, who is there.
import { describe } from 'moothall';
import { useCasts, useClient, useConnection, useMembers, usePublish, useRoom } from 'moothall/react';
import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react';
import { createDraft } from './draft.js';
import { createLedger } from './ledger.js';
import { read } from './submission.js';

const enteringMs = 1_000;
const none = { get: () => null, subscribe: () => () => {} };

/** @template T @param {{get: () => T, subscribe: (listener: () => void) => () => void}} store */
export const useStore = (store) => useSyncExternalStore(store.subscribe, store.get);

/** The events of the room, and the submission that they make. */
export function useSubmission() {
	const room = useRoom();
	const [ledger, setLedger] = useState(/** @type {import('./ledger.js').Ledger | null} */ (null));
	useEffect(() => {
		if (!room)
			return;
		const opened = createLedger(room);
		setLedger(opened);
		return opened.close;
	}, [room]);
	const page = useStore(ledger ?? none);
	const submission = useMemo(() => read(page?.events ?? []), [page?.events]);
	return { ledger, page, submission };
}

/** The text here, kept in step with what is stored. Saves tell the title again: the log is not read back to where it was given.
 * @param {import('./submission.js').Submission} submission */
export function useDraft({ saved, title }) {
	const publish = usePublish();
	const titled = useRef({});
	titled.current = title ? { title } : {};
	const [draft] = useState(() => createDraft((event, data, how) => publish(event, { ...data, ...titled.current }, how)));
	useEffect(() => {
		if (saved)
			draft.stored(saved);
	}, [draft, saved]);
	return { draft, view: useStore(draft) };
}

/** A very large room tells only how many are there. */
export function useCrowd() {
	const room = useRoom();
	const members = useMembers();
	const subscribe = useCallback((/** @type {() => void} */ changed) => room?.on('members', changed) ?? (() => {}), [room]);
	const crowd = useSyncExternalStore(subscribe, () => `${room?.count ?? 0} ${room?.listed ?? true}`);
	const [count, listed] = crowd.split(' ');
	return { members, count: Number(count), listed: listed === 'true' };
}

/** True once it has been so for a while: a move from one gateway to another is over before.
 * @param {boolean} is @param {number} ms */
function useLasting(is, ms) {
	const [lasts, setLasts] = useState(false);
	useEffect(() => {
		if (!is)
			return setLasts(false);
		const timer = setTimeout(() => setLasts(true), ms);
		return () => clearTimeout(timer);
	}, [is, ms]);
	return is && lasts;
}

/** @typedef {{dot: string, words: string, isOver: boolean, isIn: boolean, isWaiting?: boolean}} HonestStatus */

/** How it is with this room, in one word for the dot and in words for people. @returns {HonestStatus} */
export function useHonestStatus() {
	const { state } = useConnection();
	const client = useClient();
	const room = useRoom();
	const subscribe = useCallback((/** @type {() => void} */ changed) => room?.on('status', changed) ?? (() => {}), [room]);
	const inRoom = useSyncExternalStore(subscribe, () => room?.status ?? null);
	const isEntering = useLasting(state === 'connected' && inRoom?.state !== 'joined', enteringMs);
	const now = useNow(state === 'waiting');
	const words = describe(client.status, now);
	if (inRoom?.state === 'refused' || inRoom?.state === 'left')
		return { dot: 'stopped', words: `Not in this room: ${inRoom.reason ?? 'it was left'}`, isOver: true, isIn: false };
	if (isEntering)
		return { dot: 'connecting', words: 'Connected, entering the room', isOver: false, isIn: false };
	return { dot: state, words, isOver: state === 'stopped', isIn: state === 'connected' || state === 'unsteady', isWaiting: state === 'waiting' };
}

/** The time, each second while it matters. @param {boolean} matters */
export function useNow(matters) {
	const [now, setNow] = useState(Date.now);
	useEffect(() => {
		if (!matters)
			return;
		setNow(Date.now());
		const timer = setInterval(() => setNow(Date.now()), 1_000);
		return () => clearInterval(timer);
	}, [matters]);
	return matters ? Math.max(now, Date.now() - 1_000) : now;
}

/** What the others do that is not kept: comes and goes, edits of clients of the relay. @param {(note: {by: string, id: string, text: string}) => void} tell */
export function usePassing(tell) {
	const room = useRoom();
	useEffect(() => {
		if (!room)
			return;
		/** @param {string} text @returns {(member: import('moothall').Member) => void} */
		const about = (text) => ({ id, name }) => {
			if (room.status.state === 'joined' && id !== room.self?.user.id && room.listed)
				tell({ by: name, id, text });
		};
		const stops = [room.on('join', about('joined')), room.on('leave', about('left'))];
		return () => stops.forEach((stop) => stop());
	}, [room, tell]);
	useCasts('content_updated', ({ from, data }) => tell({ by: from.name, id: from.id, text: data?.test ? 'sent a test message' : 'has changes that are not saved' }));
}
