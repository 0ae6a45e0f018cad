// SPDX-License-Identifier: Apache-2.0
// What the review page thinks, without the page: the text and what of it is stored, what differs between two
// texts, what the log says about a submission, and where others are in it.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { carried, pieces } from '../../client/review/src/difference.js';
import { createDraft } from '../../client/review/src/draft.js';
import { createLedger } from '../../client/review/src/ledger.js';
import { placeOf, rangeOf } from '../../client/review/src/presence.js';
import { grouped, read, sentence } from '../../client/review/src/submission.js';
import { bo, event as said, settled } from './fakes.mjs';

/** A draft, and what it asked to be stored. @param {import('node:test').TestContext} t */
function drafting(t) {
	t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
	/** @type {{data: any, base: number, stored: (seq: number) => Promise<void>, refused: (why: object) => Promise<void>}[]} */
	const asked = [];
	const draft = createDraft((_, data, { base }) => new Promise((resolve, reject) => asked.push({
		data, base, stored: async (seq) => (resolve(seq), settled()), refused: async (why) => (reject(why), settled()),
	})));
	draft.stored({ text: 'May', seq: 1, by: 'Bo' });
	return { draft, asked, pass: (/** @type {number} */ ms) => t.mock.timers.tick(ms) };
}

/** @param {import('../../client/review/src/draft.js').Draft} draft */
const told = (draft) => {
	const { text, isDirty, isSaving, conflict, error } = draft.get();
	return [text, isDirty && 'dirty', isSaving && 'saving', conflict?.text, error].filter(Boolean).join(' | ');
};

describe('the text', () => {
	test('is saved a moment after the last key, and at the latest every few seconds, on top of what was seen', async (t) => {
		const { draft, asked, pass } = drafting(t);
		draft.type('June');
		pass(799);
		assert.equal(asked.length, 0);
		pass(1);
		assert.deepEqual([asked[0].data, asked[0].base, told(draft)], [{ field: 'content', newValue: 'June' }, 1, 'June | dirty | saving']);
		await asked[0].stored(2);
		assert.equal(told(draft), 'June');
		for (let i = 0; i < 10; i++) {
			draft.type(`June ${i}`);
			pass(400);
		}
		assert.equal(asked.length, 2, 'who writes without a pause is saved, too');
	});

	test('what is typed while it is being saved is saved next', async (t) => {
		const { draft, asked } = drafting(t);
		draft.type('June');
		draft.save();
		draft.type('June, at last');
		draft.save();
		assert.equal(asked.length, 1, 'one at a time');
		await asked[0].stored(2);
		assert.deepEqual([asked[1].data.newValue, asked[1].base], ['June, at last', 2]);
	});

	test('what others save is taken, unless something here is not stored', async (t) => {
		const { draft } = drafting(t);
		draft.stored({ text: 'July', seq: 2, by: 'Bo' });
		assert.equal(told(draft), 'July');
		draft.type('August');
		draft.stored({ text: 'September', seq: 3, by: 'Bo' });
		assert.equal(told(draft), 'August | dirty');
		draft.stored({ text: 'old', seq: 2, by: 'Bo' });
		assert.equal(told(draft), 'August | dirty');
	});

	for (const [choice, text, saves] of /** @type {const} */ ([['keepMine', 'August', 2], ['takeTheirs', 'September', 1]]))
		test(`a conflict: both are kept until one decides: ${choice}`, async (t) => {
			const { draft, asked, pass } = drafting(t);
			draft.type('August');
			draft.save();
			await asked[0].refused({ code: 'conflict', reason: 'newer', seq: 2, data: { field: 'content', newValue: 'July' } });
			assert.equal(told(draft), 'August | dirty | July');
			draft.stored({ text: 'September', seq: 3, by: 'Bo' });
			pass(10_000);
			assert.deepEqual([told(draft), asked.length], ['August | dirty | September', 1], 'nothing is saved meanwhile');
			draft[choice]();
			assert.deepEqual([draft.get().text, asked.length], [text, saves]);
			if (saves === 2)
				assert.equal(asked[1].base, 3, 'on top of theirs');
		});

	test('what could not be stored says so, and can be tried again', async (t) => {
		const { draft, asked } = drafting(t);
		draft.type('June');
		draft.save();
		await asked[0].refused({ code: 'too_big', reason: 'too large' });
		assert.equal(told(draft), 'June | dirty | too large');
		draft.save();
		await asked[1].stored(2);
		assert.equal(told(draft), 'June');
	});
});

