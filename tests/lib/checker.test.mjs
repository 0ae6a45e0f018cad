// SPDX-License-Identifier: Apache-2.0
// The judge is judged: for each thing that must not happen, an account in which it happened once, and
// the innocent account next to it. A checker that cannot fail proves nothing.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Checker, violations } from './checker.mjs';

const room = 'r';
const nothing = Object.fromEntries(violations.map((each) => [each, 0]));
let seq = 0;

/** Ada speaks, Ben and Cleo listen. */
function three() {
	const checker = new Checker();
	for (const reader of ['ada', 'ben', 'cleo'])
		checker.enter(room, reader);
	checker.begin(room, 'ada', 'ada');
	checker.settle(room, ['ada', 'ben', 'cleo']);
	seq = 0;
	return checker;
}

/** Ada says the next numbers; each reader hears those listed. @param {Checker} checker @param {number} count
 * @param {Record<string, number[]>} heard */
function account(checker, count, heard) {
	const numbers = Array.from({ length: count }, () => checker.say(room, 'ada'));
	for (const [reader, list] of Object.entries(heard))
		for (const n of list)
			checker.hear(room, reader, 'ada', n, ++seq);
	return numbers;
}

/** @param {Checker} checker @param {Partial<typeof nothing>} [expected] */
function assertCounts(checker, expected = {}) {
	assert.deepEqual(checker.finish(), { ...nothing, ...expected }, checker.examples.join('\n'));
}

test('everything once and in order is no violation', () => {
	const checker = three();
	account(checker, 3, { ben: [0, 1, 2] });
	seq = 0; // the same messages, under the same numbers
	account(checker, 0, { cleo: [0, 1, 2] });
	assert.equal(checker.isComplete, true);
	assertCounts(checker);
});

/** @type {[string, number, Record<string, number[]>, Partial<typeof nothing>][]} */
const accounts = [
	['a number in the middle that one reader never heard is lost', 3, { ben: [0, 2] }, { lost: 1 }],
	['a first number is lost', 2, { ben: [1] }, { lost: 1 }],
	['a last number is lost', 2, { ben: [0] }, { lost: 1 }],
	['nothing heard at all is all of it lost', 2, { ben: [] }, { lost: 2 }],
	['the same twice is doubled', 2, { ben: [0, 1, 1] }, { doubled: 1 }],
	['an old one again is doubled', 3, { ben: [0, 1, 2, 0] }, { doubled: 1 }],
	['a number that comes after its successor is reordered, not lost', 3, { ben: [0, 2, 1] }, { reordered: 1 }],
	['reordered and then again is doubled too', 3, { ben: [0, 2, 1, 1] }, { reordered: 1, doubled: 1 }],
	['a number that nobody said is doubled', 1, { ben: [0, 1] }, { doubled: 1 }],
	['a sender that hears itself is doubled', 1, { ben: [0], ada: [0] }, { doubled: 1 }],
];
for (const [name, count, heard, expected] of accounts)
	test(name, () => {
		const checker = three();
		checker.exit(room, 'cleo');
		account(checker, count, heard);
		assertCounts(checker, expected);
	});

test('what is missing at one of two readers is counted once', () => {
	const checker = three();
	account(checker, 2, { ben: [0, 1] });
	seq = 0;
	account(checker, 0, { cleo: [0] });
	assert.equal(checker.isComplete, false);
	assertCounts(checker, { lost: 1 });
});

test('a gap counts while the load still runs, a tail does not', () => {
	const checker = three();
	account(checker, 4, { ben: [0, 2] });
	assert.equal(checker.counts.lost, 1);
	// In the end Ben never heard 1 and 3, Cleo none of the four.
	assertCounts(checker, { lost: 6 });
});

test('two readers that heard different messages under one number saw two histories', () => {
	const checker = three();
	account(checker, 2, {});
	checker.hear(room, 'ben', 'ada', 0, 1);
	checker.hear(room, 'ben', 'ada', 1, 2);
	checker.hear(room, 'cleo', 'ada', 0, 2);
	checker.hear(room, 'cleo', 'ada', 1, 3);
	assertCounts(checker, { forked: 1 });
});

for (const [name, numbers] of /** @type {[string, any[]][]} */ ([['stands still', [5, 5]], ['goes back', [5, 4]], ['is absent', [5, undefined]]]))
	test(`a number of the room that ${name} is reported`, () => {
		const checker = three();
		for (const number of numbers)
			checker.hearOther(room, 'ben', number);
		assertCounts(checker, { unnumbered: 1 });
	});

test('who joins later owes nothing for what was said before, and everything after', () => {
	const checker = three();
	account(checker, 3, { ben: [0, 1, 2], cleo: [] });
	checker.exit(room, 'ben');
	checker.exit(room, 'cleo');
	checker.enter(room, 'dan');
	account(checker, 3, { dan: [2, 3, 5] });
	assertCounts(checker, { lost: 1 });
});

