// SPDX-License-Identifier: Apache-2.0
// The short form of `./dev chaos`: a minute in which everything goes wrong that may, and nothing that was
// acknowledged is missing, nothing comes twice or out of order, nothing was seen that is not stored.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Chaos, describe as inWords } from '../lib/chaos.mjs';

const plan = { seconds: 60, seed: Date.now() % 2 ** 31, publishers: 200, rooms: 50 };

/** @type {Chaos} */
let chaos;
before(async () => {
	chaos = await Chaos.open({ ...plan, say: () => {} });
});
after(() => chaos?.close());

describe(`${plan.publishers} publishers in ${plan.rooms} rooms, seed ${plan.seed}`, () => {
	test(`${plan.seconds} s of chaos: what the clients saw is what is stored`, async (t) => {
		await chaos.rage();
		const report = await chaos.settle();
		t.diagnostic(inWords(report));
		assert.deepEqual(report.flaws, []);
		assert.ok(report.account.acked > 0 && report.resumes > 0, 'something was published, and somebody was cut off');
		assert.equal(Object.keys(report.faults).length, 5, 'everything went wrong that may');
	});
});
