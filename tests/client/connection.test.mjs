// SPDX-License-Identifier: Apache-2.0
// The states of a connection: each way from each state to each other one, in the table and in life.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { pause } from '../../client/src/backoff.js';
import { initial, isFinal, moves, reasonOf, reasons, step } from '../../client/src/connection.js';
import { describe as inWords } from '../../client/src/index.js';
import { closes } from '../../client/src/protocol.js';
import { settled, Stage } from './fakes.mjs';

/** @typedef {import('../../client/src/connection.js').Input} Input */

const inputs = /** @type {Input[]} */ (['start', 'welcome', 'silence', 'heard', 'lost', 'refused', 'close']);
const states = /** @type {import('../../client/src/index.js').State[]} */ (Object.keys(moves));

describe('the table', () => {
	for (const state of states)
		for (const input of inputs)
			test(`${state}: ${input} leads to ${moves[state][input] ?? 'nothing new'}`, () => {
				const before = Object.freeze({ state, reason: /** @type {const} */ ('lost'), attempt: 3 });
				const after = step(before, input, { reason: 'silent', retryAt: 5 });
				assert.equal(after.state, moves[state][input] ?? state);
				if (!moves[state][input])
					assert.equal(after, before);
				if (after.state === 'connected' && state !== 'connected')
					assert.deepEqual(after, { state: 'connected', reason: 'none', attempt: 0 });
				assert.equal(after.attempt, input === 'lost' && after !== before ? 4 : after.state === 'connected' && state !== 'connected' ? 0 : 3);
			});

	test('nothing leads to connected but a welcome, or a sign of life in doubt', () => {
		for (const state of states)
			for (const input of inputs)
				if (moves[state][input] === 'connected')
					assert.ok(input === 'welcome' || (input === 'heard' && state === 'unsteady'), `${state} ${input}`);
	});

	test('every close code of the server has a reason, and what it calls final is final', () => {
		for (const [code, { retryable }] of Object.entries(closes))
			if (Number(code) >= 4000) {
				assert.equal(isFinal(Number(code)), !retryable, code);
				assert.notEqual(reasonOf(Number(code)), 'lost', code);
			}
		assert.equal(reasonOf(1006), 'lost');
		assert.equal(reasonOf(4499), 'not_allowed');
	});

	test('every state and every reason has honest words', () => {
		for (const state of states)
			for (const reason of /** @type {import('../../client/src/index.js').Reason[]} */ (Object.keys(reasons))) {
				const words = inWords({ state, reason, attempt: 0, retryAt: 4_000 }, 1_000);
				assert.equal(words.startsWith('Connected'), state === 'connected', words);
				if (state === 'waiting')
					assert.match(words, /in 3 s$/);
			}
		assert.equal(inWords(initial), 'Not connected yet');
	});
});

describe('back-off', () => {
	test('full jitter under a ceiling that doubles up to 20 s, for ever', () => {
		assert.deepEqual([0, 1, 2, 3].map((attempt) => pause(attempt, () => 1)), [250, 500, 1000, 2000]);
		assert.equal(pause(50, () => 1), 20_000);
		assert.equal(pause(5_000, () => 1), 20_000);
		assert.equal(pause(3, () => 0), 0);
	});

	test('what the server asks for is the least', () => {
		assert.equal(pause(0, () => 0, 3_000), 3_000);
		assert.equal(pause(0, () => 1, 3_000), 3_250);
	});
});

