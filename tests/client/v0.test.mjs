// SPDX-License-Identifier: Apache-2.0
// The old client's names without its defects. What each test is about is what went wrong there.

import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { CollaborativeWebSocketClient, configure, SubmissionWebSocketClient, webSocketManager } from '../../client/src/v0.js';
import { types as protocolTypes } from '../../client/src/protocol.js';
import { ann, bo, FakeClock, FakeSocket, member, sessionOf, settled } from './fakes.mjs';

const room = 'submission:s-1';
/** @type {FakeSocket[]} */ let sockets = [];
/** @type {FakeClock} */ let clock;
/** @type {{close: () => void}[]} */ let opened = [];
let sessionId = /** @type {string | null} */ ('secret-session');

beforeEach(() => {
	sockets = [];
	clock = new FakeClock();
	sessionId = 'secret-session';
	configure({
		apiUrl: 'https://app.example.org/api', clock, random: () => 0.5,
		storage: { getItem: (name) => (name === 'sessionId' ? sessionId : null) },
		WebSocket: class extends FakeSocket {
			/** @param {string} url @param {string} protocol */
			constructor(url, protocol) {
				super(url, protocol);
				sockets.push(this);
			}
		},
	});
});
afterEach(async () => {
	opened.splice(0).forEach(({ close }) => close());
	await clock.pass(1_000);
	assert.equal(clock.pending, 0, 'no timer is left');
	assert.equal(sockets.filter(({ isOpen }) => isOpen).length, 0);
});

const last = () => sockets[sockets.length - 1];
const types = (/** @type {any[]} */ heard) => heard.map(({ type }) => type);

/** Every message that it gives its handlers. @param {SubmissionWebSocketClient | CollaborativeWebSocketClient} client */
function hear(client) {
	/** @type {any[]} */
	const heard = [];
	for (const type of ['room_state', 'connected', 'user_joined', 'user_left', 'error', 'session_expired', 'editing_started', 'editing_stopped',
		'typing_start', 'typing_stop', 'cursor_position', 'content_updated', 'comment_added', 'request_cursor_refresh', 'request_cursor_refresh_all', 'gap', 'resumed'])
		client.on(type, (message) => heard.push(type === 'session_expired' ? { ...message, type } : message));
	return heard;
}

function make() {
	const client = new SubmissionWebSocketClient('s-1', 'claimed', 'Claimed', 'claimed@example.org');
	opened.push({ close: () => client.disconnect() });
	return client;
}

async function welcome(more = {}) {
	await settled();
	const socket = last();
	socket.open();
	socket.say({
		type: 'welcome', session: sessionOf(1), resume: `resume-${sockets.length}`, user: ann, ping_ms: 30_000,
		limits: { message: 2_097_152, rate: 200, rooms: 64, pending: 64 }, resumed: sockets.length > 1, ...more,
	});
	await settled();
}

/** @param {any[]} [members] @param {object} [more] */
async function joined(members = [member(ann, sessionOf(1))], more = {}) {
	last().say({ type: 'joined', room, seq: 0, role: 'editor', count: members.length, members, ...more });
	await settled();
}

/** @param {Partial<{joined: any[], left: any[], changed: any[]}>} lists */
async function presence(lists) {
	last().say({ type: 'presence', room, joined: [], left: [], changed: [], ...lists });
	await settled();
}

/** @param {any[]} [members] */
async function connected(members) {
	const client = make();
	const heard = hear(client);
	await client.connect();
	await welcome();
	await joined(members);
	last().news();
	return { client, heard };
}

async function cut() {
	last().drop();
	await clock.pass(clock.nextIn);
}

