// SPDX-License-Identifier: Apache-2.0
// A room over many connections: every event once and in order, what was published stored once, and
// what is only of the moment never said late.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MoothallError } from '../../client/src/index.js';
import { ann, bo, event, member, sessionOf, settled, Stage } from './fakes.mjs';

/** @typedef {import('../../client/src/index.js').Room} Room */

const key = 'submission:1';

/** Lost, and welcomed again. @param {Stage} stage @param {object} [welcome] @param {object} [joined] */
async function again(stage, welcome, joined) {
	stage.socket.drop();
	await stage.clock.pass(stage.clock.nextIn);
	const hello = await stage.welcome(welcome);
	return { hello, join: await stage.joined(key, joined) };
}

/** @param {Room} room @param {...string} names */
function hear(room, ...names) {
	/** @type {[string, any][]} */
	const heard = [];
	for (const name of names)
		room.on(/** @type {any} */ (name), (/** @type {any} */ value) => heard.push([name, value]));
	return heard;
}

describe('events', () => {
	test('each once and in order, over any number of connections; resume and since say where', async () => {
		const stage = new Stage();
		const room = await stage.enter({ since: 0 }, { seq: 0 });
		/** @type {number[]} */
		const seqs = [];
		room.on('event', ({ seq }) => seqs.push(seq));
		let seq = 0;
		for (let i = 0; i < 50; i++) {
			stage.socket.say(event(++seq));
			const { hello, join } = await again(stage, {}, { seq: seq + 2 });
			assert.equal(hello.resume, `resume-${stage.sockets.length - 1}`);
			assert.equal(join.since, seq);
			stage.socket.say(event(++seq, { replay: true }));
			stage.socket.say(event(++seq, { replay: true }));
			stage.socket.say(event(seq)); // said twice, applied once
		}
		assert.deepEqual(seqs, Array.from({ length: 150 }, (_, i) => i + 1));
		assert.equal(room.seq, 150);
	});

	test('by name too, with the author', async () => {
		const stage = new Stage();
		const room = await stage.enter();
		const heard = hear(room, 'event:comment_added', 'event:other');
		stage.socket.say(event(1));
		stage.socket.say(event(2, { event: 'other', n: 1 }));
		assert.deepEqual(heard.map(([name, { seq, n }]) => [name, seq, n]), [['event:comment_added', 1, undefined], ['event:other', 2, 1]]);
		assert.equal(heard[0][1].from.name, 'Bo');
	});

	test('first joined: what is new from now on', async () => {
		const stage = new Stage();
		const room = await stage.enter({}, { seq: 17 });
		assert.equal(room.seq, 17);
		stage.socket.say(event(18));
		assert.equal(room.seq, 18);
	});

	test('where the log ends is not known: the first event tells', async () => {
		const stage = new Stage();
		const room = await stage.enter({}, { seq: undefined });
		stage.socket.say(event(40));
		stage.socket.say(event(41));
		assert.equal(room.seq, 41);
	});

	test('a hole: what comes after it waits until it is filled', async () => {
		const stage = new Stage();
		const room = await stage.enter();
		const heard = hear(room, 'event');
		stage.socket.say(event(1));
		for (const seq of [3, 4, 5])
			stage.socket.say(event(seq));
		assert.deepEqual(stage.socket.news('join'), [{ type: 'join', room: key, since: 1 }]);
		stage.socket.say({ type: 'joined', room: key, seq: 5, role: 'editor', members: [], count: 0 });
		for (const seq of [2, 3, 4, 5])
			stage.socket.say(event(seq, { replay: true }));
		assert.deepEqual(heard.map(([, { seq }]) => seq), [1, 2, 3, 4, 5]);
	});

	test('gap: said, with what is missing; then it goes on', async () => {
		const stage = new Stage();
		const room = await stage.enter({ since: 2 });
		const heard = hear(room, 'gap', 'event', 'resumed');
		await again(stage, {}, { seq: 9, gap: { from: 3, to: 8 } });
		assert.deepEqual(heard[0], ['gap', { from: 3, to: 8 }]);
		stage.socket.say(event(9, { replay: true }));
		assert.deepEqual(heard.slice(1).map(([name]) => name), ['event', 'resumed']);
		assert.deepEqual(heard[2][1], { missed: 1, gap: { from: 3, to: 8 } });
		assert.equal(room.seq, 9);
	});

	test('gone, said after joined: the same is asked again, and the answer says what', async () => {
		const stage = new Stage();
		const room = await stage.enter({ since: 2 });
		stage.socket.say({ type: 'left', room: key, code: 'gone', reason: 'events that old are not kept any more' });
		assert.equal((await stage.joined(key, { seq: 9, gap: { from: 3, to: 9 } })).since, 2);
		assert.equal(room.seq, 9);
	});

	test('resumed: once all that was missed is there', async () => {
		const stage = new Stage();
		const room = await stage.enter({ since: 0 }, { seq: 0 });
		const heard = hear(room, 'resumed');
		await again(stage, {}, { seq: 2 });
		stage.socket.say(event(1, { replay: true }));
		assert.equal(heard.length, 0);
		stage.socket.say(event(2, { replay: true }));
		assert.deepEqual(heard, [['resumed', { missed: 2, gap: null }]]);
		await again(stage, {}, { seq: 2 });
		assert.deepEqual(heard[1][1], { missed: 0, gap: null });
	});

	test('resumed: also when the first connection went before all that was missed was there', async () => {
		const stage = new Stage();
		const room = await stage.enter({ since: 0 }, { seq: 2 });
		const heard = hear(room, 'resumed');
		stage.socket.say(event(1, { replay: true }));
		await again(stage, {}, { seq: 2 });
		assert.equal(heard.length, 0);
		stage.socket.say(event(2, { replay: true }));
		assert.deepEqual(heard, [['resumed', { missed: 1, gap: null }]]);
	});

	test('a handler that throws harms no other, and is heard of as an uncaught error', async (t) => {
		const stage = new Stage();
		const room = await stage.enter();
		/** @type {(() => void)[]} */
		const later = [];
		t.mock.method(globalThis, 'queueMicrotask', (/** @type {() => void} */ then) => void later.push(then));
		room.on('event', () => {
			throw new Error('of the application');
		});
		const heard = hear(room, 'event');
		stage.socket.say(event(1));
		assert.equal(heard.length, 1);
		assert.throws(later[0], /of the application/);
	});
});

