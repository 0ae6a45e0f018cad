// SPDX-License-Identifier: Apache-2.0
// The page of one submission: puts its parts in place and carries what they share.
import { useEditing, useEvent, useMembers, useRoom, useSelf } from 'moothall/react';
import { useCallback, useEffect, useRef, useState } from 'react';
import { Activity } from './Activity.jsx';
import { Comments } from './Comments.jsx';
import { Debug } from './Debug.jsx';
import { Decision } from './Decision.jsx';
import { Header } from './Header.jsx';
import { useDraft, useHonestStatus, usePassing, useSubmission } from './hooks.js';
import { notify } from './notify.js';
import { Faces, People } from './People.jsx';
import { commentText, field, sentence } from './submission.js';
import { TextPanel } from './TextPanel.jsx';
import { Toasts } from './Toasts.jsx';
import { nameOf } from './visit.js';

/** @typedef {import('./Toasts.jsx').Note} Note */
/** @typedef {{by: string, id: string, text: string, isStored?: boolean}} News */

const notesMax = 40;
const toastsMax = 3;
const toastMs = 6_000;
const quietMs = 4_000; // the saves of somebody who goes on writing are one toast

/** @param {{visit: import('./visit.js').Visit, trace: import('./trace.js').Trace, onLeave: () => void}} props */
export function Review({ visit, trace, onLeave }) {
	const { ledger, page, submission } = useSubmission();
	const { draft, view } = useDraft(submission);
	const status = useHonestStatus();
	const self = useSelf();
	const editing = useEditing(field);
	const { notes, toasts, tell, dismiss } = useNews(self?.user.id);
	const title = submission.title || nameOf(visit.room);
	const mayWrite = !status.isOver && self?.role !== 'viewer';
	const isReady = !!page?.ready;
	useNewsOfRoom(tell, title);
	useTitle(title);

	return (
		<div className="page">
			<a className="skip" href="#text">Skip to the text</a>
			<Header status={status} self={self} onLeave={onLeave} />
			<main className="layout">
				<div className="head">
					<h1>{title}</h1>
					{status.isIn ? <Faces /> : null}
					{status.isOver ? <Over words={status.words} onLeave={onLeave} /> : null}
				</div>
				{status.isOver && !isReady ? null : (
					<>
						<TextPanel {...{ draft, view, editing, saved: submission.saved, isReady, mayWrite, isIn: status.isIn }} />
						<Comments comments={submission.comments} title={title} mayWrite={mayWrite} page={page} onEarlier={ledger?.earlierComments} />
						<aside className="side" aria-label="About this submission">
							<People isIn={status.isIn} />
							<Decision {...{ submission, title, mayWrite, isReady }} />
							<Activity page={page} notes={notes} onEarlier={ledger?.earlier} />
						</aside>
					</>
				)}
				{visit.isLocal || location.hash === '#debug' ? <Debug trace={trace} visit={visit} /> : null}
			</main>
			<Toasts toasts={toasts} onDismiss={dismiss} />
		</div>
	);
}

/** @param {{words: string, onLeave: () => void}} props */
function Over({ words, onLeave }) {
	return (
		<div className="notice" role="alert">
			<p>{words}.</p>
			<button type="button" onClick={onLeave}>Choose another room or name</button>
		</div>
	);
}

/** The title of the tab; while nobody looks, with how much has happened. @param {string} title */
function useTitle(title) {
	const [unseen, setUnseen] = useState(0);
	useEvent('*', ({ replay }) => replay || document.visibilityState === 'visible' || setUnseen((n) => n + 1));
	useEffect(() => {
		const looked = () => document.visibilityState === 'visible' && setUnseen(0);
		document.addEventListener('visibilitychange', looked);
		return () => document.removeEventListener('visibilitychange', looked);
	}, []);
	useEffect(() => {
		document.title = `${unseen > 0 ? `(${unseen}) ` : ''}${title} · Moothall`;
	}, [title, unseen]);
}

/** Notes for the activity list, and toasts that go by themselves. @param {string | undefined} me */
function useNews(me) {
	const [notes, setNotes] = useState(/** @type {Note[]} */ ([]));
	const [toasts, setToasts] = useState(/** @type {Note[]} */ ([]));
	const latest = useRef(/** @type {Map<string, number>} */ (new Map()));
	const next = useRef(0);
	const dismiss = useCallback((/** @type {number} */ key) => setToasts((all) => all.filter((one) => one.key !== key)), []);
	const tell = useCallback((/** @type {News} */ { by, id, text, isStored = false }) => {
		if (id && id === me)
			return;
		const now = Date.now();
		const about = `${id} ${text}`;
		const isRepeated = now - (latest.current.get(about) ?? 0) < quietMs;
		latest.current.set(about, now);
		const note = { key: ++next.current, by, id, text, at: now };
		if (!isStored && !isRepeated)
			setNotes((all) => [...all, note].slice(-notesMax));
		if (isRepeated)
			return;
		setToasts((all) => [...all, note].slice(-toastsMax));
		setTimeout(() => dismiss(note.key), toastMs);
	}, [me, dismiss]);
	return { notes, toasts, tell, dismiss };
}

/** @param {(news: News) => void} tell @param {string} title */
function useNewsOfRoom(tell, title) {
	const room = useRoom();
	const me = useSelf()?.user.id;
	const missed = useRef(0); // of others, since the connection was lost
	usePassing(tell);
	useEvent('*', (event) => {
		if (event.from.id === me)
			return;
		if (event.replay) {
			missed.current++;
			return;
		}
		const said = event.event === 'comment_added' ? `: “${commentText(event.data).slice(0, 80)}”` : '';
		tell({ by: event.from.name || 'The application', id: event.from.id, text: sentence(event) + said, isStored: true });
		notify(`${event.from.name || 'The application'} ${sentence(event)}`, title);
	});
	useEffect(() => room?.on('resumed', ({ gap }) => {
		const n = missed.current;
		missed.current = 0;
		if (n > 0)
			tell({ by: '', id: '', text: `Back again: ${n === 1 ? 'one thing' : `${n} things`} happened meanwhile` });
		if (gap)
			tell({ by: '', id: '', text: 'Some of what happened meanwhile is not kept any more' });
	}), [room, tell]);
	const writers = useMembers((members) => members.filter(({ id, connections }) => id !== me && connections.some(({ state }) => state.mode === 'editing')));
	const before = useRef(writers);
	useEffect(() => {
		for (const { id, name } of writers)
			if (!before.current.some((one) => one.id === id))
				tell({ by: name, id, text: 'started editing' });
		before.current = writers;
	}, [writers, tell]);
}