describe('names and shapes', () => {
	test('connect, room_state, connected; the getters say the same', async () => {
		const client = make();
		const heard = hear(client);
		assert.equal(client.connectionState, 'disconnected');
		await client.connect();
		assert.equal(client.connectionState, 'connecting');
		await welcome();
		assert.equal(client.isConnected, false);
		await joined([member(ann, sessionOf(1)), member(bo, 'b1')]);
		assert.deepEqual(types(heard), ['room_state', 'connected']);
		assert.deepEqual(heard[0].users[1], { userId: 'u_bo', userName: 'Bo', userEmail: 'bo@example.org', connectedAt: '2026-01-02T03:04:05.678Z' });
		assert.deepEqual(Object.keys(heard[1]), ['submissionId', 'userId', 'userName', 'userEmail', 'timestamp', 'type']);
		assert.deepEqual([heard[1].submissionId, heard[1].userId], ['s-1', 'u_ann']);
		assert.deepEqual([client.isConnected, client.connectionState], [true, 'connected']);
		assert.deepEqual(Object.keys(client.connectionHealth), ['isHealthy', 'lastPong', 'missedPongs', 'timeSinceLastPong', 'timeSinceLastActivity', 'queuedMessages', 'reconnectAttempts', 'isConnecting']);
		assert.equal(client.connectionHealth.isHealthy, true);
	});

	test('what it sends others get; what others send and what the application stored it gets', async () => {
		const { client, heard } = await connected([member(ann, sessionOf(1)), member(bo, 'b1')]);
		client.notifyContentUpdated({ field: 'title', newValue: 'x' });
		assert.deepEqual(last().news('cast'), [{ type: 'cast', room, key: 'content_updated', data: { field: 'title', newValue: 'x' } }]);
		heard.length = 0;
		last().say({ type: 'cast', room, key: 'content_updated', from: { id: bo.id, name: bo.name, session: 'b1' }, data: { a: 1 }, after: 0 });
		last().say({ type: 'event', room, seq: 1, event: 'comment_added', from: { id: bo.id, name: bo.name }, data: { comment: 1 }, at: '2026-01-02T03:04:05.678Z' });
		assert.deepEqual(heard.map(({ type, userId, userEmail, data }) => [type, userId, userEmail, data]), [
			['content_updated', 'u_bo', 'bo@example.org', { a: 1 }], ['comment_added', 'u_bo', 'bo@example.org', { comment: 1 }],
		]);
		assert.equal(heard[1].timestamp, '2026-01-02T03:04:05.678Z');
	});

	test('D5: a document has one key; its cursors and operations; off ends a handler', async () => {
		const client = new CollaborativeWebSocketClient('d/1', 'a', 'A', 'a@example.org');
		opened.push({ close: () => client.disconnect() });
		await client.connect();
		await welcome();
		assert.deepEqual(last().news('join').map((one) => one.room), ['document:d/1']);
		last().say({ type: 'joined', room: 'document:d/1', seq: 0, role: 'editor', count: 0, members: [] });
		client.sendCursorPosition({ line: 1 });
		client.sendTextOperation({ type: 'insert', position: 0, content: 'x', version: 0 });
		assert.deepEqual(last().news('cast').map(({ key, data }) => [key, data.line ?? data.version]), [['cursor_position', 1], ['text_operation', 1]]);
		let heard = 0;
		const handler = () => heard++;
		client.on('content_updated', handler);
		client.off('content_updated', handler);
		last().say({ type: 'cast', room: 'document:d/1', key: 'content_updated', from: bo, data: {}, after: 0 });
		assert.equal(heard, 0);
	});

	test('the manager gives one client for each room and user', async () => {
		const client = await webSocketManager.connectToSubmission('s-1', 'a', 'A', 'a@example.org');
		opened.push({ close: () => webSocketManager.disconnectAll() });
		assert.equal(webSocketManager.getSubmissionClient('s-1', 'a', 'A', 'a@example.org'), client);
		webSocketManager.disconnectFromSubmission('s-1', 'a');
		assert.equal(client.connectionState, 'disconnected');
	});
});