describe('publish', () => {
	/** @param {Stage} stage @param {number} n @param {number} seq */
	const ack = (stage, n, seq) => stage.socket.say({ type: 'ack', room: key, n, seq });

	test('resolves with the seq once it is stored, and not before', async () => {
		const stage = new Stage();
		const room = await stage.enter();
		let seq;
		room.publish('saved', { v: 1 }, { base: 3 }).then((one) => (seq = one));
		assert.deepEqual(stage.socket.news('publish'), [{ type: 'publish', room: key, n: 1, event: 'saved', data: { v: 1 }, base: 3 }]);
		await settled();
		assert.equal(seq, undefined);
		ack(stage, 1, 18);
		await settled();
		assert.equal(seq, 18);
	});

	test('its own event says so too: when the ack is lost it is not stored twice', async () => {
		const stage = new Stage();
		const room = await stage.enter();
		const done = room.publish('saved', 1);
		stage.socket.say(event(1, { event: 'saved', data: 1, n: 1 }));
		assert.equal(await done, 1);
		await again(stage, { resumed: false, session: 'another' }, { seq: 1 });
		assert.deepEqual(stage.socket.news('publish'), []);
	});

	test('refused for good: rejects with code, seq and data; the next one goes on', async () => {
		const stage = new Stage();
		const room = await stage.enter();
		const conflict = room.publish('saved', 1, { base: 0 });
		const next = room.publish('saved', 2);
		stage.socket.say({ type: 'refused', request: 'publish', room: key, n: 1, code: 'conflict', reason: 'newer', trace: '1', seq: 7, data: { a: 1 } });
		await assert.rejects(conflict, (why) => {
			assert.ok(why instanceof MoothallError);
			assert.deepEqual([why.code, why.seq, why.data, why.mayBeStored], ['conflict', 7, { a: 1 }, false]);
			return true;
		});
		ack(stage, 2, 8);
		assert.equal(await next, 8);
	});

	test('lost before the answer: sent again in order under the same numbers, once the room is joined', async () => {
		const stage = new Stage();
		const room = await stage.enter();
		const done = Promise.all([1, 2, 3].map((i) => room.publish('saved', i)));
		stage.socket.news();
		stage.socket.drop();
		const later = room.publish('saved', 4);
		await stage.clock.pass(125);
		await stage.welcome();
		assert.deepEqual(stage.socket.sent.map(({ type }) => type), ['hello', 'join']);
		await stage.joined(key);
		assert.deepEqual(stage.socket.news('publish').map(({ n, data }) => [n, data]), [[1, 1], [2, 2], [3, 3], [4, 4]]);
		[11, 12, 13, 14].forEach((seq, i) => ack(stage, i + 1, seq));
		assert.deepEqual([await done, await later], [[11, 12, 13], 14]);
	});

	test('refused for now: that one and all later ones go again, after the pause, in order', async () => {
		const stage = new Stage();
		const room = await stage.enter();
		const done = Promise.all([1, 2, 3].map((i) => room.publish('saved', i)));
		stage.socket.news();
		stage.socket.say({ type: 'refused', request: 'publish', room: key, n: 1, code: 'db_away', reason: '', trace: '1', retry_after_ms: 700 });
		for (const n of [2, 3])
			stage.socket.say({ type: 'refused', request: 'publish', room: key, n, code: 'out_of_order', reason: '', trace: '1', retry_after_ms: 500 });
		const fourth = room.publish('saved', 4);
		await stage.clock.pass(699);
		assert.deepEqual(stage.socket.news('publish'), []);
		await stage.clock.pass(1);
		assert.deepEqual(stage.socket.news('publish').map(({ n }) => n), [1, 2, 3, 4]);
		[1, 2, 3, 4].forEach((n) => ack(stage, n, n));
		assert.deepEqual([await done, await fourth], [[1, 2, 3], 4]);
	});

	test('no more wait for their answer at once than the server takes, nor more bytes', async () => {
		const stage = new Stage();
		const room = await stage.enter();
		for (let i = 1; i <= 100; i++)
			room.publish('saved', i);
		assert.equal(stage.socket.news('publish').length, 64);
		ack(stage, 1, 1);
		assert.deepEqual(stage.socket.news('publish').map(({ n }) => n), [65]);
		const large = new Stage();
		const other = await large.enter();
		const data = 'x'.repeat(40_000);
		for (let i = 0; i < 3; i++)
			other.publish('saved', data);
		assert.equal(large.socket.news('publish').length, 1);
		ack(large, 1, 1);
		assert.equal(large.socket.news('publish').length, 1);
	});

	test('what waits is bounded over all rooms, and beyond that it is said at once', async () => {
		const stage = new Stage({ maxPublishes: 3, maxBytes: 100 });
		const [one, two] = [stage.client.join('submission:1'), stage.client.join('submission:2')];
		const kept = [one.publish('a', 1), two.publish('a', 2), one.publish('a', 3)];
		await assert.rejects(two.publish('a', 4), { code: 'queue_full' });
		assert.equal(two.saving.state, 'unsaved');
		stage.client.close();
		for (const promise of kept)
			await assert.rejects(promise, { code: 'closed', mayBeStored: false });
		const small = new Stage({ maxBytes: 100 });
		const room = small.client.join(key);
		room.publish('a', 'x'.repeat(80)).catch(() => {});
		await assert.rejects(room.publish('a', 'x'.repeat(80)), { code: 'queue_full' });
	});

	test('what is larger than the server takes is refused here: it would close the connection', async () => {
		const stage = new Stage();
		const room = await stage.enter();
		await assert.rejects(room.publish('a', 'é'.repeat(1_100_000)), { code: 'too_big' });
		assert.deepEqual(stage.socket.news('publish'), []);
	});

	test('the session is another one: what was missed tells which were stored, the others get new numbers', async () => {
		const stage = new Stage();
		const room = await stage.enter({ since: 5 });
		const [first, second, third] = ['a', 'b', 'a'].map((data) => room.publish('saved', { data }));
		ack(stage, 1, 6);
		stage.socket.say(event(6, { event: 'saved', data: { data: 'a' }, n: 1 }));
		await first;
		await again(stage, { resumed: false, session: 'another' }, { seq: 8 });
		assert.deepEqual(stage.socket.news('publish'), [], 'first it is looked at what came');
		stage.socket.say(event(7, { replay: true }));
		stage.socket.say(event(8, { replay: true, event: 'saved', data: { data: 'b' }, from: { ...bo, id: ann.id, session: sessionOf(1) } }));
		assert.equal(await second, 8);
		assert.deepEqual(stage.socket.news('publish').map(({ n, data }) => [n, data.data]), [[1, 'a']]);
		ack(stage, 1, 9);
		assert.equal(await third, 9);
	});

	test('somebody else is signed in: nothing of the one before is stored in their name', async () => {
		const stage = new Stage();
		const room = await stage.enter();
		const done = room.publish('saved', 1);
		await assert.rejects(Promise.all([done, again(stage, { resumed: false, session: 'another', user: bo })]), { code: 'user_changed', mayBeStored: true });
		assert.deepEqual(stage.socket.news('publish'), []);
	});

	test('not joined, as the server says: joined again, then sent', async () => {
		const stage = new Stage();
		const room = await stage.enter();
		const done = room.publish('saved', 1);
		stage.socket.news();
		stage.socket.say({ type: 'refused', request: 'publish', room: key, n: 1, code: 'not_joined', reason: '', trace: '1' });
		await stage.joined(key);
		assert.equal(stage.socket.sent.filter(({ type }) => type === 'publish').length, 2);
		ack(stage, 1, 1);
		assert.equal(await done, 1);
	});

	test('saved, saving and unsaved follow the acknowledgement', async () => {
		const stage = new Stage();
		const room = await stage.enter();
		const heard = hear(room, 'save');
		const done = room.publish('saved', 1);
		stage.socket.drop();
		await stage.clock.pass(125);
		await stage.welcome();
		await stage.joined(key);
		ack(stage, 1, 1);
		await done;
		const refused = room.publish('saved', 2);
		stage.socket.say({ type: 'refused', request: 'publish', room: key, n: 2, code: 'read_only', reason: '', trace: '1' });
		await assert.rejects(refused);
		assert.deepEqual(heard.map(([, { state, pending }]) => [state, pending]), [
			['saving', 1], ['unsaved', 1], ['saving', 1], ['saved', 0], ['saving', 1], ['unsaved', 0],
		]);
		assert.equal(room.saving.error?.code, 'read_only');
	});

	test('the data is that of the moment it was published', async () => {
		const stage = new Stage();
		const room = stage.client.join(key);
		const data = { v: 1 };
		room.publish('saved', data).catch(() => {});
		data.v = 2;
		room.publish('nothing', undefined).catch(() => {});
		await stage.welcome();
		await stage.joined(key);
		assert.deepEqual(stage.socket.news('publish').map((one) => one.data), [{ v: 1 }, null]);
	});
});

