// SPDX-License-Identifier: Apache-2.0
// The text of the submission: read by everybody, written by one at a time, with everybody's cursors.
import { useCursors, useMembers, useRoom, useSaveStatus, useSelf, useTyping } from 'moothall/react';
import { useEffect, useLayoutEffect, useRef } from 'react';
import { Conflict } from './Conflict.jsx';
import { carried } from './difference.js';
import { Marks } from './Marks.jsx';
import { Avatar, list, Time } from './person.jsx';
import { editsElsewhere, placeOf } from './presence.js';
import { useRelayWords } from './relay.js';
import { field } from './submission.js';

/** @typedef {import('./draft.js').Draft} Draft */
/** @typedef {ReturnType<typeof import('moothall/react').useEditing>} Editing */

/** @param {{draft: Draft, view: import('./draft.js').DraftView, editing: Editing, saved: import('./submission.js').Submission['saved'],
 *   isReady: boolean, mayWrite: boolean, isIn: boolean}} props */
export function TextPanel({ draft, view, editing, saved, isReady, mayWrite, isIn }) {
	const area = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
	const { cursors, move } = useCursors();
	const { typists, typing, stop } = useTyping();
	const at = useRef([-1, -1]);
	const typed = useRef('');
	const { isMine } = editing;
	useRelayWords(isMine);
	useLostTurn(isMine, draft, editing.stop);
	useLeaving(draft, editing.stop);
	useKeptSelection(area, view.text, typed, at);

	const edit = (/** @type {() => void} */ how) => {
		how();
		requestAnimationFrame(() => area.current?.focus());
	};
	const done = () => {
		draft.save();
		stop();
		editing.stop();
	};
	const point = () => {
		const { selectionStart: from = 0, selectionEnd: to = 0 } = area.current ?? {};
		if (from === at.current[0] && to === at.current[1])
			return;
		at.current = [from, to];
		move({ field, from, to, place: placeOf(view.text, to) });
	};
	useSelectionChange(area, point);
	return (
		<section className="text-panel" aria-labelledby="text-title">
			<div className="row">
				<h2 id="text-title" className="hidden">Text</h2>
				<p className="by">{saved ? <>Saved by {saved.by || 'the application'}, <Time at={saved.at} /></> : isReady ? '' : 'Loading'}</p>
				{isReady && mayWrite ? <Saved view={view} onRetry={draft.save} /> : null}
				{isMine ? <button type="button" onClick={done}>Done</button> : null}
				{!isMine && mayWrite && !editing.holder ? (
					<button type="button" className="main" id="edit" disabled={!isReady} onClick={() => edit(editing.start)}>Edit</button>
				) : null}
			</div>
			<Holder {...{ editing, mayWrite }} onTakeOver={() => edit(editing.takeOver)} />
			{view.conflict ? <Conflict draft={draft} view={view} /> : null}
			<div className="sheet" data-mine={isMine}>
				<Marks text={view.text} base={view.base} cursors={cursors} />
				<textarea id="text" ref={area} aria-label="Text of the submission" aria-describedby="text-help" value={view.text} readOnly={!isMine}
					spellCheck={isMine} placeholder={isMine ? 'Write here. It is saved while you write.' : isReady ? 'Nothing has been written yet.' : ''}
					onChange={(event) => (draft.type(typed.current = event.target.value), typing())}
					onSelect={point} onFocus={point}
					onKeyDown={(event) => {
						if (event.key === 'Escape' && isMine)
							done();
						if (event.key === 's' && (event.ctrlKey || event.metaKey)) {
							event.preventDefault();
							draft.save();
						}
					}} />
			</div>
			<p className="under">
				<span className="typing" id="typing" aria-live="polite">{typists.length > 0 ? <><i aria-hidden="true" />{list(typists.map(({ name }) => name))} {typists.length === 1 ? 'is' : 'are'} typing</> : ''}</span>
				<span id="text-help" className="hint">{help(isMine, mayWrite, isIn)}</span>
			</p>
		</section>
	);
}

/** The browser tells the document alone of a cursor that moves in a text that is only read.
 * @param {import('react').RefObject<HTMLTextAreaElement | null>} area @param {() => void} changed */
function useSelectionChange(area, changed) {
	const latest = useRef(changed);
	latest.current = changed;
	useEffect(() => {
		const heard = () => document.activeElement === area.current && latest.current();
		document.addEventListener('selectionchange', heard);
		return () => document.removeEventListener('selectionchange', heard);
	}, [area]);
}

