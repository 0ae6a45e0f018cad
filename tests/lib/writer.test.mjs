// SPDX-License-Identifier: Apache-2.0
// The comparison by which a chaos run is judged finds each way in which a stream can differ from the table.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Ledger } from './ledger.mjs';
import { Writer } from './writer.mjs';

const room = 'submission:a';
const rows = [1, 2, 3, 4].map((seq) => ({ room, seq, stream: 'u', n: seq - 1 }));

/** @param {[number, string][]} shown */
function writerWho(...shown) {
	const user = { id: 'u', name: 'U', email: 'u@example.org', session: 's' };
	const writer = new Writer({ user, room: { kind: 'submission', id: 'a' } }, new Ledger(), { urls: [], random: () => 0, thinkMs: 0 });
	writer.shown = shown.map(([seq, what]) => ({ seq, what }));
	return writer;
}

describe('what a writer was shown', () => {
	test('may begin late, and is then all that the table has', () => {
		assert.deepEqual(writerWho([2, 'u 1'], [3, 'u 2'], [4, 'u 3']).compare(rows), []);
	});

	/** @type {[string, [number, string][]][]} */
	const wrong = [
		['lacks one in the middle', [[2, 'u 1'], [4, 'u 3']]],
		['lacks the last one', [[2, 'u 1'], [3, 'u 2']]],
		['has one twice', [[3, 'u 2'], [3, 'u 2'], [4, 'u 3']]],
		['has two the wrong way round', [[2, 'u 1'], [4, 'u 3'], [3, 'u 2']]],
		['has another one under its number', [[3, 'u 2'], [4, 'u 9']]],
		['has one that is not stored', [[3, 'u 2'], [4, 'u 3'], [5, 'u 4']]],
	];
	for (const [how, shown] of wrong)
		test(`is wrong when it ${how}`, () => assert.notDeepEqual(writerWho(...shown).compare(rows), []));

	test('is wrong when its client was given something out of turn', () => {
		const writer = writerWho([4, 'u 3']);
		writer.client.faults.push('7 after 5');
		assert.deepEqual(writer.compare(rows), ['stream: 7 after 5']);
	});
});