describe('without its defects', () => {
	test('D3: another tab that closes shows nothing, a user who goes is gone once', async () => {
		const tabs = { ...member(bo, 'b1'), connections: [...member(bo, 'b1').connections, ...member(bo, 'b2').connections] };
		const { heard } = await connected([member(ann, sessionOf(1)), tabs]);
		heard.length = 0;
		await presence({ changed: [member(bo, 'b1')] });
		assert.deepEqual(heard, []);
		await presence({ left: [{ id: bo.id }] });
		await presence({ joined: [member(bo, 'b3')] });
		assert.deepEqual(types(heard), ['user_left', 'room_state', 'user_joined', 'room_state']);
	});

	test('D4: many views and rooms share one socket; closing one leaves the others alone', async () => {
		const { client } = await connected();
		const other = make(), document = new CollaborativeWebSocketClient('d-1', 'a', 'A', '');
		opened.push({ close: () => document.disconnect() });
		const heard = hear(other);
		await Promise.all([other.connect(), document.connect()]);
		await settled();
		assert.equal(sockets.length, 1);
		assert.deepEqual(types(heard), ['room_state', 'connected']);
		client.disconnect();
		await clock.pass(1_000);
		assert.deepEqual(last().news('leave'), []);
		assert.equal(other.isConnected, true);
		assert.deepEqual([client.isConnected, client.connectionState], [false, 'disconnected']);
	});

	test('D6, D7: neither an hour offline nor an hour without a server ends it, and neither is a session that expired', async () => {
		const { client, heard } = await connected();
		heard.length = 0;
		last().drop();
		const until = clock.now() + 3_600_000;
		while (clock.now() < until) {
			await clock.pass(clock.nextIn);
			last().drop();
		}
		assert.deepEqual(types(heard), ['error'], 'said once');
		assert.equal(client.connectionState, 'connecting');
		await clock.pass(clock.nextIn);
		await welcome();
		await joined();
		assert.equal(client.isConnected, true);
	});

	test('D8: a close without an error is seen at once, by the getters and by a message', async () => {
		for (const code of [1000, 1001, 1008, 1012]) {
			const { client, heard } = await connected();
			heard.length = 0;
			last().drop(code);
			assert.equal(client.isConnected, false, `${code}`);
			assert.equal(client.connectionHealth.isHealthy, false);
			assert.deepEqual(types(heard), ['error']);
			client.disconnect();
			await clock.pass(1_000);
		}
	});

	test('D9: a dead link is replaced by one other socket; the late close of the first does nothing', async () => {
		const { client, heard } = await connected();
		await clock.pass(20_125);
		assert.equal(sockets.length, 2);
		await welcome();
		await joined();
		sockets[0].drop(1006);
		await clock.pass(5_000);
		last().say({ type: 'pong' });
		assert.equal(sockets.length, 2);
		assert.equal(client.isConnected, true);
		assert.equal(types(heard).filter((type) => type === 'connected').length, 2);
	});

	test('D10: taken down and put up at each keystroke, it keeps its socket and its place', async () => {
		await connected();
		for (let i = 0; i < 20; i++) {
			const next = make();
			await next.connect();
			opened.splice(0, 1).forEach(({ close }) => close());
			await clock.pass(100);
		}
		await clock.pass(500);
		assert.equal(sockets.length, 1);
		assert.deepEqual(last().news('leave', 'join'), []);
	});

	test('D11: what was missed comes in order, what cannot be given is said', async () => {
		const { heard } = await connected();
		await cut();
		await welcome();
		heard.length = 0;
		assert.equal(last().news('join')[0].since, 0);
		await joined(undefined, { seq: 3, gap: { from: 1, to: 1 } });
		for (const seq of [2, 3])
			last().say({ type: 'event', room, seq, event: 'comment_added', from: bo, data: { seq }, at: '', replay: true });
		assert.deepEqual(heard.filter(({ type }) => type !== 'room_state').map(({ type, data }) => [type, data?.seq]), [
			['gap', undefined], ['connected', undefined], ['comment_added', 2], ['comment_added', 3], ['resumed', undefined],
		]);
	});

	test('D13: what waited too long is not said; of what was said just now the latest is', async () => {
		const { client } = await connected();
		last().drop();
		client.notifyContentUpdated({ v: 'old' });
		assert.equal(client.connectionHealth.queuedMessages, 1);
		await clock.pass(2_001);
		client.notifyContentUpdated({ v: 1 });
		client.notifyContentUpdated({ v: 2 });
		client.send({ type: 'realtime_content_update', data: { v: 'stale soon' } });
		assert.equal(client.connectionHealth.queuedMessages, 2);
		await welcome();
		await joined();
		assert.deepEqual(last().news('cast').map(({ data }) => data.v), [2, 'stale soon']);
		last().drop();
		client.notifyContentUpdated({ v: 3 });
		await clock.pass(2_001);
		await welcome();
		await joined();
		assert.deepEqual(last().news('cast'), []);
	});

	test('D16: what only the server may say is not said, whoever asks', async () => {
		const { client, heard } = await connected();
		heard.length = 0;
		const forged = Object.entries(protocolTypes).filter(([, { from }]) => from === 'server').map(([type]) => type);
		assert.ok(forged.includes('user_left') && forged.includes('room_state'), `${forged}`);
		for (const type of [...forged, 'approval_added', 'status_changed', 'comment_added'])
			client.send({ type, userId: 'u_bo', data: {} });
		assert.deepEqual(last().news(), []);
		assert.deepEqual(new Set(types(heard)), new Set(['error']));
		client.send({ type: 'typing_start', userId: 'u_bo', userName: 'Bo', data: {} });
		assert.doesNotMatch(JSON.stringify(last().news('cast')), /u_bo|Bo/, 'in no other name either');
	});

	test('D18: the session is in no address, the claimed identity nowhere at all', async () => {
		await connected();
		assert.equal(last().url, `wss://app.example.org/v1/ws?room=${encodeURIComponent(room)}`);
		assert.equal(last().sent[0].token, 'secret-session');
		assert.doesNotMatch(JSON.stringify(last().sent), /claimed/i);
	});

	test('D19: a right that is taken away ends it at once, and says so', async () => {
		const { client, heard } = await connected();
		heard.length = 0;
		last().drop(4410);
		assert.deepEqual(types(heard), ['session_expired']);
		assert.deepEqual([client.isConnected, client.connectionState, clock.pending], [false, 'disconnected', 0]);
		const removed = await connected();
		removed.heard.length = 0;
		last().say({ type: 'left', room, code: 'kicked', reason: 'somebody took this user out', trace: '1' });
		assert.deepEqual(removed.heard.map(({ type, data }) => [type, data.error]), [['error', 'somebody took this user out']]);
		assert.equal(removed.client.connectionState, 'disconnected');
	});

	test('D20: nothing waits without a bound, and what is too large is said and not sent', async () => {
		const { client, heard } = await connected();
		heard.length = 0;
		client.notifyContentUpdated({ content: 'x'.repeat(3 << 20) });
		assert.deepEqual(types(heard), ['error']);
		assert.match(heard[0].data.error, /larger than the server takes/);
		assert.deepEqual([last().news(), client.isConnected], [[], true]);
		last().drop();
		for (let i = 0; i < 1_000; i++)
			client.notifyContentUpdated({ content: 'x'.repeat(1_000), i });
		assert.equal(client.connectionHealth.queuedMessages, 1);
	});

	test('D21: a request for all cursors is answered from what is known, and asked of others once', async () => {
		const { client, heard } = await connected([member(ann, sessionOf(1)), member(bo, 'b1')]);
		await presence({ changed: [member(bo, 'b1', { cursor: { line: 3 } })] });
		heard.length = 0;
		for (let i = 0; i < 10; i++)
			client.send({ type: 'request_cursor_refresh_all', data: { reason: 'content changed' } });
		await clock.pass(1_000);
		assert.equal(last().news('cast').length, 1);
		assert.deepEqual(heard.map(({ type, userId, data }) => [type, userId, data.line]), Array(10).fill(['cursor_position', 'u_bo', 3]));
		client.send({ type: 'request_cursor_refresh', targetUserId: 'u_nobody' });
		assert.equal(heard.length, 10);
	});

	test('D22: who comes late is told who edits, who types and where; who comes again says it again', async () => {
		const doing = member(bo, 'b1', { editing: { field: 'content' }, typing: {}, cursor: { line: 3 } });
		const { client, heard } = await connected([member(ann, sessionOf(1)), doing]);
		assert.deepEqual(types(heard), ['room_state', 'connected', 'editing_started', 'typing_start', 'cursor_position']);
		assert.deepEqual([heard[4].userId, heard[4].data], ['u_bo', { line: 3 }]);
		client.notifyEditingStarted();
		await cut();
		await welcome();
		await joined([member(ann, sessionOf(1)), doing]);
		assert.deepEqual(last().news('cast').map(({ key, data }) => [key, data]), [['editing_started', { field: 'content' }]]);
		assert.equal(types(heard).filter((type) => type === 'typing_start').length, 1, 'what goes on is told once');
	});

	test('D22: what lasts is told as it changes', async () => {
		const { heard } = await connected([member(ann, sessionOf(1)), member(bo, 'b1')]);
		heard.length = 0;
		for (const state of [{ typing: {} }, { typing: {}, cursor: { line: 1 } }, { typing: {}, cursor: { line: 2 } }, { cursor: { line: 2 } }])
			await presence({ changed: [member(bo, 'b1', state)] });
		assert.deepEqual(types(heard), ['typing_start', 'cursor_position', 'cursor_position', 'typing_stop']);
		assert.equal(heard[2].data.line, 2);
	});

	test('D23: who is gone neither edits nor types any more', async () => {
		const { heard } = await connected([member(ann, sessionOf(1)), member(bo, 'b1')]);
		await presence({ changed: [member(bo, 'b1', { editing: {}, typing: {}, cursor: {} })] });
		heard.length = 0;
		await presence({ left: [{ id: bo.id }] });
		assert.deepEqual(types(heard), ['editing_stopped', 'typing_stop', 'user_left', 'room_state']);
	});

	test('D26: an error has its text where the page looks', async () => {
		const { client, heard } = await connected();
		client.send({ type: 'status_changed', data: {} });
		const error = heard.find(({ type }) => type === 'error');
		assert.equal(error.data.error, error.message);
		assert.match(error.message, /status_changed/);
		assert.deepEqual(last().news('cast'), []);
	});

	test('D27: nobody is signed in: said, and the caller is told; expired later: said, and nothing is left running', async () => {
		sessionId = null;
		const client = make();
		const heard = hear(client);
		await assert.rejects(client.connect(), /No session ID found/);
		assert.deepEqual(heard.map(({ type, data }) => [type, data.needsRefresh]), [['session_expired', true]]);
		sessionId = 'expired';
		await client.connect();
		await settled();
		last().open();
		last().drop(4401);
		await settled();
		last().open();
		last().drop(4401);
		await settled();
		assert.deepEqual(types(heard), ['session_expired', 'session_expired']);
		assert.deepEqual([client.connectionState, clock.pending], ['disconnected', 0]);
	});

	test('D30: a gateway that leaves shows nothing: no error, nobody gone or come, and never without a socket', async () => {
		const { client, heard } = await connected([member(ann, sessionOf(1)), member(bo, 'b1')]);
		heard.length = 0;
		last().say({ type: 'draining', deadline_ms: 20_000 });
		await welcome();
		assert.equal(sockets[0].isOpen, true, 'the first one closes when everything has moved');
		await joined([member(ann, sessionOf(1)), member(bo, 'b1')]);
		assert.deepEqual([sockets.length, sockets[0].isOpen, client.isConnected], [2, false, true]);
		assert.deepEqual(heard.filter(({ type }) => !['room_state', 'connected', 'resumed'].includes(type)), []);
	});

	test('refused for good: said with the reason, and not tried again', async () => {
		const client = make();
		const heard = hear(client);
		await client.connect();
		await welcome();
		last().say({ type: 'refused', request: 'join', room, code: 'not_allowed', reason: 'this user may not enter the room', trace: '1' });
		assert.deepEqual(heard.map(({ type, data }) => [type, data.error]), [['error', 'this user may not enter the room']]);
		assert.equal(client.connectionState, 'disconnected');
	});
});
