// SPDX-License-Identifier: Apache-2.0
// The HTTP API of moot.v1, as services with a key and users with a session see it: through whichever
// gateway, and while what is behind it fails.

import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { fence } from '../lib/client.mjs';
import { eventually } from '../lib/eventually.mjs';
import { bearer, request, upgrade } from '../lib/http.mjs';
import { slotOf } from '../lib/slot.mjs';
import { iso } from '../lib/stamp.mjs';
import { layouts, quote, World } from '../lib/world.mjs';

/** @typedef {import('../lib/client.mjs').Room} Room */

const messageMax = 64 << 10;

/** @type {World} */
let world;
/** @type {string} */
let key;

before(async () => {
	world = await World.open({ layout: layouts[1], gatewayEnv: { MOOT_LIMITS_MESSAGE: String(messageMax) } });
	key = await newKey('test');
});
after(() => world?.close());
beforeEach(() => world.restart());

/** @param {string} name @param {string} [expires] SQL */
async function newKey(name, expires = 'null') {
	const [row] = await world.cluster.sql(`select service_key_new(${quote(name)}, ${expires}) as key`);
	return String(row.key);
}

/** @param {Room} room */
const keyOf = (room) => `${room.kind}:${room.id}`;

/** @typedef {{gateway?: number, token?: string | null, headers?: Record<string, string>, base?: string}} How */

/** @param {string} path @param {{method?: string, body?: string} & How} [how] */
function ask(path, { method = 'GET', body, gateway = 0, token = key, headers = {}, base = '/v1' } = {}) {
	const authorization = token === null ? {} : bearer(token);
	return request(`${world.cluster.publicUrls[gateway]}${base}${path}`, { method, body, headers: { ...authorization, ...headers } });
}

/** @param {Room} room @param {string} [rest] */
const pathOf = (room, rest = '') => `/rooms/${encodeURIComponent(keyOf(room))}${rest}`;

/** @param {Room} room @param {How} [how] */
const show = (room, how) => ask(pathOf(room), how);

/** @param {Room} room @param {string} query @param {How} [how] */
const read = (room, query = '', how) => ask(`${pathOf(room, '/events')}${query}`, how);

/** @param {Room} room @param {object | string} event @param {How} [how] */
const publish = (room, event, how) => ask(pathOf(room, '/events'),
	{ method: 'POST', body: typeof event === 'string' ? event : JSON.stringify(event), ...how });

/** @param {Room} room @param {object} whom @param {How} [how] */
const kick = (room, whom, how) => ask(pathOf(room, '/kick'), { method: 'POST', body: JSON.stringify(whom), ...how });

/** @param {string} session @param {How} [how] */
const revoke = (session, how) => ask(`/sessions/${encodeURIComponent(session)}/revoke`, { method: 'POST', ...how });

/** @param {import('../lib/http.mjs').Answer} answer @param {number} status @param {string} code @param {object} [more] */
function assertRefused(answer, status, code, more = {}) {
	assert.equal(answer.status, status, answer.body);
	assert.match(answer.headers['content-type'] ?? '', /^application\/json/);
	assert.deepEqual(Object.keys(answer.json), ['error']);
	const { code: said, reason, trace, ...rest } = answer.json.error;
	assert.equal(said, code, answer.body);
	assert.ok(reason.length > 0);
	assert.match(trace, /^[0-9a-f]{16}$/);
	assert.deepEqual(rest, more, answer.body);
}

/** @param {Room} room */
async function stored(room) {
	return world.cluster.sql(`select seq, type, producer, body from event
		where slot = ${slotOf(keyOf(room))} and room = ${quote(keyOf(room))} order by seq`);
}

// First: the log says ten refusals a second and counts the others.
test('each refusal can be found in the log, no key or token can', async () => {
	const room = world.room();
	const answers = [await show(room, { token: 'never-heard-of-at-all' }), await publish(room, '{', {}), await publish(room, {}, { token: `moot_key_${'f'.repeat(64)}` })];
	const log = () => world.cluster.gateways.map((one) => world.cluster.log(one)).join('\n');
	await eventually(async () => answers.every(({ json }) => log().includes(json.error.trace)), 'the traces to be in the log');
	for (const secret of [key, 'moot_key_', 'never-heard-of-at-all', world.users[0].session])
		assert.ok(!log().includes(secret), 'no secret');
});