test('a reader whose connection ended lost only what later ones passed over', () => {
	const checker = three();
	checker.exit(room, 'cleo');
	account(checker, 5, { ben: [0, 1, 3] });
	checker.exit(room, 'ben');
	assertCounts(checker, { lost: 1 });
});

test('the last words of a cut connection may be gone for all, not for some', () => {
	for (const [heard, lost] of /** @type {[number[], number][]} */ ([[[0, 1], 0], [[0], 1], [[1], 1]])) {
		const checker = three();
		account(checker, 4, { ben: [0, 1] });
		checker.cut(room, 'ada');
		seq = 0;
		for (const n of heard)
			checker.hear(room, 'cleo', 'ada', n, n + 1);
		assert.equal(checker.isComplete, lost === 0);
		assertCounts(checker, { lost });
	}
});

test('what was never confirmed may be missing for all, not for some', () => {
	for (const [heard, lost] of /** @type {[number[], number][]} */ ([[[0, 2], 0], [[0, 1, 2], 1]])) {
		const checker = three();
		account(checker, 3, { ben: [0, 2] });
		checker.doubt(room, 'ada', 1);
		heard.forEach((n) => checker.hear(room, 'cleo', 'ada', n, n === 1 ? 1.5 : n === 0 ? 1 : 2));
		assertCounts(checker, { lost });
	}
});

test('what was doubted may come late, once', () => {
	for (const [heard, doubled] of /** @type {[number[], number][]} */ ([[[0, 2, 1], 0], [[0, 2, 1, 1], 1]])) {
		const checker = three();
		account(checker, 3, { cleo: [0, 1, 2] });
		checker.doubt(room, 'ada', 1);
		heard.forEach((n, i) => checker.hear(room, 'ben', 'ada', n, [1, 3, 4, 5][i]));
		assertCounts(checker, { doubled });
	}
});

/** Ada said 0 and 1 before, 2 and 3 meanwhile, 4 after. */
/** @type {[string, number[], number[], Partial<typeof nothing>, number][]} */
const sparings = [
	['may be missing', [0, 1], [4], {}, 2],
	['may be missing in part', [0, 1], [3, 4], {}, 1],
	['may come', [0, 1], [2, 3, 4], {}, 0],
	['must come in order', [0, 1], [3, 2, 4], { reordered: 1 }, 0],
	['must come once', [0, 1], [2, 2, 4], { doubled: 1 }, 1],
	['does not excuse what comes after', [0, 1], [3], { lost: 1 }, 1],
	['does not excuse what was passed over before', [1], [4], { lost: 1 }, 2],
	['begins with what is on its way', [0], [4], {}, 3],
];
for (const [name, before, later, expected, spared] of sparings)
	test(`what is said while it need not arrive ${name}`, () => {
		const checker = three();
		checker.exit(room, 'cleo');
		account(checker, 2, { ben: before });
		checker.spare(room);
		account(checker, 2, {});
		checker.demand(room);
		account(checker, 1, { ben: later });
		assert.equal(checker.spared, spared);
		assertCounts(checker, expected);
	});

test('what need not arrive may be missing for one and come to another', () => {
	const checker = three();
	checker.spare(room);
	account(checker, 2, { ben: [0, 1] });
	checker.demand(room);
	assert.equal(checker.isComplete, true);
	assertCounts(checker);
});

test('what is published is never spared', () => {
	const checker = three();
	checker.begin(room, 'published');
	checker.spare(room);
	checker.say(room, 'published');
	checker.demand(room);
	assertCounts(checker, { lost: 3 });
});

test('nobody may be shown to leave or join once all are there', () => {
	const checker = three();
	checker.hearPresence(room, 'ada', 'left', 'ben');
	checker.hearPresence(room, 'cleo', 'joined', 'ben');
	assertCounts(checker, { left: 1, joined: 1 });
});

test('before that, coming and going is no lie', () => {
	const checker = new Checker();
	checker.enter(room, 'ada');
	checker.hearPresence(room, 'ada', 'joined', 'ben');
	checker.hearList(room, 'ada', ['ada']);
	assertCounts(checker);
});

test('a list must name exactly those who are there', () => {
	const checker = three();
	checker.hearList(room, 'ada', ['cleo', 'ben', 'ada']);
	checker.hearList(room, 'ada', ['ada', 'cleo']);
	checker.hearList(room, 'ada', ['ada', 'ben', 'cleo', 'eve']);
	assertCounts(checker, { left: 1, joined: 1 });
});

test('rooms do not answer for each other', () => {
	const checker = three();
	account(checker, 1, { ben: [0] });
	checker.enter('other', 'dan');
	checker.hear(room, 'cleo', 'ada', 0, 1);
	assert.equal(checker.isComplete, true);
	assertCounts(checker);
});