describe('in life', () => {
	test('idle, connecting, connected; the token goes in hello and nowhere else', async () => {
		const stage = new Stage();
		assert.equal(stage.client.status.state, 'idle');
		stage.client.connect();
		const hello = await stage.welcome();
		assert.deepEqual(stage.states, ['connecting', 'connected']);
		assert.deepEqual(hello, { type: 'hello', token: 'secret-token' });
		assert.equal(stage.socket.url, 'wss://rooms.example.org/v1/ws');
		assert.equal(stage.socket.protocol, 'moot.v1');
		assert.equal(stage.client.user?.id, 'u_ann');
	});

	test('the address says the first room, for balancers, as it is when the socket is opened', async () => {
		const stage = new Stage();
		const first = stage.client.join('submission:a b/ü&?');
		stage.client.join('document:2');
		await stage.welcome();
		await stage.joined('submission:a b/ü&?');
		assert.equal(stage.socket.url, 'wss://rooms.example.org/v1/ws?room=submission%3Aa%20b%2F%C3%BC%26%3F');
		first.leave();
		stage.socket.drop();
		await stage.clock.pass(stage.clock.nextIn);
		assert.equal(stage.socket.url, 'wss://rooms.example.org/v1/ws?room=document%3A2');
	});

	test('a room that was refused is in no address', async () => {
		const stage = new Stage();
		stage.client.join('submission:1').ready.catch(() => {});
		await stage.welcome();
		stage.socket.say({ type: 'refused', request: 'join', room: 'submission:1', code: 'no_access', reason: 'no', trace: '1' });
		stage.client.join('submission:2');
		stage.socket.drop();
		await stage.clock.pass(stage.clock.nextIn);
		assert.equal(stage.socket.url, 'wss://rooms.example.org/v1/ws?room=submission%3A2');
	});

	test('what the address asks already stays as it is, a room too', async () => {
		const urls = {
			'https://rooms.example.org/at?key=a%20b+c': 'wss://rooms.example.org/at/v1/ws?key=a%20b+c&room=submission%3A1',
			'wss://rooms.example.org/v1/ws?': 'wss://rooms.example.org/v1/ws?room=submission%3A1',
			'wss://rooms.example.org/v1/ws?room=mine&x': 'wss://rooms.example.org/v1/ws?room=mine&x',
			'wss://rooms.example.org/v1/ws?room=': 'wss://rooms.example.org/v1/ws?room=',
		};
		for (const [url, expected] of Object.entries(urls)) {
			const stage = new Stage({ url });
			stage.client.join('submission:1');
			await stage.welcome();
			assert.equal(stage.socket.url, expected);
		}
	});

	test('an open socket is not connected before the welcome', async () => {
		const stage = new Stage();
		stage.client.connect();
		await settled();
		stage.socket.open();
		assert.equal(stage.client.status.state, 'connecting');
	});

	test('lost: waits, says until when, and tries again for ever with growing pauses', async () => {
		const stage = new Stage();
		stage.client.connect();
		await stage.welcome();
		stage.socket.drop();
		const pauses = [];
		for (let i = 0; i < 200; i++) {
			const { state, retryAt } = stage.client.status;
			assert.equal(state, 'waiting');
			pauses.push((retryAt ?? 0) - stage.clock.now());
			await stage.clock.pass(stage.clock.nextIn);
			stage.socket.drop();
		}
		assert.deepEqual(pauses.slice(0, 4), [125, 250, 500, 1_000]);
		assert.equal(pauses[199], 10_000);
		assert.equal(stage.client.status.reason, 'unreachable');
		assert.equal(stage.sockets.length, 201);
		await stage.clock.pass(10_000);
		await stage.welcome();
		assert.equal(stage.client.status.state, 'connected');
	});

	test('a connection that held makes the next pause short again, one that did not half a second', async () => {
		const stage = new Stage();
		stage.client.connect();
		await stage.welcome();
		for (let i = 0; i < 5; i++) {
			stage.socket.drop();
			await stage.clock.pass(stage.clock.nextIn);
			await stage.welcome();
		}
		stage.socket.drop();
		assert.equal(stage.clock.nextIn, 500);
		await stage.clock.pass(500);
		await stage.welcome();
		await stage.clock.pass(9_000);
		await stage.clock.pass(5_000);
		stage.socket.say({ type: 'pong' });
		stage.socket.drop();
		assert.equal(stage.clock.nextIn, 125);
	});

	for (const [code, reason] of /** @type {const} */ ([[4400, 'bad_client'], [4401, 'signed_out'], [4403, 'not_allowed'], [4404, 'no_room'], [4409, 'replaced'], [4410, 'revoked']]))
		test(`${code} stops and says why: ${reason}`, async () => {
			const stage = new Stage();
			stage.client.connect();
			await stage.welcome();
			stage.socket.drop(code);
			assert.deepEqual(stage.client.status, { state: 'stopped', reason, code, attempt: 0 });
			assert.equal(stage.clock.pending, 0);
			stage.client.connect();
			await stage.welcome();
			assert.equal(stage.client.status.state, 'connected');
		});

	for (const [code, reason, least] of /** @type {const} */ ([[1000, 'lost', 0], [1001, 'restarting', 0], [1006, 'lost', 0], [1012, 'restarting', 0], [1013, 'overloaded', 1_000], [4503, 'unavailable', 0], [4508, 'too_slow', 1_000], [4529, 'too_fast', 1_000]]))
		test(`${code} is tried again: ${reason}`, async () => {
			const stage = new Stage();
			stage.client.connect();
			await stage.welcome();
			stage.socket.drop(code);
			assert.equal(stage.client.status.reason, reason);
			assert.equal(stage.clock.nextIn, least + 125);
			await stage.clock.pass(stage.clock.nextIn);
			await stage.welcome();
			assert.equal(stage.client.status.state, 'connected');
		});

	test('a server that refuses the hello for now is obeyed', async () => {
		const stage = new Stage();
		stage.client.connect();
		await settled();
		stage.socket.open();
		stage.socket.say({ type: 'refused', code: 'db_away', reason: 'later', retry_after_ms: 7_000, trace: '1' });
		stage.socket.drop(4503);
		assert.equal(stage.clock.nextIn, 7_125);
	});

	test('a socket that does not open, or is not greeted, is given up after 10 s', async () => {
		const stage = new Stage();
		stage.client.connect();
		await settled();
		await stage.clock.pass(9_999);
		assert.equal(stage.client.status.state, 'connecting');
		await stage.clock.pass(1);
		assert.equal(stage.client.status.reason, 'unreachable');
		assert.notEqual(stage.socket.closedWith, undefined);
		await stage.clock.pass(125);
		stage.socket.open();
		await stage.clock.pass(10_000);
		assert.equal(stage.client.status.state, 'waiting');
	});

	test('closed by the application: nothing goes on, and it can begin anew', async () => {
		const stage = new Stage();
		stage.client.connect();
		await stage.welcome();
		stage.client.close();
		assert.equal(stage.socket.closedWith, 1000);
		assert.equal(stage.client.status.state, 'closed');
		assert.equal(stage.clock.pending, 0);
		stage.socket.drop();
		assert.equal(stage.client.status.state, 'closed');
		stage.client.connect();
		const hello = await stage.welcome();
		assert.equal(hello.resume, undefined);
		assert.equal(stage.client.status.state, 'connected');
	});

	test('who does not want to wait asks again at once, and the pauses begin anew', async () => {
		const stage = new Stage();
		stage.client.connect();
		await stage.welcome();
		for (let i = 0; i < 6; i++) {
			stage.socket.drop();
			await stage.clock.pass(stage.clock.nextIn);
		}
		stage.socket.drop();
		const before = stage.sockets.length;
		stage.client.connect();
		await settled();
		assert.deepEqual([stage.sockets.length, stage.client.status.state], [before + 1, 'connecting']);
		stage.socket.drop();
		assert.equal(stage.clock.nextIn, 125);
	});

	test('closed while an attempt is under way, and while one waits', async () => {
		const stage = new Stage();
		stage.client.connect();
		stage.client.close();
		await settled();
		assert.equal(stage.sockets.length, 0);
		stage.client.connect();
		await settled();
		stage.socket.drop();
		stage.client.close();
		assert.equal(stage.clock.pending, 0);
	});

	test('what is not a message of the protocol is passed over', async () => {
		const stage = new Stage();
		stage.client.connect();
		await stage.welcome();
		for (const data of ['', '{', 'null', '7', '[]', '{}', '{"type":7}', new ArrayBuffer(3)])
			stage.socket.sayRaw(data);
		stage.socket.say({ type: 'what_a_later_server_says', x: 1 });
		assert.equal(stage.client.status.state, 'connected');
	});
});