// ---- rooms ----

test('a room: users with their connections, the last seq, where it is; the same through every gateway', async () => {
	await world.readOwners();
	const room = world.room('submission', 1);
	const empty = await show(room);
	assert.equal(empty.status, 200, empty.body);
	assert.deepEqual(empty.json, { room: keyOf(room), seq: 0, state: 'asleep', owner: world.cluster.shards[1].name, members: [] });

	const clients = [await world.join(room, 0, { gateway: 0 }), await world.join(room, 1, { gateway: 1 }), await world.join(room, 0, { gateway: 1 })];
	clients[0].send('typing_start', { field: 'x' });
	await clients[1].next('typing_start');
	assert.equal((await publish(room, { event: 'saved', data: {} })).status, 200);
	for (const how of [{ gateway: 0 }, { gateway: 1 }, { gateway: 1, token: world.users[5].session }, { base: '/api/v1' }]) {
		const { status, json, body } = await show(room, how);
		assert.equal(status, 200, body);
		assert.deepEqual([json.room, json.seq, json.state, json.owner], [keyOf(room), 1, 'awake', world.cluster.shards[1].name]);
		assert.deepEqual(json.members.map((/** @type {any} */ one) => [one.id, one.name, one.email, one.connections.length]),
			[[0, 2], [1, 1]].map(([n, count]) => [world.users[n].id, world.users[n].name, world.users[n].email, count]));
		for (const member of json.members)
			for (const connection of member.connections) {
				assert.match(connection.id, /^[0-9a-f]{16}$/);
				assert.match(connection.since, iso);
				assert.equal(typeof connection.state, 'object');
			}
	}
	await Promise.all(clients.map((client) => client.leave()));
	await eventually(async () => (await show(room)).json.state === 'asleep', 'the room to be asleep again');
});

// ---- the log ----

test('events are read in pages, forwards, backwards, and by type', async () => {
	const room = world.room('document');
	for (let n = 1; n <= 6; n++) {
		const answer = await publish(room, { event: n % 2 ? 'odd' : 'even', data: { n }, actor: 'u_7', name: 'Ann "A"' }, { gateway: n % 2 });
		assert.equal(answer.body, `{"seq":${n}}`);
	}
	const all = await read(room, '', { token: world.users[3].session, gateway: 1 });
	assert.equal(all.status, 200, all.body);
	assert.deepEqual([all.json.room, all.json.first, all.json.head, all.json.more], [keyOf(room), 1, 6, false]);
	for (const [i, event] of all.json.events.entries()) {
		assert.match(event.at, iso);
		delete event.at;
		assert.deepEqual(event, { seq: i + 1, event: i % 2 ? 'even' : 'odd', from: { id: 'u_7', name: 'Ann "A"' }, data: { n: i + 1 } });
	}
	/** @param {string} query */
	const seqs = async (query) => {
		const { status, json, body } = await read(room, query);
		assert.equal(status, 200, body);
		return [json.events.map((/** @type {any} */ event) => event.seq), json.more];
	};
	assert.deepEqual(await seqs('?after=2&limit=3'), [[3, 4, 5], true]);
	assert.deepEqual(await seqs('?after=5&limit=3'), [[6], false]);
	assert.deepEqual(await seqs('?after=6'), [[], false]);
	assert.deepEqual(await seqs('?before=6&limit=2'), [[4, 5], true]);
	assert.deepEqual(await seqs('?type=even'), [[2, 4, 6], false]);
	assert.deepEqual(await seqs('?type=even&type=odd&after=4'), [[5, 6], false]);
	assert.deepEqual(await seqs('?type=none,odd&limit=1'), [[1], true]);
	assert.deepEqual((await read(world.room())).json.events, []);
});

