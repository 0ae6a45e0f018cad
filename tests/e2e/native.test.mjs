// SPDX-License-Identifier: Apache-2.0
// The native protocol against real processes: hello, many rooms on one socket, publish and ack, casts,
// states, presence, the log, resume at the same and at another gateway, and every refusal.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { upgrade } from '../lib/http.mjs';
import { metric } from '../lib/metrics.mjs';
import { Native } from '../lib/native.mjs';
import { World } from '../lib/world.mjs';

/** @type {World} */
let world;
before(async () => {
	world = await World.open();
});
after(() => world?.close());

const key = (/** @type {import('../lib/client.mjs').Room} */ room) => `${room.kind}:${room.id}`;
const newRoom = () => key(world.room('submission'));
const open = (/** @type {number} */ user, gateway = 0) => Native.open(world.base(gateway), world.users[user]);

describe('moot.v1', { concurrency: false }, () => {
	test('hello is answered by welcome; a wrong token closes with 4401', async () => {
		const ann = await open(3);
		const welcome = ann.told[0];
		assert.equal(welcome.type, 'welcome');
		assert.deepEqual(welcome.user, { id: 'u_3', name: 'User 3 of Many', email: 'u3@example.org' });
		assert.equal(welcome.resumed, false);
		assert.match(welcome.session, /^[0-9a-f]{16}$/);
		await ann.leave();
		const bad = new Native({ ...world.users[3], session: 'nobody' });
		await assert.rejects(bad.connect(world.base(0)));
		assert.equal((await bad.closed)?.code, 4401);
		assert.equal(bad.told.at(-1)?.code, 'no_session');
	});

	test('what the query says does not matter: it is for balancers', async () => {
		for (const query of ['?room=submission%3Anobody', '?room=%zz', '?room', '?room=a&room=b', '?', '?sessionId=nobody', `?room=${'x'.repeat(4_000)}`]) {
			const { status } = await upgrade(`${world.base(0)}/v1/ws${query}`, { 'Sec-WebSocket-Protocol': 'moot.v1' });
			assert.equal(status, 101, query);
		}
	});

	test('publish is acknowledged and shown to everybody in one order, its author too', async () => {
		const room = newRoom();
		const ann = await open(3, 0), bob = await open(4, 1);
		assert.equal((await ann.join(room)).seq, undefined);
		const joined = await bob.join(room);
		assert.deepEqual(joined.members.map((/** @type {any} */ m) => m.id).sort(), ['u_3', 'u_4']);
		const came = await ann.next('presence');
		assert.deepEqual(came.joined.map((/** @type {any} */ m) => m.id), ['u_4']);
		const seqs = await Promise.all([1, 2, 3, 4, 5].map((i) => ann.publish(room, 'comment_added', { i })));
		assert.deepEqual(seqs, [1, 2, 3, 4, 5]);
		await bob.until(() => bob.rooms.get(room)?.last === 5, 'five events');
		const events = bob.told.filter(({ type }) => type === 'event');
		assert.deepEqual(events.map(({ seq, data }) => [seq, data.i]), [[1, 1], [2, 2], [3, 3], [4, 4], [5, 5]]);
		assert.deepEqual(events[0].from, { id: 'u_3', name: 'User 3 of Many', session: ann.session });
		assert.equal(events[0].n, undefined);
		const own = ann.told.filter(({ type }) => type === 'event');
		assert.deepEqual(own.map(({ n }) => n), [1, 2, 3, 4, 5]);
		await Promise.all([ann.leave(), bob.leave()]);
	});

	test('what one is told in one turn leaves in one write: an event of his own with its ack', async () => {
		const room = newRoom();
		const ann = await open(3, 0);
		await ann.join(room);
		const bundled = () => metric('moot_frames_bundled_total', world.cluster.internalUrls[0]);
		const before = await bundled();
		for (let i = 1; i <= 20; i++)
			await ann.publish(room, 'comment_added', { i });
		assert.ok(await bundled() - before >= 2 * 15, `${await bundled() - before} of 40`);
		assert.deepEqual(ann.told.slice(-4).map(({ type }) => type), ['event', 'ack', 'event', 'ack']);
		await ann.leave();
	});

	test('joined with since: the missed events follow in order, then new ones', async () => {
		const room = newRoom();
		const ann = await open(3, 0);
		await ann.join(room);
		for (let i = 1; i <= 200; i++)
			await ann.publish(room, 'comment_added', { i });
		const bob = await open(4, 1);
		const joined = await bob.join(room, { since: 7 });
		assert.equal(joined.seq, 200);
		await ann.publish(room, 'comment_added', { i: 201 });
		await bob.until(() => bob.rooms.get(room)?.last === 201, 'all events');
		assert.deepEqual(bob.rooms.get(room)?.seqs, Array.from({ length: 194 }, (_, i) => i + 8));
		assert.deepEqual(bob.faults, []);
		assert.equal(bob.told.find(({ type }) => type === 'event')?.replay, true);
		await Promise.all([ann.leave(), bob.leave()]);
	});

	test('the log is read in pages, before and after, by name', async () => {
		const room = newRoom();
		const ann = await open(3, 0);
		await ann.join(room);
		for (let i = 1; i <= 10; i++)
			await ann.publish(room, i % 2 ? 'odd' : 'even', { i });
		const read = async (/** @type {object} */ what) => {
			ann.mark();
			ann.send({ type: 'read', room, ...what });
			return ann.next('history');
		};
		const seqs = (/** @type {any} */ page) => page.events.map((/** @type {any} */ e) => e.seq);
		assert.deepEqual(seqs(await read({ after: 3, limit: 3 })), [4, 5, 6]);
		assert.deepEqual(seqs(await read({ before: 5, limit: 2 })), [3, 4]);
		assert.deepEqual(seqs(await read({ after: 0, events: ['even'] })), [2, 4, 6, 8, 10]);
		const page = await read({ after: 8 });
		assert.deepEqual([page.first, page.head, page.more], [1, 10, false]);
		await ann.leave();
	});

	test('casts reach all others or one; states are merged and shown to who comes later', async () => {
		const room = newRoom();
		const ann = await open(3, 0), bob = await open(4, 1), cid = await open(5, 0);
		for (const one of [ann, bob, cid])
			await one.join(room);
		ann.send({ type: 'cast', room, key: 'pointer', data: { x: 1 } });
		for (const one of [bob, cid]) {
			const cast = await one.next('cast');
			assert.deepEqual([cast.key, cast.data, cast.from.session], ['pointer', { x: 1 }, ann.session]);
		}
		ann.send({ type: 'cast', room, key: 'pointer', data: { x: 2 }, to: 'u_4' });
		ann.send({ type: 'cast', room, key: 'pointer', data: { x: 3 } });
		assert.deepEqual((await bob.next('cast')).data, { x: 2 });
		assert.deepEqual((await bob.next('cast')).data, { x: 3 });
		assert.deepEqual((await cid.next('cast')).data, { x: 3 });
		assert.deepEqual(ann.told.filter(({ type }) => type === 'cast'), []);
		ann.send({ type: 'state', room, data: { mode: 'edit', field: 'title' } });
		ann.send({ type: 'state', room, data: { field: null, typing: true } });
		const isThere = (/** @type {any} */ m) => m.changed?.some((/** @type {any} */ u) => u.connections[0].state.typing);
		assert.deepEqual((await bob.next(isThere)).changed[0].connections[0].state, { mode: 'edit', typing: true });
		const dan = await open(6, 1);
		const seen = (await dan.join(room)).members.find((/** @type {any} */ m) => m.id === 'u_3');
		assert.deepEqual(seen.connections[0].state, { mode: 'edit', typing: true });
		await Promise.all([ann, bob, cid, dan].map((one) => one.leave()));
	});

	test('a connection that is lost comes back to either gateway as the same session; nobody is told', async () => {
		const room = newRoom();
		const ann = await open(3, 0), bob = await open(4, 1);
		await ann.join(room);
		await bob.join(room);
		await ann.publish(room, 'comment_added', { i: 1 });
		await bob.until(() => bob.rooms.get(room)?.last === 1, 'the event');
		const { session } = ann;
		ann.mark();
		bob.mark();
		for (const gateway of [0, 1, 1, 0]) {
			await ann.vanish();
			await bob.publish(room, 'comment_added', { gateway });
			const welcome = await ann.connect(world.base(gateway));
			assert.equal(welcome.resumed, true);
			assert.equal(welcome.session, session);
			const last = bob.rooms.get(room)?.last;
			await ann.until(() => ann.rooms.get(room)?.last === last, 'what was missed');
		}
		assert.deepEqual(ann.faults, []);
		await new Promise((resolve) => setTimeout(resolve, 2_500)); // longer than the grace of these tests
		await bob.settled();
		assert.deepEqual(bob.unread('presence').flatMap(({ joined, left }) => [...joined, ...left]), [], 'nobody was away');
		await ann.publish(room, 'comment_added', { i: 'last' });
		await Promise.all([ann.leave(), bob.leave()]);
	});

	test('the second connection before the first is closed: no flicker, and the first is told to go at the same gateway', async () => {
		const room = newRoom();
		const ann = await open(3, 0), bob = await open(4, 1);
		await ann.join(room);
		await bob.join(room);
		bob.mark();
		const first = ann.socket, closed = ann.closed;
		await ann.connect(world.base(1));
		await ann.next('joined');
		first?.close(1000);
		await closed;
		const second = ann.closed;
		await ann.connect(world.base(1));
		await ann.next('joined');
		assert.equal((await second)?.code, 4409);
		await bob.settled();
		await ann.publish(room, 'comment_added', {});
		await bob.next('event');
		assert.deepEqual(bob.unread('presence').flatMap(({ joined, left }) => [...joined, ...left]), []);
		await Promise.all([ann.leave(), bob.leave()]);
	});

	test('a publish that is said again is stored once and acknowledged with its first number', async () => {
		const room = newRoom();
		const ann = await open(3, 0);
		await ann.join(room);
		assert.equal(await ann.publish(room, 'comment_added', { i: 1 }), 1);
		ann.mark();
		ann.send({ type: 'publish', room, n: 1, event: 'comment_added', data: { i: 1 } });
		assert.equal((await ann.next('ack')).seq, 1);
		await ann.vanish();
		await ann.connect(world.base(1));
		await ann.next('joined');
		ann.send({ type: 'publish', room, n: 1, event: 'comment_added', data: { i: 1 } });
		assert.equal((await ann.next('ack')).seq, 1);
		assert.equal(await ann.publish(room, 'comment_added', { i: 2 }), 2);
		await ann.leave();
	});

	test('an edit that knew nothing of a newer one is refused, with what is newer', async () => {
		const room = newRoom();
		const ann = await open(3, 0), bob = await open(4, 1);
		await ann.join(room);
		await bob.join(room);
		const first = await ann.publish(room, 'content_saved', { field: 'title', text: 'A' }, { base: 0 });
		await assert.rejects(bob.publish(room, 'content_saved', { field: 'title', text: 'B' }, { base: 0 }),
			{ code: 'conflict', seq: first, data: { field: 'title', text: 'A' } });
		await bob.publish(room, 'content_saved', { field: 'abstract', text: 'C' }, { base: 0 });
		await bob.publish(room, 'content_saved', { field: 'title', text: 'B' }, { base: first });
		await Promise.all([ann.leave(), bob.leave()]);
	});

	test('each bad input has its own refusal, and the connection stays', async () => {
		const room = newRoom();
		const ann = await open(3, 0);
		await ann.join(room);
		/** @type {[object | string, string][]} */
		const cases = [
			['{', 'bad_json'],
			['[]', 'bad_type'],
			[{ type: 'dance' }, 'bad_type'],
			[{ type: 'hello', token: 'x' }, 'bad_type'],
			[{ type: 'publish', room, n: 'x', event: 'a', data: 1 }, 'bad_field'],
			[{ type: 'publish', room, n: 1, data: 1 }, 'bad_field'],
			[{ type: 'publish', room: 'submission:other', n: 1, event: 'a', data: 1 }, 'not_joined'],
			[{ type: 'cast', room: 'submission:other', key: 'a', data: 1 }, 'not_joined'],
			[{ type: 'join', room: 'planet:mars' }, 'bad_field'],
			[{ type: 'join', room: 'submission:nowhere' }, 'no_room'],
			[{ type: 'state', room, data: { text: 'x'.repeat(5000) } }, 'bad_field'],
		];
		for (const [message, code] of cases) {
			ann.mark();
			ann.socket?.send(typeof message === 'string' ? message : JSON.stringify(message));
			const refused = await ann.next('refused');
			assert.equal(refused.code, code, JSON.stringify(message).slice(0, 80));
			assert.match(refused.trace, /^[0-9a-f]{16}$/);
			assert.ok(refused.reason.length > 5);
		}
		await ann.publish(room, 'comment_added', {});
		ann.mark();
		ann.send({ type: 'publish', room, n: 500, event: 'a', data: 1 });
		const early = await ann.next('refused');
		assert.deepEqual([early.code, early.n], ['out_of_order', 500]);
		assert.ok(ann.isOpen);
		await ann.leave();
	});

	test('who looks on may not write', async () => {
		const room = world.room('document');
		await world.cluster.sql(`update documents set owner = 'u_0', editors = '{}', viewers = array['u_9'] where id = '${room.id}'`);
		const eve = await open(9, 0);
		assert.equal((await eve.join(key(room))).role, 'viewer');
		await assert.rejects(eve.publish(key(room), 'content_saved', {}), { code: 'read_only' });
		assert.ok(eve.isOpen);
		await eve.leave();
	});

	test('both dialects see each other in one room', async () => {
		const room = world.room('submission');
		const old = await world.join(room, 7, { gateway: 0 });
		const ann = await open(3, 1);
		const joined = await ann.join(key(room));
		assert.deepEqual(joined.members.map((/** @type {any} */ m) => m.id), ['u_7', 'u_3']);
		assert.equal((await old.next('user_joined')).userId, 'u_3');
		await ann.publish(key(room), 'comment_added', { text: 'hi' });
		const event = await old.next('comment_added');
		assert.deepEqual([event.userId, event.data, event.submissionId], ['u_3', { text: 'hi' }, room.id]);
		ann.send({ type: 'cast', room: key(room), key: 'text_operation', data: { op: 1 } });
		assert.deepEqual((await old.next('text_operation')).data, { op: 1 });
		old.send('text_operation', { op: 2 });
		assert.deepEqual((await ann.next('cast')).data, { op: 2 });
		old.send('typing_start', { userId: 'u_7' });
		const typing = await ann.next((m) => m.changed?.[0]?.connections[0].state.typing);
		assert.equal(typing.changed[0].id, 'u_7');
		await ann.leave();
		assert.equal((await old.next('user_left')).userId, 'u_3');
	});

	test('a gateway that leaves tells its clients first; they have another connection before the old one ends', async () => {
		const room = newRoom();
		const ann = await open(3, 1), bob = await open(4, 0);
		await ann.join(room);
		await bob.join(room);
		bob.mark();
		const gateway = world.cluster.gateways[1];
		const first = ann.socket, closed = ann.closed;
		const gone = world.cluster.stopProcess(gateway);
		const draining = await ann.next('draining');
		assert.ok(draining.deadline_ms > 0);
		await ann.connect(world.base(0));
		await ann.next('joined');
		first?.close(1000);
		await closed;
		await gone;
		await ann.publish(room, 'comment_added', {});
		await bob.next('event');
		assert.deepEqual(bob.unread('presence').flatMap(({ joined, left }) => [...joined, ...left]), []);
		await world.cluster.startProcess(gateway);
		await Promise.all([ann.leave(), bob.leave()]);
	});
});