/** What others save changes the text around the cursor, and the browser would put it at the end: it stays with its words.
 * @param {import('react').RefObject<HTMLTextAreaElement | null>} area @param {string} text
 * @param {import('react').RefObject<string>} typed what was written here is where the cursor is already
 * @param {import('react').RefObject<number[]>} at the cursor, as it was */
function useKeptSelection(area, text, typed, at) {
	const before = useRef(text);
	useLayoutEffect(() => {
		const [from, to] = at.current.map((place) => carried(place, before.current, text));
		before.current = text;
		if (document.activeElement === area.current && typed.current !== text && from >= 0)
			area.current?.setSelectionRange(from, to);
	}, [area, text, typed, at]);
}

/** A page that goes saves what is written and frees the text, in time for whoever waits or loads it again. What cannot be
 * stored just now is asked about. @param {Draft} draft @param {() => void} stop */
function useLeaving(draft, stop) {
	const room = useRoom();
	useEffect(() => {
		const hide = () => (void draft.save(), stop());
		const ask = (/** @type {Event} */ event) => {
			void draft.save();
			const { conflict, error, isDirty } = draft.get();
			const { state, pending } = room?.saving ?? { state: 'saved', pending: 0 };
			if (conflict || (error && isDirty) || (pending > 0 && state === 'unsaved'))
				event.preventDefault();
		};
		addEventListener('pagehide', hide);
		addEventListener('beforeunload', ask);
		return () => {
			removeEventListener('pagehide', hide);
			removeEventListener('beforeunload', ask);
		};
	}, [draft, stop, room]);
}

/** @param {boolean} isMine @param {boolean} mayWrite @param {boolean} isIn */
function help(isMine, mayWrite, isIn) {
	if (!mayWrite)
		return 'You may read here, not write.';
	if (!isMine)
		return '';
	return isIn ? 'Saved while you write. Escape when you are done.' : 'You may go on writing: it is saved once the connection is back.';
}

/** Who took over gets a saved text, and the one before does not get it back unasked. @param {boolean} isMine @param {Draft} draft @param {() => void} stop */
function useLostTurn(isMine, draft, stop) {
	const was = useRef(isMine);
	useEffect(() => {
		if (was.current && !isMine) {
			draft.save();
			stop();
		}
		was.current = isMine;
	}, [isMine, draft, stop]);
}

/** Said as it is: Saved only when the server has it. @param {{view: import('./draft.js').DraftView, onRetry: () => void}} props */
function Saved({ view, onRetry }) {
	const save = useSaveStatus();
	const { state, words } = savedWords(view, save);
	return (
		<span className="saved" id="saved" role="status" data-state={state}>
			{words}
			{view.error ? <button type="button" className="quiet" onClick={onRetry}>Try again</button> : null}
		</span>
	);
}

/** @param {import('./draft.js').DraftView} view @param {import('moothall').SaveStatus} save */
function savedWords(view, save) {
	if (view.conflict)
		return { state: 'unsaved', words: 'Not saved: somebody saved in between' };
	if (view.error)
		return { state: 'unsaved', words: `Not saved: ${view.error}` };
	if (view.isSaving && save.pending > 0 && save.state === 'unsaved')
		return { state: 'unsaved', words: 'Not saved yet: waits for the connection' };
	if (view.isSaving || view.isDirty)
		return { state: 'saving', words: 'Saving' };
	return { state: 'saved', words: 'Saved' };
}

/** @param {{editing: Editing, mayWrite: boolean, onTakeOver: () => void}} props */
function Holder({ editing, mayWrite, onTakeOver }) {
	const me = useSelf()?.user.id;
	const elsewhere = useMembers((members) => members.filter((one) => one.id !== me && editsElsewhere(one)));
	const { holder } = editing;
	if (holder)
		return (
			<div className="notice" id="holder" role="status">
				<Avatar id={holder.id} name={holder.name} small />
				<span>{holder.id === me ? 'You are editing this in another tab.' : `${holder.name} is editing.`}</span>
				{mayWrite ? <button type="button" id="take-over" onClick={onTakeOver}>Take over</button> : null}
			</div>
		);
	if (elsewhere.length > 0)
		return <div className="notice" role="status">{list(elsewhere.map(({ name }) => name))} {elsewhere.length === 1 ? 'is' : 'are'} editing in another application.</div>;
	return null;
}
