// SPDX-License-Identifier: Apache-2.0
// The text as it is being written here, and what of it is stored. One save at a time, each based on the
// version that its author has seen; when the server knows a newer one, nothing is overwritten: both are
// kept until somebody decides.
import { field } from './submission.js';

const pauseMs = 800; // after the last key
const mostMs = 3_000; // while somebody goes on typing

/** @typedef {{text: string, seq: number, by: string}} Saved */
/** @typedef {{text: string, base: string, isDirty: boolean, isSaving: boolean, conflict: Saved | null, error: string}} DraftView  base: what the text was made from */

/** @param {(event: string, data: any, how: {base: number}) => Promise<number>} publish */
export function createDraft(publish) {
	/** What is stored and what the text here was made from. @type {Saved} */
	let base = { text: '', seq: 0, by: '' };
	/** The newest that is stored. */
	let newest = base;
	let text = '';
	let isSaving = false;
	let error = '';
	/** @type {Saved | null} */
	let conflict = null;
	let soon = /** @type {any} */ (0);
	let since = 0;
	/** @type {DraftView} */
	let view = { text, base: '', isDirty: false, isSaving, conflict, error };
	/** @type {Set<() => void>} */
	const listeners = new Set();

	function changed() {
		view = { text, base: base.text, isDirty: text !== base.text, isSaving, conflict, error };
		for (const listener of listeners)
			listener();
	}

	/** @param {Saved} saved */
	function adopt(saved) {
		base = saved;
		text = saved.text;
		conflict = null;
		error = '';
	}

	async function save() {
		clearTimeout(soon);
		since = 0;
		if (isSaving || conflict || text === base.text)
			return;
		const sent = text;
		isSaving = true;
		error = '';
		changed();
		try {
			const seq = await publish('content_updated', { field, newValue: sent }, { base: base.seq });
			base = { text: sent, seq, by: '' };
		} catch (cause) {
			const { code, reason, seq, data } = /** @type {any} */ (cause);
			if (code === 'conflict')
				conflict = { seq, text: data?.newValue ?? data?.content ?? newest.text, by: newest.seq === seq ? newest.by : '' };
			else
				error = reason ?? 'it could not be stored';
		}
		isSaving = false;
		if (!conflict && !error && newest.seq > base.seq && text === base.text)
			adopt(newest);
		changed();
		if (!error)
			void save(); // what was typed meanwhile
	}

	return {
		get: () => view,
		/** @param {() => void} listener */
		subscribe(listener) {
			listeners.add(listener);
			return () => void listeners.delete(listener);
		},
		/** @param {string} next */
		type(next) {
			text = next;
			since ||= Date.now();
			clearTimeout(soon);
			soon = setTimeout(save, Math.max(0, Math.min(pauseMs, since + mostMs - Date.now())));
			changed();
		},
		save,
		/** The room says what is stored. @param {Saved} saved */
		stored(saved) {
			if (saved.seq <= newest.seq)
				return;
			newest = saved;
			if (conflict)
				conflict = saved;
			else if (text === base.text && !isSaving)
				adopt(saved);
			changed();
		},
		/** On top of theirs. */
		keepMine() {
			if (!conflict)
				return;
			base = conflict;
			conflict = null;
			changed();
			void save();
		},
		takeTheirs() {
			if (conflict)
				adopt(conflict);
			changed();
		},
	};
}

/** @typedef {ReturnType<typeof createDraft>} Draft */