test('an event of a v0 broadcast is its type and its data', async () => {
	const room = world.room();
	for (const body of ['{"type":"comment_added","data":{"text":"hi"}}', '{"type":"note","text":"bare"}']) {
		const answer = await request(`${world.cluster.publicUrls[1]}/api/ws/submissions/${room.id}/broadcast`,
			{ method: 'POST', headers: bearer(world.users[4].session), body });
		assert.equal(answer.status, 200);
	}
	const { json } = await read(room);
	const who = { id: world.users[4].id, name: world.users[4].name };
	assert.deepEqual(json.events.map((/** @type {any} */ one) => [one.seq, one.event, one.from]), [[1, 'comment_added', who], [2, 'note', who]]);
	assert.deepEqual(json.events[0].data, { text: 'hi' });
	assert.equal(json.events[1].data.text, 'bare');
	assert.deepEqual((await read(room, '?type=note')).json.events.map((/** @type {any} */ one) => one.seq), [2]);
});

test('data is any JSON, byte for byte', async () => {
	const room = world.room();
	const values = ['null', '0', '-1.50e3', '"\\u00e9\\n"', '[1, 2]', '{"a" : {"b":[]}, "a":1}', 'true'];
	for (const value of values)
		assert.equal((await publish(room, `{"event":"e","data":${value}}`)).status, 200, value);
	assert.deepEqual((await stored(room)).map(({ body }) => body), values);
	const { body } = await read(room);
	for (const value of values)
		assert.ok(body.includes(`"data":${value},"at":`), value);
});

test('a publish that is based on something old is a conflict, and says what is newer', async () => {
	const room = world.room();
	/** @param {number} v @param {number} [base] @param {string} [field] */
	const save = (v, base, field = 'title') => publish(room, { event: 'saved', data: { field, v }, base }, { gateway: v % 2 });
	assert.equal((await save(1, 0)).body, '{"seq":1}');
	assert.equal((await save(2, 1)).body, '{"seq":2}');
	assertRefused(await save(3, 1), 409, 'conflict', { seq: 2, data: { field: 'title', v: 2 } });
	assert.equal((await save(3, 1, 'body')).body, '{"seq":3}');
	assert.equal((await save(4, 2)).body, '{"seq":4}');
	assert.equal((await save(5)).body, '{"seq":5}');
});

// ---- once ----

test('one Idempotency-Key is one event of its room, whichever gateway it comes to, and at once or later', async () => {
	const [room, other] = [world.room(), world.room()];
	/** @param {Room} where @param {number} gateway @param {number} v */
	const once = (where, gateway, v) => publish(where, { event: 'paid', data: { v } }, { gateway, headers: { 'Idempotency-Key': 'order-17' } });
	const answers = await Promise.all([0, 1, 0, 1, 0, 1].map((gateway, v) => once(room, gateway, v)));
	for (const answer of answers)
		assert.equal(answer.body, '{"seq":1}');
	assert.equal((await publish(room, { event: 'paid', data: {} })).body, '{"seq":2}');
	assert.equal((await once(room, 1, 99)).body, '{"seq":1}');
	assert.equal((await once(other, 0, 0)).body, '{"seq":1}');
	assert.equal((await stored(room)).length, 2);
	const restarted = world.cluster.gateways[1];
	await world.cluster.restart(restarted);
	assert.equal((await once(room, 1, 100)).body, '{"seq":1}');
});

test('keys that are said again while their shard is killed are stored once each', async () => {
	await world.readOwners();
	const rooms = [world.room('submission', 0), world.room('document', 1)];
	const shard = world.cluster.shards[0];
	let killed = false;
	/** @param {number} n @returns {Promise<number[]>} */
	const insist = async (n) => {
		const seqs = [];
		for (let at = 0; !killed || at < 40; at++) {
			const answer = await publish(rooms[at % 2], { event: 'e', data: { n, at } },
				{ gateway: (n + at) % 2, headers: { 'Idempotency-Key': `k-${n}-${at}` } });
			if (answer.status === 200)
				seqs.push(answer.json.seq);
			else
				assertRetryable(answer);
			if (answer.status !== 200)
				at--;
		}
		return seqs;
	};
	const all = [0, 1, 2, 3].map(insist);
	await eventually(async () => (await stored(rooms[0])).length > 20, 'publishes to be under way');
	const gone = shard.ended();
	shard.kill('KILL');
	await gone;
	killed = true;
	await world.cluster.startProcess(shard);
	const acked = (await Promise.all(all)).flat();
	const rows = (await Promise.all(rooms.map(stored))).flat();
	assert.equal(rows.length, acked.length);
	assert.equal(new Set(rows.map((row) => row.producer + row.body)).size, rows.length);
	for (const room of rooms) {
		const seqs = (await stored(room)).map((row) => Number(row.seq));
		assert.deepEqual(seqs, seqs.map((_, i) => i + 1));
	}
});