describe('of the moment', () => {
	test('casts: the latest of a key wins, others go at once; without a connection they are dropped', async () => {
		const stage = new Stage();
		const room = stage.client.join(key);
		assert.equal(room.cast('pointer', 0), false);
		await stage.welcome();
		await stage.joined(key);
		for (let i = 1; i <= 20; i++)
			assert.equal(room.cast('pointer', i), true);
		room.cast('other', 'x', { to: bo.id });
		await stage.clock.pass(39);
		assert.deepEqual(stage.socket.news('cast'), [
			{ type: 'cast', room: key, key: 'pointer', data: 1 }, { type: 'cast', room: key, key: 'other', data: 'x', to: bo.id },
		]);
		await stage.clock.pass(1);
		assert.deepEqual(stage.socket.news('cast').map(({ data }) => data), [20]);
		room.cast('pointer', 21);
		stage.socket.drop();
		await stage.clock.pass(125);
		await stage.welcome();
		await stage.joined(key);
		await stage.clock.pass(1_000);
		assert.deepEqual(stage.socket.news('cast'), []);
	});

	test('a cast that is larger than the server takes does not go: it would close the connection', async () => {
		const stage = new Stage();
		const room = await stage.enter();
		stage.socket.news();
		assert.equal(room.cast('pointer', 'ö'.repeat(1 << 20)), false);
		assert.equal(room.cast('pointer', 'o'.repeat(1 << 20)), true);
		assert.deepEqual(stage.socket.news().map(({ data }) => data.length), [1 << 20]);
	});

	test('casts of others, by key', async () => {
		const stage = new Stage();
		const room = await stage.enter();
		const heard = hear(room, 'cast', 'cast:pointer');
		stage.socket.say({ type: 'cast', room: key, key: 'pointer', from: bo, data: 1, after: 0 });
		stage.socket.say({ type: 'cast', room: key, key: 'other', from: bo, data: 2, after: 0 });
		assert.deepEqual(heard.map(([name, { data }]) => [name, data]), [['cast', 1], ['cast:pointer', 1], ['cast', 2]]);
	});

	test('state: parts merge, null removes, what is said soon after goes together; a new connection is told all of it', async () => {
		const stage = new Stage();
		const room = await stage.enter({ state: { mode: 'viewing' } });
		room.state.set({ field: 'title' });
		room.state.set({ mode: 'editing', cursor: 1 });
		room.state.set({ cursor: 2, field: null });
		assert.deepEqual(room.state.value, { mode: 'editing', cursor: 2 });
		await stage.clock.pass(40);
		assert.deepEqual(stage.socket.news('state').map(({ data }) => data), [{ field: 'title' }, { mode: 'editing', cursor: 2, field: null }]);
		stage.socket.drop();
		room.state.set({ cursor: 3 });
		await stage.clock.pass(125);
		await stage.welcome();
		const join = await stage.joined(key);
		assert.deepEqual(join.state, { mode: 'editing', cursor: 3, field: null });
		await stage.clock.pass(1_000);
		assert.deepEqual(stage.socket.news('state'), []);
	});

	test('a state that is refused for now is said again, whole', async () => {
		const stage = new Stage();
		const room = await stage.enter();
		room.state.set({ a: 1 });
		stage.socket.news();
		stage.socket.say({ type: 'refused', request: 'state', room: key, code: 'too_fast', reason: '', trace: '1', retry_after_ms: 900 });
		await stage.clock.pass(900);
		assert.deepEqual(stage.socket.news('state').map(({ data }) => data), [{ a: 1 }]);
	});
});

