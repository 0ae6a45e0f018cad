// SPDX-License-Identifier: Apache-2.0
// Access over time: what is taken away ends connections at once; a database that is slow or away ends
// nothing that is known.

import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { fence } from '../lib/client.mjs';
import { eventually } from '../lib/eventually.mjs';
import { bearer, request, upgrade } from '../lib/http.mjs';
import { layouts, World } from '../lib/world.mjs';

/** @type {World} */
let world;

before(async () => {
	world = await World.open();
	await world.cluster.sql(`insert into users (id, name, email, user_type)
		select 'guest_' || i, 'Guest ' || i, 'guest' || i || '@example.org', 'Reviewer' from generate_series(0, 9) i;
		insert into sessions (id, user_id, expires_at)
		select 's-guest-' || i, 'guest_' || i, now() + interval '1 day' from generate_series(0, 9) i`);
});
after(() => world?.close());
beforeEach(() => world.restart());

/** @param {number} n */
const guest = (n) => ({ id: `guest_${n}`, name: `Guest ${n}`, email: `guest${n}@example.org`, session: `s-guest-${n}` });

for (const layout of layouts.slice(0, 2)) {
	describe(`taken away: ${layout.name}`, () => {
		const first = layout === layouts[0] ? 0 : 3;

		/** @param {number} n @param {(room: import('../lib/client.mjs').Room) => Promise<unknown>} take @param {RegExp} codes */
		async function takenAway(n, take, codes) {
			world.layout = layout;
			const room = world.room();
			const who = guest(n);
			await world.cluster.sql(`update submissions set required_approvers = required_approvers || array['${who.email}'] where id = '${room.id}'`);
			const [a, b] = [await world.join(room, 0), await world.join(room, who)];
			await fence(b, [a]);
			const from = Date.now();
			await take(room);
			const end = await b.closed;
			const took = Date.now() - from;
			assert.match(String(end.code), codes);
			assert.ok(end.reason.length > 0, 'a close says why');
			assert.ok(took < 3_000, `after ${took} ms`);
			assert.equal((await a.next('user_left')).userId, who.id);
			assert.ok(a.isOpen);
			return room;
		}

		test('the session: signed out', async () => {
			const room = await takenAway(first, () => world.cluster.sql(`delete from sessions where id = 's-guest-${first}'`), /^(4401|4410)$/);
			const answer = await upgrade(`${world.cluster.publicUrl}/api/ws/submissions/${room.id}?sessionId=s-guest-${first}`);
			assert.equal(answer.status, 403);
			const session = await request(`${world.cluster.publicUrl}/api/auth/session`, { headers: bearer(`s-guest-${first}`) });
			assert.equal(session.status, 404);
		});

		test('the right to enter: no longer an approver', async () => {
			const n = first + 1;
			const room = await takenAway(n, (one) =>
				world.cluster.sql(`update submissions set required_approvers = array_remove(required_approvers, '${guest(n).email}') where id = '${one.id}'`), /^(4403|4410)$/);
			const answer = await upgrade(`${world.cluster.publicUrl}/api/ws/submissions/${room.id}?sessionId=s-guest-${n}`);
			assert.equal(answer.status, 403);
			assert.equal(answer.body, '{"error":"Access denied"}');
		});

		test('the user', async () => {
			const n = first + 2;
			await takenAway(n, () => world.cluster.sql(`delete from users where id = 'guest_${n}'`), /^(4401|4410)$/);
		});
	});
}

test('a viewer of a document may look and point, not write', async () => {
	const room = world.room('document');
	await world.cluster.sql(`update documents set viewers = array['guest_9'] where id = '${room.id}'`);
	const [a, viewer] = [await world.join(room, 0), await world.join(room, guest(9))];
	for (const type of ['content_updated', 'realtime_content_update', 'text_operation', 'editing_started']) {
		viewer.send(type, { by: 'viewer' });
		const refusal = await viewer.next('error');
		assert.equal(typeof refusal.data.error, 'string', type);
	}
	viewer.send('cursor_position', { by: 'viewer' });
	await a.next('cursor_position');
	assert.deepEqual(a.received.filter((message) => message.data?.by === 'viewer').map((message) => message.type), ['cursor_position']);
});

describe('a database that is slow or away', () => {
	test('a known session is answered within a second, and members notice nothing', async () => {
		const room = world.room();
		const [a, b] = [await world.join(room, 0, { gateway: 0 }), await world.join(room, 1, { gateway: 1 })];
		const ask = (/** @type {number} */ gateway, /** @type {string} */ session) =>
			request(`${world.cluster.publicUrls[gateway]}/api/auth/session`, { headers: bearer(session) });
		for (const gateway of [0, 1])
			assert.equal((await ask(gateway, world.users[gateway].session)).status, 200);

		const frozen = await freezeDatabase();
		try {
			const from = Date.now();
			for (const gateway of [0, 1])
				assert.equal((await ask(gateway, world.users[gateway].session)).status, 200);
			assert.ok(Date.now() - from < 2_000, `${Date.now() - from} ms for two answers`);
			await fence(a, [b]);
			await fence(b, [a]);
			const again = await world.join(room, 1, { gateway: 1 });
			await fence(again, [a]);
			const unknown = await ask(0, 'never-heard-of');
			assert.ok(unknown.status >= 500, `what is not known is not called expired: ${unknown.status}`);
		} finally {
			frozen.thaw();
		}
		await eventually(async () => (await ask(0, 'never-heard-of')).status === 404, 'the database to be asked again');
	});

	test('a database that was stopped comes back without anybody noticing', async () => {
		const room = world.room();
		const [a, b] = [await world.join(room, 0, { gateway: 0 }), await world.join(room, 1, { gateway: 1 })];
		await world.cluster.postgres.stop();
		await fence(a, [b]);
		const answer = await request(`${world.cluster.publicUrls[0]}/api/auth/session`, { headers: bearer(world.users[0].session) });
		assert.equal(answer.status, 200);
		const stranger = await upgrade(`${world.cluster.publicUrls[0]}/api/ws/submissions/${room.id}?sessionId=${world.users[50].session}`);
		assert.ok(stranger.status >= 500, `${stranger.status}`);
		await fence(b, [a]);
		await world.cluster.postgres.start();
		await eventually(async () => {
			const one = await upgrade(`${world.cluster.publicUrls[0]}/api/ws/submissions/${room.id}?sessionId=${world.users[51].session}`);
			return one.status === 101;
		}, 'new users to be admitted again');
		assert.ok(a.isOpen && b.isOpen);
	});
});

/** SIGSTOP to PostgreSQL and each of its sessions: connections stay, nothing is answered. */
async function freezeDatabase() {
	const [{ pids }] = await world.cluster.sql(`select string_agg(pid::text, ' ') as pids from pg_stat_activity where pid <> pg_backend_pid()`);
	const all = [Number(world.cluster.postgres.process.pid), ...String(pids).split(' ').map(Number)];
	const send = (/** @type {NodeJS.Signals} */ signal) => all.forEach((pid) => {
		try {
			process.kill(pid, signal);
		} catch {
			// a session that has ended in the meantime
		}
	});
	send('SIGSTOP');
	return { thaw: () => send('SIGCONT') };
}