/** @param {import('../lib/http.mjs').Answer} answer */
function assertRetryable(answer) {
	assert.equal(answer.status, 503, answer.body);
	assert.match(answer.headers['retry-after'] ?? '', /^[1-9][0-9]*$/);
	assert.ok(answer.json.error.retry_after_ms > 0, answer.body);
}

test('without the database a publish is refused as one to be said again, and a known key is still known', async () => {
	const room = world.room();
	assert.equal((await publish(room, { event: 'e', data: 1 })).status, 200);
	await world.cluster.postgres.stop();
	try {
		const answer = await publish(room, { event: 'e', data: 2 });
		assertRetryable(answer);
		assert.match(answer.json.error.code, /^(db_away|db_unknown|shard_away)$/);
		const revoked = await revoke(world.users[9].session);
		assertRetryable(revoked);
	} finally {
		await world.cluster.postgres.start();
	}
	await eventually(async () => (await publish(room, { event: 'e', data: 3 })).status === 200, 'publishes to be taken again');
});

// ---- out ----

test('who is kicked is out over every gateway at once, with all tabs, and the others are told once', async () => {
	const room = world.room();
	const [ann, tab1, tab2] = [await world.join(room, 0, { gateway: 0 }), await world.join(room, 1, { gateway: 0 }), await world.join(room, 1, { gateway: 1 })];
	await fence(tab2, [ann, tab1]);
	ann.mark();
	const answer = await kick(room, { user: world.users[1].id, reason: 'spam' }, { gateway: 1 });
	assert.equal(answer.body, '{"kicked":2}');
	for (const tab of [tab1, tab2]) {
		const end = await tab.closed;
		assert.equal(end.code, 4410);
		assert.ok(end.reason.length > 0);
	}
	assert.equal((await ann.next('user_left')).userId, world.users[1].id);
	const { json } = await show(room);
	assert.deepEqual(json.members.map((/** @type {any} */ one) => one.id), [world.users[0].id]);
	assert.ok(ann.isOpen);
	const again = await world.join(room, 1, { gateway: 0 });
	await fence(again, [ann]);
	assert.equal(ann.unread('user_left').length, 0);
});

test('one session is kicked by the id that its room shows', async () => {
	const room = world.room();
	const [ann, bob] = [await world.join(room, 0, { gateway: 0 }), await world.join(room, 1, { gateway: 1 })];
	const { json } = await show(room);
	const { id } = json.members.find((/** @type {any} */ one) => one.id === world.users[1].id).connections[0];
	assert.equal((await kick(room, { session: id })).body, '{"kicked":1}');
	assert.equal((await bob.closed).code, 4410);
	assert.equal((await kick(room, { session: id })).body, '{"kicked":0}');
	assert.equal((await kick(world.room(), { user: world.users[0].id })).body, '{"kicked":0}');
	assert.ok(ann.isOpen);
});