describe('the token', () => {
	test('is asked for before each connection', async () => {
		let asked = 0;
		const stage = new Stage({ auth: async () => `token-${++asked}` });
		stage.client.connect();
		assert.equal((await stage.welcome()).token, 'token-1');
		stage.socket.drop();
		await stage.clock.pass(125);
		assert.equal((await stage.welcome()).token, 'token-2');
	});

	test('that is not accepted is asked for once more; the second time it is over', async () => {
		/** @type {boolean[]} */
		const asked = [];
		const stage = new Stage({ auth: ({ stale }) => (asked.push(stale), stale ? 'newer' : 'old') });
		stage.client.connect();
		await settled();
		stage.socket.open();
		stage.socket.drop(4401);
		await settled();
		stage.socket.open();
		assert.equal(stage.socket.sent[0].token, 'newer');
		stage.socket.drop(4401);
		assert.deepEqual(asked, [false, true]);
		assert.equal(stage.client.status.reason, 'signed_out');
		assert.equal(stage.client.status.state, 'stopped');
	});

	test('that ends during a connection is renewed', async () => {
		const stage = new Stage({ auth: ({ stale }) => (stale ? 'newer' : 'old') });
		stage.client.connect();
		await stage.welcome();
		stage.socket.drop(4401);
		await stage.clock.pass(125);
		const hello = await stage.welcome();
		assert.equal(hello.token, 'newer');
		assert.equal(stage.client.status.state, 'connected');
	});

	test('that is not there: nobody is signed in; that cannot be had: later', async () => {
		/** @type {() => string | null} */
		let auth = () => null;
		const stage = new Stage({ auth: () => auth() });
		stage.client.connect();
		await settled();
		assert.deepEqual([stage.client.status.state, stage.client.status.reason], ['stopped', 'signed_out']);
		auth = () => {
			throw new Error('the network');
		};
		stage.client.connect();
		await settled();
		assert.deepEqual([stage.client.status.state, stage.client.status.reason], ['waiting', 'no_token']);
		auth = () => 'there';
		await stage.clock.pass(125);
		assert.equal((await stage.welcome()).token, 'there');
	});

	test('is refreshed in place', async () => {
		let token = 'first';
		const stage = new Stage({ auth: () => token });
		stage.client.connect();
		await stage.welcome();
		token = 'second';
		const done = stage.client.refresh();
		await settled();
		assert.deepEqual(stage.socket.news('auth'), [{ type: 'auth', token: 'second' }]);
		stage.socket.say({ type: 'ok' });
		await done;
		const refused = stage.client.refresh();
		await settled();
		stage.socket.say({ type: 'refused', request: 'auth', code: 'too_fast', reason: 'slower', retry_after_ms: 500, trace: '1' });
		await assert.rejects(refused, { code: 'too_fast' });
		assert.equal(stage.sockets.length, 1);
	});

	test('passes through no frame that is shown, and no error', async () => {
		const stage = new Stage();
		/** @type {any[]} */
		const shown = [];
		stage.client.on('frame', (frame) => shown.push(frame));
		stage.client.connect();
		await stage.welcome();
		stage.client.refresh();
		await settled();
		assert.deepEqual(shown.map(({ message }) => message.type), ['hello', 'welcome', 'auth']);
		assert.doesNotMatch(JSON.stringify(shown), /secret|resume-/);
	});
});
