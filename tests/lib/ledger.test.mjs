// SPDX-License-Identifier: Apache-2.0
// For each flaw that a table of events can have, a table that has it once; and the tables without one.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flaws, flawsOf, Ledger } from './ledger.mjs';

const room = 'submission:r';
const nothing = Object.fromEntries(flaws.map((each) => [each, 0]));

/** Ada publishes 0 1 2, each acknowledged and shown; Ben 0, refused and shown to nobody.
 * @param {{unshown?: number[], shown?: [string, number][]}} [but] */
function ledger({ unshown = [], shown = [] } = {}) {
	const all = new Ledger();
	all.watch(room);
	for (const n of [0, 1, 2]) {
		all.say(room, 'ada', n);
		all.ack(room, 'ada', n);
		if (!unshown.includes(n))
			all.show(room, 'ada', n);
	}
	all.say(room, 'ben', 0);
	all.refuse(room, 'ben', 0);
	for (const [stream, n] of shown)
		all.show(room, stream, n);
	return all;
}

/** @param {...string} lines `seq stream n` */
function rows(...lines) {
	return lines.map((line) => {
		const [seq, stream, n] = line.split(' ');
		return { room, seq: Number(seq), stream, n: Number(n) };
	});
}

const table = ['1 ada 0', '2 ada 1', '3 ada 2'];

test('all that was acknowledged, once and in order, is no flaw; a refused one may be missing', () => {
	const account = ledger().audit(rows(...table));
	assert.deepEqual(account.flaws, nothing, account.examples.join('\n'));
	assert.deepEqual(flawsOf(account), []);
	assert.deepEqual({ ...account, flaws: 0, examples: 0 }, { stored: 3, acked: 3, refused: 1, refusedButStored: 0, flaws: 0, examples: 0 });
});

test('a refused one may be there, once, and then it was shown', () => {
	const account = ledger({ shown: [['ben', 0]] }).audit(rows(...table, '4 ben 0'));
	assert.deepEqual(account.flaws, nothing, account.examples.join('\n'));
	assert.equal(account.refusedButStored, 1);
});

test('a refused one may be stored behind later ones of a publisher who went on without it', () => {
	const all = new Ledger();
	for (const n of [0, 1])
		all.say(room, 'ada', n);
	all.refuse(room, 'ada', 0);
	all.ack(room, 'ada', 1);
	assert.deepEqual(all.audit(rows('1 ada 1', '2 ada 0')).flaws, nothing);
});

/** @type {[string, Parameters<typeof ledger>[0], string[], Partial<typeof nothing>][]} */
const flawed = [
	['a number that is skipped is a gap', {}, ['1 ada 0', '2 ada 1', '4 ada 2'], { gap: 1 }],
	['a first number that is not 1 is a gap', {}, ['2 ada 0', '3 ada 1', '4 ada 2'], { gap: 1 }],
	['a number that is used twice is a gap', {}, ['1 ada 0', '1 ada 1', '2 ada 2'], { gap: 1 }],
	['an acknowledged one that is not there is missing', { unshown: [2] }, table.slice(0, 2), { missing: 1 }],
	['a shown one that is not there has vanished too', {}, table.slice(0, 2), { missing: 1, vanished: 1 }],
	['a refused one that was shown and is not there has vanished', { shown: [['ben', 0]] }, table, { vanished: 1 }],
	['the same under two numbers is there twice', {}, [...table, '4 ada 2'], { twice: 1 }],
	['what nobody published was not said', {}, [...table, '4 cleo 0'], { unsaid: 1 }],
	['an earlier one behind a later one is reordered', {}, ['1 ada 0', '2 ada 2', '3 ada 1'], { reordered: 1 }],
	['one that is there and was shown to nobody is unseen', { unshown: [1] }, table, { unseen: 1 }],
	['a refused one that is there and was shown to nobody is unseen', {}, [...table, '4 ben 0'], { unseen: 1 }],
];
for (const [name, but, lines, expected] of flawed)
	test(name, () => {
		const account = ledger(but).audit(rows(...lines));
		assert.deepEqual(account.flaws, { ...nothing, ...expected }, account.examples.join('\n'));
		assert.equal(flawsOf(account).length, Object.keys(expected).length);
	});

test('in a room that nobody watches nothing is unseen', () => {
	const all = new Ledger();
	all.say(room, 'ada', 0);
	all.ack(room, 'ada', 0);
	assert.deepEqual(all.audit(rows('1 ada 0')).flaws, nothing);
});

test('rooms do not answer for each other', () => {
	const all = ledger();
	all.say('submission:other', 'ada', 0);
	all.ack('submission:other', 'ada', 0);
	assert.deepEqual(all.audit(rows(...table)).flaws, { ...nothing, missing: 1 });
});

test('an answer to what was not said is a mistake of the test', () => {
	assert.throws(() => new Ledger().ack(room, 'ada', 0), /was not said/);
});