test('a revoked session ends everywhere at once, and is nobody from then on', async () => {
	await world.cluster.sql(`insert into sessions (id, user_id, expires_at) values ('lost/phone', ${quote(world.users[2].id)}, now() + interval '1 day')`);
	const thief = { ...world.users[2], session: 'lost/phone' };
	const rooms = [world.room(), world.room('document')];
	const owner = await world.join(rooms[0], 2, { gateway: 1 });
	const clients = [await world.join(rooms[0], thief, { gateway: 0 }), await world.join(rooms[1], thief, { gateway: 1 })];
	const answer = await revoke('lost/phone', { gateway: 1 });
	assert.equal(answer.body, '{"revoked":true}');
	for (const client of clients)
		assert.match(String((await client.closed).code), /^44/);
	for (const gateway of [0, 1])
		assertRefused(await show(rooms[0], { token: 'lost/phone', gateway }), 401, 'no_session');
	const back = await upgrade(`${world.cluster.publicUrls[0]}/api/ws/submissions/${rooms[0].id}?sessionId=lost%2Fphone`);
	assert.equal(back.status, 403);
	assert.ok(owner.isOpen, 'another session of the same user goes on');
	assert.equal((await revoke('lost/phone')).body, '{"revoked":false}');
});

// ---- refusals ----

test('who has no good key, and for what it is needed', async () => {
	const room = world.room();
	const event = { event: 'e', data: 1 };
	const wrong = `moot_key_${'0'.repeat(64)}`;
	const expired = await newKey('old', `now() - interval '1 second'`);
	const user = world.users[0].session;
	/** @type {((token: string | null) => Promise<import('../lib/http.mjs').Answer>)[]} */
	const posts = [(token) => publish(room, event, { token }), (token) => kick(room, { user: 'u' }, { token }), (token) => revoke('x', { token })];
	for (const post of posts)
		for (const token of [null, '', 'x'.repeat(600), wrong, expired, user, 'moot_key_'])
			assertRefused(await post(token), 401, 'no_key');
	for (const token of [wrong, expired]) {
		assertRefused(await show(room, { token }), 401, 'no_key');
		assertRefused(await read(room, '', { token }), 401, 'no_key');
	}
	for (const token of [null, 'never-heard-of']) {
		const answer = await show(room, { token });
		assertRefused(answer, 401, 'no_session');
		assert.equal(answer.headers['www-authenticate'], 'Bearer');
		assertRefused(await read(room, '', { token }), 401, 'no_session');
	}
	assert.equal((await stored(room)).length, 0);
});

test('a user is refused where joining is', async () => {
	const room = world.room('document');
	await world.cluster.sql(`insert into users (id, name, email, user_type) values ('stranger', 'S', 's@example.org', 'Reviewer');
		insert into sessions (id, user_id, expires_at) values ('s-stranger', 'stranger', now() + interval '1 day'), ('s-nobody', 'nobody', now() + interval '1 day')`);
	assertRefused(await show(room, { token: 's-stranger' }), 403, 'not_allowed');
	assertRefused(await show(room, { token: 's-nobody' }), 403, 'no_user');
});

test('a service key is no session: it opens no socket', async () => {
	const room = world.room();
	assert.equal((await show(room)).status, 200);
	const answer = await upgrade(`${world.cluster.publicUrls[0]}/api/ws/submissions/${room.id}?sessionId=${key}`);
	assert.equal(answer.status, 403);
	const session = await request(`${world.cluster.publicUrls[0]}/api/auth/session`, { headers: bearer(key) });
	assert.equal(session.status, 404);
});

test('a revoked key is no key any more', async () => {
	const room = world.room();
	const mine = await newKey('mine');
	for (const gateway of [0, 1])
		assert.equal((await publish(room, { event: 'e', data: 1 }, { token: mine, gateway })).status, 200);
	await world.cluster.sql(`update service_key set revoked_at = now() where name = 'mine'`);
	for (const gateway of [0, 1])
		assertRefused(await publish(room, { event: 'e', data: 1 }, { token: mine, gateway }), 401, 'no_key');
	const [{ kept }] = await world.cluster.sql(`select count(*) as kept from service_key where name = 'mine'
		and (to_jsonb(service_key)::text like '%${mine}%' or hash <> sha256('${mine}'))`);
	assert.equal(kept, '0', 'only its hash is stored');
});

