// SPDX-License-Identifier: Apache-2.0
// A crowd enters a room within two seconds: the short form of `./dev bench arrivals`.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Arrivals, WITHIN_MS } from '../lib/arrivals.mjs';

const MESSAGES = 40; // to one of 1,000 in two seconds; as many more as the machine takes longer
const PRESENCE_MS = 50; // between two tellings of changes (docs/protocol.md)
const PAGE = 200; // members in one message of the list

/** @type {Arrivals} */
let arrivals;
before(async () => {
	arrivals = await Arrivals.open('debug', 1_000);
});
after(() => arrivals?.close());

test('each of 1,000 hears once of each other, in at most 40 messages, and a join costs bytes by the size of the room', async (t) => {
	const small = await arrivals.enter(250);
	const large = await arrivals.enter(1_000);
	for (const { members, messages, lastMs, bytesPerJoin, faults } of [small, large]) {
		t.diagnostic(`${members}: ${messages} messages, ${Math.round(bytesPerJoin)} bytes per join, all told ${lastMs} ms after the last came`);
		assert.deepEqual(faults, []);
		assert.ok(messages <= Math.ceil(members / PAGE) + Math.ceil((WITHIN_MS + lastMs) / PRESENCE_MS), `${messages} messages to one of ${members}`);
	}
	assert.ok(large.messages <= MESSAGES * (1 + large.lastMs / WITHIN_MS), `${large.messages} messages to one of ${large.members}`);
	const growth = large.bytesPerJoin / small.bytesPerJoin;
	assert.ok(growth > 3 && growth < 5, `four times the members, ${growth.toFixed(2)} times the bytes per join`);
});
