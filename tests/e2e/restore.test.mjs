// SPDX-License-Identifier: Apache-2.0
// A backup is put back in place of the database, as docs/operations.md says: with pg_dump, while the cluster
// goes on; then all processes are started again.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { Mootctl } from '../lib/mootctl.mjs';
import { Native } from '../lib/native.mjs';
import { World } from '../lib/world.mjs';

const run = promisify(execFile);
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'moothall-restore-'));

/** @type {World} */
let world;
before(async () => {
	world = await World.open({ gateways: 1, shards: 1 });
});
after(async () => {
	await world?.close();
	fs.rmSync(dir, { recursive: true, force: true });
});

test('what was stored when it was made is there, and what comes after goes on from it', async () => {
	const { cluster } = world;
	const room = `submission:${world.room('submission', 0).id}`;
	const backup = path.join(dir, 'moot.dump');
	const ann = await Native.open(world.base(0), world.users[0]);
	await ann.join(room);
	const say = (/** @type {string} */ text) => ann.publish(room, 'comment_added', { text });
	assert.deepEqual([await say('one'), await say('two')], [1, 2]);
	await run('pg_dump', ['--format=custom', '--file', backup, cluster.databaseUrl]);
	assert.equal(await say('after the backup'), 3);
	await ann.leave();

	for (const one of [...cluster.gateways, ...cluster.shards])
		await cluster.stopProcess(one);
	await run('pg_restore', ['--clean', '--if-exists', '--dbname', cluster.databaseUrl, backup]);
	for (const one of [...cluster.shards, ...cluster.gateways])
		await cluster.startProcess(one);

	const ctl = Mootctl.of(cluster);
	assert.equal((await ctl.run(['sql-migrate', 'check'])).code, 0);
	assert.match((await ctl.run(['status'])).out, /^shard-1 +shard +active .* yes$/m);
	const bob = await Native.open(world.base(0), world.users[1]);
	await bob.join(room, { since: 0 });
	assert.equal(await bob.publish(room, 'comment_added', { text: 'three' }), 3);
	await bob.next((message) => message.type === 'event' && message.data.text === 'three');
	assert.deepEqual(bob.told.filter(({ type }) => type === 'event').map(({ seq, data }) => [seq, data.text]), [[1, 'one'], [2, 'two'], [3, 'three']]);
	await bob.leave();
});