test('rooms and paths that are not there', async () => {
	for (const name of ['submission:no-such', 'document:no-such', 'meeting:room_000001', 'room_000001', 'submission:', `submission:${'x'.repeat(300)}`])
		for (const path of [`/rooms/${encodeURIComponent(name)}`, `/rooms/${encodeURIComponent(name)}/events`])
			for (const token of [key, world.users[0].session])
				assertRefused(await ask(path, { token }), 404, 'no_room');
	assertRefused(await ask('/rooms/document%3Ano-such/events', { method: 'POST', body: '{"event":"e","data":1}' }), 404, 'no_room');
	assertRefused(await ask('/rooms/document%3Ano-such/kick', { method: 'POST', body: '{"user":"u"}' }), 404, 'no_room');
	for (const path of ['/', '/rooms', '/rooms/submission:a/b', '/sessions/x'])
		assertRefused(await ask(path), 404, 'no_path');
	assertRefused(await ask('/rooms/%zz'), 400, 'bad_field', { field: 'path' });
	for (const [method, path, allow] of [['DELETE', '/rooms/submission%3Ax', 'GET, OPTIONS'], ['GET', '/sessions/x/revoke', 'POST, OPTIONS'], ['PUT', '/rooms/submission%3Ax/events', 'GET, POST, OPTIONS']]) {
		const answer = await ask(path, { method });
		assertRefused(answer, 405, 'bad_method');
		assert.equal(answer.headers.allow, allow);
	}
});

test('bodies and queries that are wrong say what is', async () => {
	const room = world.room();
	for (const [body, code, field] of [
		['', 'bad_json'], ['{', 'bad_json'], ['{"event":"e","data":1}x', 'bad_json'], ['[]', 'bad_type'],
		['{"event":"e","data":' + '['.repeat(200) + ']'.repeat(200) + '}', 'too_deep'],
		['{"data":1}', 'bad_field', 'event'], ['{"event":"e f","data":1}', 'bad_field', 'event'], ['{"event":"e"}', 'bad_field', 'data'],
		['{"event":"e","data":1,"base":"x"}', 'bad_field', 'base'], ['{"event":"e","data":1,"actor":{}}', 'bad_field', 'actor'],
	])
		assertRefused(await publish(room, body), 400, code, field ? { field } : {});
	for (const [body, field] of [['{}', 'user'], ['{"user":"a","session":"0000000000000001"}', 'user'], ['{"session":"1"}', 'session']])
		assertRefused(await ask(pathOf(room, '/kick'), { method: 'POST', body }), 400, 'bad_field', { field });
	for (const query of ['after=x', 'before=0', 'limit=0', 'limit=100000', 'type=', 'type=%ff'])
		assertRefused(await read(room, `?${query}`), 400, 'bad_field', { field: query.split('=')[0] });
	assertRefused(await read(room, '?after=1&before=2'), 400, 'bad_field', { field: 'before' });
	for (const bad of ['x'.repeat(61), 'a b'])
		assertRefused(await publish(room, { event: 'e', data: 1 }, { headers: { 'Idempotency-Key': bad } }), 400, 'bad_field', { field: 'Idempotency-Key' });
	assertRefused(await publish(room, { event: 'e', data: 'x'.repeat(messageMax) }), 413, 'too_big');
	assert.deepEqual(await stored(room), []);
	const most = { event: 'e', data: 'x'.repeat(messageMax - 100) };
	assert.equal((await publish(room, most)).status, 200, 'one that just fits');
	assert.equal((await read(room)).json.events[0].data, most.data);
});

test('pages of other origins may use it', async () => {
	const room = world.room();
	const before = await ask(pathOf(room, '/events'), { method: 'OPTIONS', token: null, headers: { Origin: 'https://app.example', 'Access-Control-Request-Method': 'POST' } });
	assert.equal(before.status, 204);
	assert.equal(before.headers['access-control-allow-origin'], '*');
	assert.match(String(before.headers['access-control-allow-headers']), /Authorization.*Idempotency-Key/);
	for (const token of [key, null]) {
		const answer = await show(room, { token, headers: { Origin: 'https://app.example' } });
		assert.equal(answer.headers['access-control-allow-origin'], '*');
		assert.match(String(answer.headers['access-control-expose-headers']), /Retry-After/);
		assert.equal(answer.headers['cache-control'], 'no-store');
	}
});
