// SPDX-License-Identifier: Apache-2.0
// How a dead link is found, and what the browser's own words about the network do.

import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { settled, Stage } from './fakes.mjs';

/** @param {Stage} stage */
async function connected(stage = new Stage()) {
	stage.client.connect();
	await stage.welcome();
	stage.socket.news();
	return stage;
}

describe('heartbeat', () => {
	test('an idle link is asked every 15 s, or as often as the server wants', async () => {
		const stage = await connected();
		await stage.clock.pass(14_999);
		assert.deepEqual(stage.socket.news(), []);
		await stage.clock.pass(1);
		assert.deepEqual(stage.socket.news(), [{ type: 'ping' }]);
		const hurried = new Stage();
		hurried.client.connect();
		await hurried.welcome({ ping_ms: 4_000 });
		await hurried.clock.pass(4_000);
		assert.equal(hurried.socket.news('ping').length, 1);
	});

	test('an answer in time is no news; any message is a sign of life', async () => {
		const stage = await connected();
		for (let i = 0; i < 10; i++) {
			await stage.clock.pass(15_000 + 1_000);
			stage.socket.say(i % 2 ? { type: 'pong' } : { type: 'error', code: 'x', reason: '', trace: '' });
		}
		assert.deepEqual(stage.states, ['connecting', 'connected']);
	});

	test('no answer for 2 s is said; an answer after that ends it', async () => {
		const stage = await connected();
		await stage.clock.pass(17_000);
		assert.deepEqual([stage.client.status.state, stage.client.status.reason], ['unsteady', 'silent']);
		stage.socket.say({ type: 'pong' });
		assert.equal(stage.client.status.state, 'connected');
	});

	test('a dead idle link is given up 20 s after the last sign of life', async () => {
		const stage = await connected();
		await stage.clock.pass(19_999);
		assert.equal(stage.sockets.length, 1);
		await stage.clock.pass(1 + 125);
		assert.equal(stage.sockets.length, 2);
		assert.deepEqual(stage.states, ['connecting', 'connected', 'unsteady', 'waiting', 'connecting']);
		assert.equal(stage.client.status.reason, 'silent');
		assert.equal(stage.sockets[0].closedWith, 3008, '1000 would say that it leaves, and others would see that');
	});

	test('a dead link is found within 7 s by whoever works over it, however busily', async () => {
		const stage = new Stage();
		const room = await stage.enter();
		for (let i = 0; i < 69; i++) {
			room.cast('pointer', { i });
			await stage.clock.pass(100);
		}
		assert.equal(stage.client.status.state, 'unsteady');
		await stage.clock.pass(100);
		assert.equal(stage.client.status.state, 'waiting');
	});

	test('the late word of a socket that was given up is not heard', async () => {
		const stage = await connected();
		await stage.clock.pass(20_125);
		await stage.welcome();
		stage.sockets[0].say({ type: 'draining', deadline_ms: 1 });
		stage.sockets[0].drop(4401);
		assert.equal(stage.client.status.state, 'connected');
		assert.equal(stage.sockets.length, 2);
	});

	test('after sleep the server is asked, and not judged by timers that fire late', async () => {
		const stage = await connected();
		await stage.clock.sleep(3_600_000);
		assert.deepEqual(stage.socket.news(), [{ type: 'ping' }]);
		stage.socket.say({ type: 'pong' });
		assert.deepEqual(stage.states, ['connecting', 'connected']);
	});

	test('asleep with the question asked: it is asked once more, then it is judged', async () => {
		const stage = await connected();
		await stage.clock.pass(15_000);
		await stage.clock.sleep(3_600_000);
		assert.equal(stage.socket.news('ping').length, 2);
		assert.equal(stage.sockets.length, 1);
		await stage.clock.sleep(60_000); // late again: nobody will answer
		await stage.clock.sleep(60_000);
		assert.equal(stage.client.status.state, 'waiting');
	});
});