describe('what differs', () => {
	const shown = (/** @type {string} */ a, /** @type {string} */ b) => pieces(a, b).map(({ text, differs }) => (differs ? `[${text}]` : text)).join('');

	test('whole words, each where it stands', () => {
		assert.equal(shown('The hall opens in June.', 'The hall opens in July, says Grace.'), 'The hall opens in [June.]');
		assert.equal(shown('The hall opens in July, says Grace.', 'The hall opens in June.'), 'The hall opens in [July, says Grace.]');
		assert.equal(shown('one two three four', 'one 2 three 4'), 'one [two] three [four]');
		assert.equal(shown('same', 'same'), 'same');
		assert.equal(shown('', 'x'), '');
		assert.equal(shown('all of it', ''), '[all of it]');
	});

	test('the pieces are the text, whatever the other one is', () => {
		const words = ['a', 'b', ' ', '\n', 'ab', 'c. '];
		for (let i = 0; i < 500; i++) {
			const [a, b] = [0, 1].map((k) => Array.from({ length: (i + k * 7) % 12 }, (_, j) => words[(i * 31 + j * (k + 3) * 17) % words.length]).join(''));
			assert.equal(pieces(a, b).map(({ text }) => text).join(''), a);
		}
		const long = 'word '.repeat(20_000);
		assert.deepEqual(pieces(`a ${long}b`, `c ${long}d`).length, 1, 'too much to be compared in words');
	});

	test('a place stays with its words', () => {
		assert.equal(carried(4, 'abc def', 'abc def'), 4);
		assert.equal(carried(4, 'abc def', 'xx abc def'), 7);
		assert.equal(carried(4, 'xx abc def', 'abc def'), 1);
		assert.equal(carried(2, 'abc def', 'abc def, and more'), 2);
		assert.equal(carried(5, 'abc def ghi', 'abc X ghi'), 5, 'what it was in is gone: behind what is there now');
		assert.equal(carried(7, 'abc def', ''), 0);
	});
});

describe('the log', () => {
	const approval = (/** @type {number} */ seq, /** @type {string} */ status, from = bo) => said(seq, { event: 'approval_added', from, data: { approval: { status } } });

	test('says title, status, text, comments, and the last word of each', () => {
		const events = /** @type {any[]} */ ([
			said(1, { event: 'status_changed', data: { status: 'DRAFT', title: 'Letter' } }),
			said(2, { event: 'content_updated', data: { field: 'content', newValue: 'one' } }),
			said(3, { event: 'content_updated', data: { field: 'content', content: 'two' } }),
			said(4, { event: 'content_updated', data: { title: 'A letter', changes: {} } }),
			said(5, { data: { comment: { content: 'fine' } } }),
			approval(6, 'CHANGES_REQUESTED'), approval(7, 'APPROVED'), approval(8, 'APPROVED', { ...bo, id: 'u_cy' }),
		]);
		const { title, status, saved, comments, approvals } = read(events);
		assert.deepEqual([title, status, saved?.text, saved?.seq], ['A letter', { name: 'DRAFT', seq: 1 }, 'two', 3]);
		assert.deepEqual([comments.map(({ seq }) => seq), approvals.map(({ seq }) => seq)], [[5], [7, 8]]);
		assert.deepEqual(grouped(events).map(({ event, times }) => `${sentence(event)} ${times}`), ['approved 1', 'approved 1', 'asked for changes 1', 'commented 1',
			'updated the submission 1', 'saved the text 2', 'set the status to Draft 1']);
	});

	test('nothing that others may have said breaks it', () => {
		for (const data of [null, 7, 'x', [], {}, { comment: 7 }, { approval: null }, { status: 3, title: {} }, { field: 'content', newValue: 7 }])
			for (const event of ['content_updated', 'comment_added', 'approval_added', 'status_changed', 'something_else'])
				assert.equal(typeof sentence(/** @type {any} */ (said(1, { event, data }))) + read(/** @type {any} */ ([said(1, { event, data })])).title, 'string');
	});

	test('is read back page by page, each event once, whichever way it came', async () => {
		/** @type {Map<string, (value: any) => void>} */
		const hear = new Map();
		const stored = Array.from({ length: 70 }, (_, i) => /** @type {any} */ (said(i + 1)));
		const room = /** @type {any} */ ({
			ready: Promise.resolve(), seq: 70, status: { state: 'joined' }, on: (/** @type {string} */ name, /** @type {any} */ handler) => (hear.set(name, handler), () => hear.delete(name)),
			history: async (/** @type {any} */ { before, limit, events }) => {
				const all = stored.filter(({ seq, event }) => seq < before && (!events || events.includes(event)));
				return { events: all.slice(-limit), first: 1, head: 70, more: all.length > limit };
			},
		});
		const ledger = createLedger(room);
		await settled();
		hear.get('event')?.(said(71));
		hear.get('event')?.(said(70));
		const { feedFrom, hasEarlier, ready } = ledger.get();
		assert.deepEqual([feedFrom, hasEarlier, ready], [41, true, true]);
		while (ledger.get().hasEarlier)
			await ledger.earlier();
		assert.deepEqual([ledger.get().feedFrom, ledger.get().events.map(({ seq }) => seq)], [1, Array.from({ length: 71 }, (_, i) => i + 1)]);
		ledger.close();
		assert.equal(hear.size, 0);
	});
});

test('cursors of both kinds of clients are ranges of the text, and of nothing else', () => {
	const text = 'first\nsecond line';
	assert.deepEqual(rangeOf({ field: 'content', from: 2, to: 99 }, text, 'content'), { from: 2, to: 17 });
	assert.equal(rangeOf({ field: 'title', from: 2 }, text, 'content'), null);
	assert.deepEqual(rangeOf({ data: { position: { line: 2, column: 1, anchor: { line: 2, column: 8 }, focus: { line: 1, column: 3 } } } }, text, 'content'), { from: 2, to: 13 });
	for (const odd of [null, 7, {}, { position: {} }, { position: { line: 'x' } }])
		assert.equal(rangeOf(odd, text, 'content'), null);
	for (const at of [0, 5, 6, 17])
		assert.deepEqual(rangeOf({ position: placeOf(text, at) }, text, 'content'), { from: at, to: at });
});
