// SPDX-License-Identifier: Apache-2.0
// A crowd enters a room within two seconds: the short form of `./dev bench arrivals`.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Arrivals, WITHIN_MS } from '../lib/arrivals.mjs';

const MESSAGES = new Map([[250, 70], [1_000, 40]]); // to one of so many in two seconds; as many more as the machine takes longer

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
		assert.ok(messages <= Number(MESSAGES.get(members)) * (1 + lastMs / WITHIN_MS), `${messages} messages to one of ${members}`);
	}
	const growth = large.bytesPerJoin / small.bytesPerJoin;
	assert.ok(growth > 3 && growth < 5, `four times the members, ${growth.toFixed(2)} times the bytes per join`);
});
