// SPDX-License-Identifier: Apache-2.0
// TLS between the processes and PostgreSQL: it is libpq's, by what the URL says. Here the server's certificate
// is checked as far as that goes (sslmode=verify-full).

import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { makeCertificate } from '../../deploy/local/certificate.mjs';
import { eventually } from '../lib/eventually.mjs';
import { request } from '../lib/http.mjs';
import { World } from '../lib/world.mjs';

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'moothall-pg-tls-'));
/** @type {World} */
let world;
/** @type {import('../../deploy/local/certificate.mjs').Pair} */
let pair;

before(async () => {
	fs.chmodSync(dir, 0o755);
	pair = await makeCertificate(dir);
	world = await World.open({ gateways: 1, shards: 1, databaseTls: pair });
});
after(async () => {
	await world?.close();
	fs.rmSync(dir, { recursive: true, force: true });
});

const connections = () => world.cluster.sql(`
	select ssl, version from pg_stat_ssl join pg_stat_activity using (pid) where usename = 'moot_app'`);

test('every connection of the processes is over TLS, and the cluster works', async () => {
	const all = await connections();
	assert.ok(all.length >= 2, `${all.length}`);
	assert.ok(all.every(({ ssl, version }) => ssl === 't' && version === 'TLSv1.3'), JSON.stringify(all));
	const room = world.room('submission', 0);
	const [a, b] = [await world.join(room, 0), await world.join(room, 1)];
	for (let n = 0; n < 20; n++) { // a row of 60 KB takes several records
		const sent = await request(`${world.publicUrl}/api/ws/submissions/${room.id}/broadcast`, {
			method: 'POST', headers: { Authorization: 'Bearer session-0' }, body: JSON.stringify({ type: 'comment_added', data: { n, padding: 'x'.repeat(n * 3_000) } }),
		});
		assert.equal(sent.status, 200);
		assert.equal((await b.next('comment_added')).data.n, n);
	}
	await Promise.all([a.leave(), b.leave()]);
});

test('it is so again after PostgreSQL was restarted', async () => {
	await world.cluster.postgres.stop();
	await world.cluster.postgres.start();
	await eventually(async () => (await connections()).length >= 2, 'they are connected again', 20_000);
	assert.ok((await connections()).every(({ ssl }) => ssl === 't'));
});

test('a server whose certificate nobody vouches for is not spoken with, and the log says why', async () => {
	const [gateway] = world.cluster.gateways;
	const good = fs.readFileSync(pair.certificate);
	const other = await makeCertificate(path.join(dir, 'other'));
	await world.cluster.stopProcess(gateway);
	fs.copyFileSync(other.certificate, pair.certificate);
	await gateway.start();
	await eventually(() => /certificate verify failed/.test(world.cluster.log(gateway)), 'the reason in the log', 20_000);
	const ready = await request(`${world.cluster.internalUrls[0]}/readyz`);
	assert.equal(ready.status, 503);
	fs.writeFileSync(pair.certificate, good);
	await gateway.ready();
	await (await world.join(world.room('submission', 0), 0)).leave();
});
