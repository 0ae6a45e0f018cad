// SPDX-License-Identifier: Apache-2.0
// What is said before there is a WebSocket, and by the REST endpoints beside it: statuses and bodies to
// the byte, in the order in which the conditions are checked.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { roomName, socketUrl } from '../lib/client.mjs';
import { bearer, connect, exchange, request, upgrade } from '../lib/http.mjs';
import { Way } from '../lib/ways.mjs';
import { kinds, World } from '../lib/world.mjs';

/** @type {World} */
let world;
/** @type {string} */
let base;

before(async () => {
	world = await World.open();
	base = world.publicUrl;
	await world.cluster.sql(`
		insert into users (id, name, email, user_type) values
			('nobody_yet', 'Out Sider', 'out@example.org', 'Reviewer'),
			('nameless', '', 'nameless@example.org', 'Admin'),
			('the_admin', 'An Admin', 'admin@example.org', 'Admin'),
			('the_council', 'A Council Manager', 'council@example.org', 'CouncilManager'),
			('the_comms', 'A Comms Cadre', 'comms@example.org', 'CommsCadre');
		insert into sessions (id, user_id, expires_at) values
			('s-out', 'nobody_yet', now() + interval '1 day'),
			('s-nameless', 'nameless', now() + interval '1 day'),
			('s-admin', 'the_admin', now() + interval '1 day'),
			('s-council', 'the_council', now() + interval '1 day'),
			('s-comms', 'the_comms', now() + interval '1 day'),
			('s-expired', 'u_0', now() - interval '1 second'),
			('s-orphan', 'never_was', now() + interval '1 day');
		insert into submissions (id, submitted_by, required_approvers) values
			('for_u3_only', 'u_3', '{}'), ('for_u4_mail', '', array['u4@example.org']);
		insert into documents (id, owner, editors, viewers) values
			('owned', 'u_3', '{}', '{}'), ('edited', '', array['u_4'], '{}'), ('viewed', '', '{}', array['u_5'])`);
});

after(() => world?.close());

/** @param {string} path @param {string} [session] */
const url = (path, session) => `${base}${path}${session === undefined ? '' : `?sessionId=${session}`}`;
const submission = '/api/ws/submissions/for_u3_only';

describe('refusals before the upgrade', () => {
	test('without an Upgrade header: 426, before everything else', async () => {
		const answer = await request(url(submission));
		assert.equal(answer.status, 426);
		assert.equal(answer.headers.upgrade, 'websocket');
		assert.equal(answer.body, '{"error":"Expected WebSocket upgrade request"}');
	});

	test('an Upgrade that is not exactly `websocket`: 426', async () => {
		for (const value of ['WebSocket', 'websockets', 'tls']) {
			const answer = await upgrade(url(submission, 's-admin'), { Upgrade: value });
			assert.equal(answer.status, 426, value);
			assert.equal(answer.body, '{"error":"Expected WebSocket upgrade request"}');
		}
	});

	test('no sessionId: 400', async () => {
		for (const path of [submission, `${submission}?sessionId=`, `${submission}?userId=u_3`, '/api/ws/submissions/no_such']) {
			const answer = await upgrade(url(path));
			assert.equal(answer.status, 400, path);
			assert.equal(answer.body, '{"error":"Session ID is required"}');
		}
	});

	test('a session that is unknown, expired or absurd: 403, before the room is looked for', async () => {
		for (const session of ['never-was', 's-expired', 'x'.repeat(600), "'%3B--", '%F0%9F%8E%BC']) {
			for (const path of [submission, '/api/ws/submissions/no_such', '/ws/documents/owned']) {
				const answer = await upgrade(url(path, session));
				assert.equal(answer.status, 403, `${path} ${session.slice(0, 20)}`);
				assert.equal(answer.body, '{"error":"Session not found or expired"}');
			}
		}
	});

	test('a session without a user: 403', async () => {
		const answer = await upgrade(url(submission, 's-orphan'));
		assert.equal(answer.status, 403);
		assert.equal(answer.body, '{"error":"User not found"}');
	});

	test('an unknown submission: 404', async () => {
		for (const id of ['no_such', 'x'.repeat(250), '%F0%9F%8E%BC', "'%20or%201=1--"]) {
			const answer = await upgrade(url(`/api/ws/submissions/${id}`, 's-admin'));
			assert.equal(answer.status, 404, id);
			assert.equal(answer.body, '{"error":"Submission not found"}');
		}
	});

	test('no access: 403', async () => {
		const answer = await upgrade(url(submission, 's-out'));
		assert.equal(answer.status, 403);
		assert.equal(answer.body, '{"error":"Access denied"}');
	});

	test('a user without a name: 400, plain text', async () => {
		const answer = await upgrade(url(submission, 's-nameless'));
		assert.equal(answer.status, 400);
		assert.equal(answer.body, 'Missing required parameters');
		assert.match(answer.headers['content-type'] ?? '', /^text\/plain/);
	});

	test('a document that is unknown or closed to the user is refused', async () => {
		const unknown = await upgrade(url('/api/ws/documents/no_such', 's-admin'));
		assert.equal(unknown.status, 404);
		const denied = await upgrade(url('/api/ws/documents/owned', 's-out'));
		assert.equal(denied.status, 403);
		assert.equal(denied.body, '{"error":"Access denied"}');
	});

	test('ids that are no ids are refused and break nothing', async () => {
		for (const id of ['%00', '%0A', '%C2%80', 'a%2Fb', 'x'.repeat(3000), '%FF%FE', '..%2F..', '%', '%zz']) {
			const answer = await upgrade(url(`/api/ws/submissions/${id}`, 's-admin'));
			assert.ok([400, 404].includes(answer.status), `${id.slice(0, 20)}: ${answer.status}`);
		}
		assert.equal((await upgrade(url(submission, 's-admin'))).status, 101);
	});
});