describe('the browser', () => {
	const page = Object.assign(new EventTarget(), { visibilityState: 'visible' });
	const window = new EventTarget();
	Object.assign(globalThis, { window, document: page });
	/** @type {Stage[]} */
	let stages = [];
	afterEach(() => stages.splice(0).forEach(({ client }) => client.close()));
	const staged = async () => {
		const stage = await connected();
		stages.push(stage);
		return stage;
	};

	test('online, pageshow and visible end the waiting at once', async () => {
		for (const [target, name] of /** @type {[EventTarget, string][]} */ ([[window, 'online'], [window, 'pageshow'], [page, 'visibilitychange']])) {
			const stage = await staged();
			for (let i = 0; i < 8; i++) {
				stage.socket.drop();
				await stage.clock.pass(stage.client.status.state === 'waiting' ? stage.clock.nextIn : 0);
			}
			stage.socket.drop();
			const before = stage.sockets.length;
			target.dispatchEvent(new Event(name));
			await settled();
			assert.equal(stage.sockets.length, before + 1, name);
			stage.client.close();
		}
	});

	test('hidden is no reason for anything', async () => {
		const stage = await staged();
		page.visibilityState = 'hidden';
		page.dispatchEvent(new Event('visibilitychange'));
		page.visibilityState = 'visible';
		assert.deepEqual(stage.socket.news(), []);
	});

	test('while connected they ask the server; a link that died is replaced 5 s later', async () => {
		const stage = await staged();
		window.dispatchEvent(new Event('online'));
		assert.deepEqual(stage.socket.news(), [{ type: 'ping' }]);
		await stage.clock.pass(5_125);
		assert.equal(stage.sockets.length, 2);
	});

	test('offline is said at once, and is not believed for longer than the server is silent', async () => {
		const stage = await staged();
		window.dispatchEvent(new Event('offline'));
		assert.deepEqual([stage.client.status.state, stage.client.status.reason], ['unsteady', 'offline']);
		assert.equal(stage.open, 1);
		stage.socket.say({ type: 'pong' });
		assert.equal(stage.client.status.state, 'connected');
	});

	test('after an end they wake nothing', async () => {
		const stage = await staged();
		stage.socket.drop(4410);
		window.dispatchEvent(new Event('online'));
		await settled();
		assert.equal(stage.sockets.length, 1);
	});
});

describe('make before break', () => {
	test('draining: another socket is opened and greeted with resume, the rooms are joined there, then the first one closes', async () => {
		const stage = new Stage();
		const room = await stage.enter({ since: 3 });
		/** @type {number[]} */
		const seqs = [];
		room.on('event', ({ seq }) => seqs.push(seq));
		const [old] = stage.sockets;
		old.say({ type: 'draining', deadline_ms: 20_000 });
		await settled();
		assert.equal(stage.sockets.length, 2);
		assert.equal(old.isOpen, true);
		old.say(event(4));
		const hello = await stage.welcome();
		assert.equal(hello.resume, 'resume-1');
		assert.equal(old.isOpen, true);
		old.say(event(5)); // still on its way
		assert.equal((await stage.joined('submission:1', { seq: 6 })).since, 4);
		assert.equal(old.isOpen, false);
		assert.ok(stage.socket.isOpen);
		for (const seq of [5, 6])
			stage.socket.say(event(seq, { replay: true }));
		stage.socket.say(event(7));
		assert.deepEqual(seqs, [4, 5, 6, 7]);
		assert.deepEqual(stage.states, ['connecting', 'connected']);
		assert.deepEqual(room.status, { state: 'joined' });
	});

	test('the other socket does not come up: it is tried again, the first one stays in use', async () => {
		const stage = new Stage();
		const room = await stage.enter();
		const [old] = stage.sockets;
		old.say({ type: 'draining', deadline_ms: 20_000 });
		await settled();
		stage.socket.drop();
		assert.equal(stage.client.status.state, 'connected');
		room.cast('pointer', 1);
		assert.equal(old.news('cast').length, 1);
		await stage.clock.pass(125);
		assert.equal(stage.sockets.length, 3);
		await stage.welcome();
		await stage.joined('submission:1');
		assert.equal(old.isOpen, false);
	});

	test('the first one is closed meanwhile, even as replaced: the attempt goes on', async () => {
		for (const code of [1012, 1006, 4409]) {
			const stage = new Stage();
			await stage.enter();
			stage.sockets[0].say({ type: 'draining', deadline_ms: 20_000 });
			await settled();
			stage.sockets[0].drop(code);
			assert.equal(stage.client.status.state, 'connecting');
			await stage.welcome();
			assert.equal(stage.client.status.state, 'connected');
			assert.equal(stage.sockets.length, 2);
		}
	});

	test('asked for by the application, and by a gateway that leaves twice: one at a time', async () => {
		const stage = new Stage();
		await stage.enter();
		stage.client.reconnect();
		stage.client.reconnect();
		stage.sockets[0].say({ type: 'draining', deadline_ms: 1 });
		await settled();
		assert.equal(stage.sockets.length, 2);
		await stage.welcome();
		await stage.joined('submission:1');
		assert.equal(stage.open, 1);
	});
});

/** @param {number} seq @param {object} [more] */
function event(seq, more) {
	return { type: 'event', room: 'submission:1', seq, event: 'x', from: { id: 'b', name: 'B' }, data: null, at: '', ...more };
}