describe('who is there', () => {
	test('each user once; come, gone and changed are told apart, also over a lost connection', async () => {
		const stage = new Stage();
		const room = await stage.enter({}, { members: [member(ann, sessionOf(1))] });
		const heard = hear(room, 'join', 'leave', 'members');
		stage.socket.say({ type: 'presence', room: key, joined: [member(bo, 'b1')], left: [], changed: [] });
		const two = { ...member(bo, 'b1'), connections: [...member(bo, 'b1').connections, ...member(bo, 'b2', { typing: true }).connections] };
		stage.socket.say({ type: 'presence', room: key, joined: [], left: [], changed: [two] });
		assert.deepEqual(heard.map(([name]) => name), ['join', 'members', 'members']);
		assert.deepEqual([room.count, room.members.map(({ id }) => id)], [2, ['u_ann', 'u_bo']]);
		heard.length = 0;
		const before = room.members;
		await again(stage, {}, { members: [member(ann, sessionOf(1)), two], count: 2 });
		assert.deepEqual(heard, [], 'nobody came or went: nothing flickers');
		assert.equal(room.members, before);
		await again(stage, {}, { members: [member(ann, sessionOf(1))], count: 1 });
		assert.deepEqual(heard.map(([name, { id }]) => [name, id]), [['leave', 'u_bo'], ['members', undefined]]);
	});

	test('a large room in parts: the number is right at once, nobody flickers when it is listed again', async () => {
		const people = Array.from({ length: 450 }, (_, i) => member({ id: `u${i}`, name: `U ${i}`, email: '' }, `s${i}`));
		const stage = new Stage();
		const room = await stage.enter({}, { members: people.slice(0, 200), count: 450 });
		const parts = () => {
			for (const from of [200, 400])
				stage.socket.say({ type: 'presence', room: key, joined: people.slice(from, from + 200), left: [], changed: [] });
		};
		assert.deepEqual([room.count, room.members.length, room.listed], [450, 200, false]);
		parts();
		assert.deepEqual([room.count, room.members.length, room.listed], [450, 450, true]);
		const heard = hear(room, 'join', 'leave');
		const gone = people.pop();
		await again(stage, {}, { members: people.slice(0, 200), count: 449 });
		assert.deepEqual([room.count, room.members.length], [449, 450]);
		parts();
		assert.deepEqual([room.count, room.members.length, room.listed], [449, 449, true]);
		assert.deepEqual(heard.map(([name, { id }]) => [name, id]), [['leave', gone?.id]]);
		stage.socket.say({ type: 'presence', room: key, joined: [gone], left: [{ id: 'u0' }, { id: 'u1' }], changed: [] });
		assert.equal(room.count, 448);
	});

	test('a very large room is only counted, and nobody comes or goes by that', async () => {
		const stage = new Stage();
		const room = await stage.enter({}, { members: [member(ann, 'a'), member(bo, 'b')], count: 2 });
		const heard = hear(room, 'join', 'leave', 'members');
		const counted = (/** @type {number} */ count) => stage.socket.say({ type: 'presence', room: key, joined: [], left: [], changed: [], count });
		counted(5_001);
		assert.deepEqual([room.count, room.members.length, room.listed], [5_001, 0, false]);
		counted(5_001);
		counted(5_007);
		await again(stage, {}, { members: [], count: 6_000, unlisted: true });
		assert.deepEqual([room.count, room.listed], [6_000, false]);
		assert.deepEqual(heard.map(([name]) => name), ['members', 'members', 'members']);
		stage.socket.say({ type: 'presence', room: key, joined: [member(ann, 'a'), member(bo, 'b')], left: [], changed: [] });
		assert.deepEqual([room.count, room.members.length, room.listed], [2, 2, true]);
	});

	test('oneself', async () => {
		const stage = new Stage();
		const room = stage.client.join(key, { state: { mode: 'viewing' } });
		assert.equal(room.self, null);
		await stage.welcome();
		await stage.joined(key, { role: 'viewer' });
		assert.deepEqual(room.self, { user: ann, session: sessionOf(1), role: 'viewer', state: { mode: 'viewing' } });
	});
});