describe('who may enter', () => {
	const allowed = [
		['the submitter', submission, 'session-3'],
		['a required approver', '/api/ws/submissions/for_u4_mail', 'session-4'],
		['an Admin', submission, 's-admin'],
		['a CouncilManager', submission, 's-council'],
		['a CommsCadre', submission, 's-comms'],
		['the owner of a document', '/api/ws/documents/owned', 'session-3'],
		['an editor of a document', '/api/ws/documents/edited', 'session-4'],
		['a viewer of a document', '/api/ws/documents/viewed', 'session-5'],
	];
	for (const [who, path, session] of allowed) {
		test(who, async () => {
			const answer = await upgrade(url(path, session));
			assert.equal(answer.status, 101);
			assert.equal(answer.headers['sec-websocket-accept'], 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
			assert.equal(answer.headers['sec-websocket-extensions'], undefined);
		});
	}

	for (const kind of kinds) {
		test(`a ${kind} by both bases, with and without /api`, async () => {
			const room = world.room(kind);
			const first = await world.join(room, 0, { prefix: '/api/ws' });
			const second = await world.join(room, 1, { prefix: '/ws' });
			await first.next('user_joined');
			assert.deepEqual(second.all('room_state')[0].users.map((/** @type {any} */ user) => user.userId),
				[world.users[0].id, world.users[1].id]);
		});
	}

	test('only sessionId is trusted: a foreign identity in the query changes nothing', async () => {
		const room = world.room();
		const mallory = { ...world.users[5], id: 'u_0', name: 'User 0 of Many', email: 'u0@example.org' };
		const client = await world.join(room, mallory);
		assert.equal(client.all('connected')[0].userId, world.users[5].id);
		assert.equal(client.all('connected')[0].userEmail, world.users[5].email);
	});

	test('the other query parameters may be missing, repeated or in another order', async () => {
		const room = world.room();
		for (const query of ['sessionId=session-0', 'x=1&sessionId=session-0&userId=', 'userName=a%20b&sessionId=session-0&submissionId=other']) {
			const answer = await upgrade(`${base}/api/ws/submissions/${room.id}?${query}`);
			assert.equal(answer.status, 101, query);
		}
	});
});

describe('GET /api/auth/session', () => {
	const path = '/api/auth/session';

	test('200 with the session and its user', async () => {
		const answer = await request(base + path, { headers: bearer('session-1') });
		assert.equal(answer.status, 200);
		assert.match(answer.headers['content-type'] ?? '', /^application\/json/);
		const text = JSON.stringify(answer.json);
		for (const value of [world.users[1].id, world.users[1].name, world.users[1].email])
			assert.ok(text.includes(JSON.stringify(value)), `${value} in ${text}`);
	});

	test('400 without a Bearer', async () => {
		for (const headers of [{}, { Authorization: 'Basic dTpw' }, { Authorization: 'Bearer' }, { Authorization: '' }]) {
			const answer = await request(base + path, { headers: /** @type {Record<string, string>} */ (headers) });
			assert.equal(answer.status, 400, JSON.stringify(headers));
			assert.equal(typeof answer.json?.error, 'string');
		}
	});

	test('404 for an unknown or expired session', async () => {
		for (const session of ['never-was', 's-expired']) {
			const answer = await request(base + path, { headers: bearer(session) });
			assert.equal(answer.status, 404, session);
			assert.equal(typeof answer.json?.error, 'string');
		}
	});
});

describe('REST beside the room', () => {
	for (const kind of kinds) {
		const path = `/api/ws/${kind}s`;

		test(`${kind}: 401 without a session`, async () => {
			const room = world.room(kind);
			for (const headers of [{}, bearer('never-was'), bearer('s-expired')]) {
				const asked = await request(`${base}${path}/${room.id}/room`, { headers });
				assert.equal(asked.status, 401);
				assert.equal(asked.body, '{"error":"Unauthorized"}');
				const sent = await request(`${base}${path}/${room.id}/broadcast`, { method: 'POST', headers, body: '{}' });
				assert.equal(sent.status, 401);
				assert.equal(sent.body, '{"error":"Unauthorized"}');
			}
		});

		test(`${kind}: guarded by the rule for joining`, async () => {
			const room = world.room(kind);
			for (const [id, session, status] of /** @type {const} */ ([[room.id, 's-out', 403], ['no_such', 'session-0', 404]])) {
				const asked = await request(`${base}${path}/${id}/room`, { headers: bearer(session) });
				assert.equal(asked.status, status);
				const sent = await request(`${base}${path}/${id}/broadcast`,
					{ method: 'POST', headers: bearer(session), body: '{"type":"comment_added"}' });
				assert.equal(sent.status, status);
				assert.equal(typeof sent.json?.error, 'string');
			}
		});

		test(`${kind}: an empty room answers, and a broadcast into it succeeds`, async () => {
			const room = world.room(kind);
			const asked = await request(`${base}${path}/${room.id}/room`, { headers: bearer('session-0') });
			assert.equal(asked.status, 200);
			assert.equal(asked.body, `{"roomId":"${roomName(room)}","users":[],"userCount":0}`);
			const sent = await request(`${base}${path}/${room.id}/broadcast`,
				{ method: 'POST', headers: bearer('session-0'), body: '{"type":"comment_added","data":{}}' });
			assert.equal(sent.status, 200);
			assert.equal(sent.body, '{"success":true}');
		});

		test(`${kind}: a body that is no JSON object is one clear error`, async () => {
			const room = world.room(kind);
			const member = await world.join(room, 0);
			for (const body of ['', '{', '[]', '"x"', 'null', '1', '{"a":1}x', `${'{"a":'.repeat(500)}1${'}'.repeat(500)}`]) {
				const sent = await request(`${base}${path}/${room.id}/broadcast`,
					{ method: 'POST', headers: bearer('session-0'), body });
				assert.equal(sent.status, 400, body.slice(0, 20));
				assert.equal(typeof sent.json?.error, 'string');
			}
			await member.settled();
			assert.ok(member.isOpen);
		});
	}

	test('a body beyond the limit is refused and does not take memory', async () => {
		const room = world.room();
		const head = `POST /api/ws/submissions/${room.id}/broadcast HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer session-0\r\n`;
		const enough = Way.chosen().endsHttp ? /\r\n\r\n/ : undefined; // some proxies wait for the body all the same
		const answer = await exchange(base, `${head}Content-Length: 99999999999\r\n\r\n`, enough);
		assert.match(answer, /^HTTP\/1\.1 413 /);
	});

	test('/test says that it works and names nothing', async () => {
		for (const path of ['/api/ws/test', '/ws/test']) {
			const answer = await request(base + path);
			assert.equal(answer.status, 200);
			assert.deepEqual(Object.keys(answer.json), ['status', 'message']);
			assert.equal(answer.json.status, 'ok');
			assert.equal(answer.json.message, 'WebSocket infrastructure test passed');
		}
	});

	test('a wrong method or path is refused', async () => {
		const room = world.room();
		const wrong = await request(`${base}/api/ws/submissions/${room.id}/broadcast`, { headers: bearer('session-0') });
		assert.equal(wrong.status, 405);
		for (const path of ['/nothing', '/api/ws/submissions/', '/api/ws/rooms/x', '/api/ws/submissions/a/b/c', '/../etc/passwd', '/%2e%2e/x'])
			assert.equal((await request(base + path, { headers: bearer('session-0') })).status, 404, path);
	});
});

// A proxy that ends HTTP answers some of these itself and mends others.
describe('requests that are not plain HTTP/1.1', { skip: Way.chosen().endsHttp }, () => {
	const cases = [
		['an HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
		['an upgrade to HTTP/2', 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\n\r\n'],
		['HTTP/2.0', 'GET / HTTP/2.0\r\nHost: a\r\n\r\n'],
		['no Host', 'GET / HTTP/1.1\r\n\r\n'],
		['two Hosts', 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n'],
		['two lengths', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx'],
		['a transfer coding', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
		['a folded line', 'GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n'],
		['control bytes', 'GET / HTTP/1.1\r\nHost: a\r\nX: \x01\r\n\r\n'],
		['no HTTP at all', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n'],
		['a head without end', `GET / HTTP/1.1\r\nHost: a\r\nX: ${'y'.repeat(20_000)}`],
	];
	for (const [name, bytes] of cases) {
		test(name, async () => {
			const answer = await exchange(base, Buffer.from(bytes, 'latin1'));
			assert.match(answer, /^(HTTP\/1\.1 (4\d\d|505) |$)/);
			assert.equal((await request(`${base}/api/ws/test`)).status, 200);
		});
	}

	test('a request that comes in single bytes is still read', async () => {
		const url = new URL(socketUrl(base, world.room(), world.users[0]).replace(/^ws/, 'http'));
		const socket = connect(base, () => {});
		const head = `GET ${url.pathname}${url.search} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n`
			+ 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n';
		for (const byte of head)
			await new Promise((resolve) => socket.write(byte, resolve));
		const first = await new Promise((resolve) => socket.once('data', (data) => resolve(String(data))));
		socket.destroy();
		assert.match(String(first), /^HTTP\/1\.1 101 /);
	});
});
