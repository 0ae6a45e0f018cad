// SPDX-License-Identifier: Apache-2.0
// The disk of the database is full, really: the events lie on a small file system of their own. What was
// acknowledged stays, what is published waits or is told to be said again, and is stored once there is room.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { metric } from '../lib/metrics.mjs';
import { Native } from '../lib/native.mjs';
import { World } from '../lib/world.mjs';

const heldMs = 4_500; // JOURNAL_HOLD_NS of roomd/journal.h

/** @type {World} */
let world;
/** @type {string} */
let disk;
before(async () => {
	if (process.getuid?.() !== 0)
		throw new Error('this test mounts a file system: run it as root');
	world = await World.open();
	disk = fs.mkdtempSync(path.join(os.tmpdir(), 'moot-disk-'));
	const { uid } = fs.statSync(`/proc/${world.cluster.postgres.process.pid}`);
	execFileSync('mount', ['-t', 'tmpfs', '-o', `size=8m,mode=700,uid=${uid}`, 'tmpfs', disk]);
	process.once('exit', unmount);
	await world.cluster.sql(`create tablespace small location '${disk}'`);
	await world.cluster.sql('alter table event set tablespace small');
});
after(async () => {
	await world?.close();
	unmount();
});

/** It is gone afterwards, also when the test fails. */
function unmount() {
	if (!disk || !fs.existsSync(disk))
		return;
	execFileSync('umount', ['--lazy', disk]);
	fs.rmdirSync(disk);
}

/** Until nothing fits any more. */
function fill() {
	const file = fs.openSync(path.join(disk, 'filling'), 'w');
	try {
		for (const bytes of [1 << 16, 1 << 10])
			writeAll(file, Buffer.alloc(bytes));
	} finally {
		fs.closeSync(file);
	}
}

/** @param {number} file @param {Buffer} bytes */
function writeAll(file, bytes) {
	try {
		for (;;)
			fs.writeSync(file, bytes);
	} catch (cause) {
		assert.equal(/** @type {any} */ (cause).code, 'ENOSPC');
	}
}

const empty = () => fs.rmSync(path.join(disk, 'filling'));
const large = () => ({ x: randomBytes(9_000).toString('base64') }); // finds no room in a page that is there, and three of them may wait

/** @param {string} room */
async function stored(room) {
	const rows = await world.cluster.sql(`select seq from event where room = '${room}' order by seq`);
	return rows.map(({ seq }) => Number(seq));
}

/** @param {string} room @param {Native} ann @param {Native} bob @param {number} ms */
async function whileFull(room, ann, bob, ms) {
	const urls = world.cluster.internalUrls.slice(world.cluster.gateways.length);
	const failed = await metric('moot_store_errors_total', ...urls);
	const answers = [1, 2, 3].map(() => ann.publish(room, 'said', large()));
	await sleep(ms);
	const tries = await metric('moot_store_errors_total', ...urls) - failed;
	assert.ok(tries >= 2 && tries <= ms / 100, `it is tried now and then: ${tries} times in ${ms} ms`);
	ann.send({ type: 'cast', room, key: 'k', data: 1 });
	await bob.next('cast'); // all else goes on
	assert.deepEqual(await stored(room), [1]);
	return answers;
}

for (const [how, ms] of /** @type {[string, number][]} */ ([['for a moment: what is published waits', 2_000], ['for longer: it is refused, to be said again', heldMs + 2_000]]))
	test(`a full disk, ${how}`, async () => {
		const room = `submission:${world.room('submission', 0).id}`;
		const [ann, bob] = [await Native.open(world.base(0), world.users[3]), await Native.open(world.base(1), world.users[4])];
		try {
			await ann.join(room);
			await bob.join(room);
			assert.equal(await ann.publish(room, 'said', { n: 1 }), 1);
			fill();
			const answers = await whileFull(room, ann, bob, ms).finally(empty);
			const refused = ann.told.filter(({ type }) => type === 'refused');
			assert.equal(refused.some(({ code }) => code === 'db_away'), ms > heldMs);
			assert.ok(refused.every(({ retry_after_ms: wait }) => wait > 0), JSON.stringify(refused.slice(0, 3)));
			assert.deepEqual(await Promise.all(answers), [2, 3, 4]);
			await bob.until(() => bob.rooms.get(room)?.seqs.length === 4, 'all of them');
			assert.deepEqual([bob.rooms.get(room)?.seqs, await stored(room), bob.faults], [[1, 2, 3, 4], [1, 2, 3, 4], []]);
		} finally {
			await Promise.all([ann.leave(), bob.leave()]);
		}
	});