describe('rooms', () => {
	test('one socket for many rooms; the same room twice is one, and is left with the last', async () => {
		const stage = new Stage();
		const [one, same, two] = [key, key, 'document:2'].map((room) => stage.client.join(room));
		assert.equal(one, same);
		await stage.welcome();
		assert.deepEqual(stage.socket.news('join').map(({ room }) => room), [key, 'document:2']);
		stage.socket.say({ type: 'joined', room: key, seq: 0, role: 'editor', members: [], count: 0 });
		stage.socket.say({ type: 'joined', room: 'document:2', seq: 0, role: 'editor', members: [], count: 0 });
		one.leave();
		assert.deepEqual(stage.socket.news(), []);
		same.leave();
		assert.deepEqual(stage.socket.news(), [{ type: 'leave', room: key }]);
		assert.equal(one.status.state, 'left');
		assert.equal(two.status.state, 'joined');
		assert.equal(stage.sockets.length, 1);
		await assert.rejects(one.publish('a', 1), { code: 'left' });
	});

	test('a room that is left before the answer came is left when it comes', async () => {
		const stage = new Stage();
		await stage.enter();
		stage.client.join('document:2').leave();
		stage.socket.news();
		stage.socket.say({ type: 'joined', room: 'document:2', seq: 0, role: 'editor', members: [], count: 0 });
		await stage.clock.pass(0);
		assert.deepEqual(stage.socket.news(), [{ type: 'leave', room: 'document:2' }]);
	});

	test('a join that is refused for now is said again; for good, it is over and says why', async () => {
		const stage = new Stage();
		const room = stage.client.join(key);
		await stage.welcome();
		stage.socket.news();
		stage.socket.say({ type: 'refused', request: 'join', room: key, code: 'db_away', reason: '', trace: '1', retry_after_ms: 400 });
		await stage.clock.pass(400);
		assert.equal(stage.socket.news('join').length, 1);
		const waiting = room.publish('a', 1);
		stage.socket.say({ type: 'refused', request: 'join', room: key, code: 'not_allowed', reason: 'this user may not enter the room', trace: '1' });
		await assert.rejects(room.ready, { code: 'not_allowed' });
		await assert.rejects(waiting, { code: 'not_allowed' });
		assert.deepEqual(room.status, { state: 'refused', code: 'not_allowed', reason: 'this user may not enter the room' });
		await stage.clock.pass(60_000);
		assert.equal(stage.socket.news('join').length, 0);
		assert.notEqual(stage.client.join(key), room, 'it can be tried anew');
	});

	test('taken out of a room: said, and the others go on', async () => {
		const stage = new Stage();
		const room = await stage.enter();
		stage.socket.say({ type: 'left', room: key, code: 'kicked', reason: 'an administrator took this user out of the room' });
		assert.deepEqual([room.status.state, room.status.code, room.members.length], ['left', 'kicked', 0]);
		assert.equal(stage.client.status.state, 'connected');
	});

	test('history: one question after the other, again after a pause, and again over the next connection', async () => {
		const stage = new Stage();
		const room = await stage.enter();
		const page = (/** @type {number} */ head) => ({ type: 'history', room: key, events: [], first: 1, head, more: false });
		const [one, two] = [room.history({ after: 1 }), room.history({ before: 9, limit: 5, events: ['a'] })];
		assert.deepEqual(stage.socket.news(), [{ type: 'read', room: key, after: 1 }]);
		stage.socket.say({ type: 'refused', request: 'read', room: key, code: 'too_fast', reason: '', trace: '1', retry_after_ms: 300 });
		await stage.clock.pass(300);
		assert.equal(stage.socket.news('read').length, 1);
		stage.socket.say(page(1));
		assert.deepEqual(await one, { events: [], first: 1, head: 1, more: false });
		assert.equal(stage.socket.news('read').length, 1);
		await again(stage);
		assert.deepEqual(stage.socket.sent.filter(({ type }) => type === 'read'), [{ type: 'read', room: key, before: 9, limit: 5, events: ['a'] }]);
		stage.socket.say(page(2));
		assert.equal((await two).head, 2);
		const last = room.history();
		room.leave();
		await assert.rejects(last, { code: 'left' });
	});

	test('it is joined while the first connection is under way, in a state of doubt, and before anything', async () => {
		const stage = new Stage();
		stage.client.join('submission:1');
		await settled();
		stage.client.join('submission:2');
		await stage.welcome();
		await stage.clock.pass(4_500);
		assert.equal(stage.client.status.state, 'unsteady');
		stage.client.join('submission:3');
		assert.deepEqual(stage.socket.news('join').map(({ room }) => room), ['submission:1', 'submission:2', 'submission:3']);
	});
});
