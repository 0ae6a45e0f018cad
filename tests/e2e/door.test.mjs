// SPDX-License-Identifier: Apache-2.0
// The way in, byte by byte: what is no plain HTTP/1.1 never reaches the WebSocket library, slow and
// greedy connections are ended, and a WebSocket keeps RFC 6455 at its edges.

import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';
import { fence, socketUrl } from '../lib/client.mjs';
import { bearer, exchange, request, upgrade } from '../lib/http.mjs';
import { frame, opcode, RawSocket } from '../lib/raw.mjs';
import { World } from '../lib/world.mjs';

/** @type {World} */
let world;
/** @type {string} */
let base;

before(async () => {
	world = await World.open({ gateways: 1, shards: 1, gatewayEnv: { MOOT_LIMITS_CONNECTIONS: '40', MOOT_LIMITS_MESSAGE: '300k' } });
	base = world.cluster.publicUrls[0];
});
after(() => world?.close());

/** The head of an upgrade request, with more header lines. @param {string} url @param {string[]} [lines] */
function handshake(url, lines = []) {
	const { pathname, search, host } = new URL(url);
	return [`GET ${pathname}${search} HTTP/1.1`, `Host: ${host}`, 'Upgrade: websocket', 'Connection: Upgrade',
		'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Version: 13', ...lines, '', ''].join('\r\n');
}

/** A room's address with a session that may enter. @param {number} [user] */
const entry = (user = 0) => socketUrl(base, world.room('submission', 0), world.users[user]);

/** Everybody else is served as before. */
async function doorStaysOpen() {
	assert.equal((await request(`${base}/ws/test`)).status, 200);
}

describe('HTTP/2 stays shut', () => {
	const settings = Buffer.from('00000c040000000000000300000064000400010000', 'hex');
	const preface = Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), settings]);

	test('prior knowledge: no frame is answered', async () => {
		for (const cut of [1, 3, 16, 18, 24, preface.length]) {
			const socket = net.connect(Number(new URL(base).port), '127.0.0.1');
			const answer = collect(socket);
			socket.write(preface.subarray(0, cut));
			socket.write(preface.subarray(cut));
			assert.match(await answer, /^(HTTP\/1\.1 (400|505) |$)/, `cut at ${cut}`);
		}
		await doorStaysOpen();
	});

	test('h2c: never a 101', async () => {
		const lines = (/** @type {string} */ connection, /** @type {string} */ value) =>
			`Host: x\r\nConnection: ${connection}\r\nUpgrade: ${value}\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n`;
		for (const path of ['/', '/ws/test', new URL(entry()).pathname + new URL(entry()).search]) {
			for (const value of ['h2c', 'H2C', 'websocket, h2c', 'h2', 'HTTP/2.0']) {
				const answer = await exchange(base, `GET ${path} HTTP/1.1\r\n${lines('Upgrade, HTTP2-Settings', value)}`);
				assert.match(answer, /^HTTP\/1\.1 (200|400|426|505) /, `${path} ${value}`);
				assert.ok(!answer.includes('\0'), 'no binary frames');
			}
		}
		await doorStaysOpen();
	});

	test('after the upgrade the preface is just a broken frame', async () => {
		const socket = await RawSocket.open(entry());
		socket.write(preface);
		assert.ok([1002, 1006, 1007].includes(await socket.closeCode()));
		await doorStaysOpen();
	});
});

describe('one request per connection, within bounds', () => {
	test('a head that is too large: 431', async () => {
		for (const field of [`X-Long: ${'x'.repeat(9000)}`, Array.from({ length: 400 }, (_, i) => `X-${i}: ${'y'.repeat(20)}`).join('\r\n')])
			assert.match(await exchange(base, `GET / HTTP/1.1\r\nHost: x\r\n${field}\r\n\r\n`), /^HTTP\/1\.1 431 /);
		assert.match(await exchange(base, `GET /${'x'.repeat(9000)} HTTP/1.1\r\nHost: x\r\n\r\n`), /^HTTP\/1\.1 (414|431) /);
		await doorStaysOpen();
	});

	test('what is pipelined behind an answer is not read as a request', async () => {
		const one = 'GET /ws/test HTTP/1.1\r\nHost: x\r\n\r\n';
		for (const rest of [one, one + one, '\x16\x03\x01', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'x'.repeat(100_000)]) {
			const answer = await exchange(base, Buffer.from(one + rest, 'latin1'));
			assert.equal(answer.match(/HTTP\/1\.1 /g)?.length, 1);
			assert.match(answer, /^HTTP\/1\.1 200 /);
		}
	});

	test('an upgrade with a body is no upgrade into which the body is smuggled', async () => {
		const bytes = Buffer.concat([Buffer.from(handshake(entry(), ['Content-Length: 8'])), frame(opcode.ping, 'ab'), frame(opcode.ping, 'behind')]);
		const answer = await firstBytes(bytes, (text) => text.includes('behind') || text.startsWith('HTTP/1.1 4'));
		assert.ok(!answer.includes('\x8a\x02ab'), 'the body is not a frame');
	});

	test('connections that take their time are ended, each in about ten seconds', { timeout: 30_000 }, async () => {
		const began = Date.now();
		const dribble = (/** @type {string} */ text) => {
			const socket = net.connect(Number(new URL(base).port), '127.0.0.1');
			const answer = collect(socket);
			let at = 0;
			const timer = setInterval(() => socket.write(text[at++ % text.length]), 200);
			return answer.finally(() => clearInterval(timer));
		};
		const half = net.connect(Number(new URL(base).port), '127.0.0.1');
		half.write(`POST ${new URL(entry()).pathname}/broadcast HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"type":`);
		const answers = await Promise.all([dribble('GET / HTTP/1.1\r\nHost: x\r\nX: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy'), collect(half),
			collect(net.connect(Number(new URL(base).port), '127.0.0.1'))]);
		assert.ok(Date.now() - began < 15_000, `took ${Date.now() - began} ms`);
		assert.match(answers[0], /^HTTP\/1\.1 408 /);
		assert.match(answers[1], /^HTTP\/1\.1 408 /);
		await doorStaysOpen();
	});

	test('hanging up while the right to enter is looked up harms nobody', async () => {
		const head = handshake(entry());
		await Promise.all(Array.from({ length: 40 }, (_, i) => new Promise((resolve) => {
			const socket = net.connect(Number(new URL(base).port), '127.0.0.1', () => {
				socket.write(head);
				setTimeout(() => socket.resetAndDestroy(), i % 8);
			});
			socket.on('error', () => {}).on('close', resolve);
		})));
		await doorStaysOpen();
		assert.equal((await upgrade(entry())).status, 101);
	});
});

describe('the handshake', () => {
	test('frames that follow the head in the same segment are read', async () => {
		const text = Buffer.from('{"type":"ping"}');
		const early = Buffer.concat([frame(opcode.text, text), frame(opcode.ping, 'early'), frame(opcode.text, text.subarray(0, 5), { fin: false }), frame(opcode.continuation, text.subarray(5)).subarray(0, 8)]);
		const answer = await firstBytes(Buffer.concat([Buffer.from(handshake(entry())), early]), (text) => text.includes('early') && text.includes('"pong"'));
		assert.match(answer, /^HTTP\/1\.1 101 /);
	});

	test('no extension and no subprotocol is granted', async () => {
		const answer = await upgrade(entry(), { 'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits', 'Sec-WebSocket-Protocol': 'chat, superchat' });
		assert.equal(answer.status, 101);
		assert.equal(answer.headers['sec-websocket-extensions'], undefined);
		assert.equal(answer.headers['sec-websocket-protocol'], undefined);
	});

	test('moot.v1 is granted to who asks for it, and refused at its own path to who does not', async () => {
		const granted = await upgrade(entry(), { 'Sec-WebSocket-Protocol': 'chat, moot.v1' });
		assert.equal(granted.status, 101);
		assert.equal(granted.headers['sec-websocket-protocol'], 'moot.v1');
		const plain = await upgrade(`${base}/v1/ws`);
		assert.equal(plain.status, 400);
		assert.match(plain.json.error, /moot\.v1/);
	});

	test('another version: 426 that says which; a key that is none: 400', async () => {
		const version = await upgrade(entry(), { 'Sec-WebSocket-Version': '8' });
		assert.equal(version.status, 426);
		assert.equal(version.headers['sec-websocket-version'], '13');
		for (const key of ['', 'x', 'dGhlIHNhbXBsZSBub25jZQ', 'dGhlIHNhbXBsZSBub25jZQ==AA', '!!!!!!!!!!!!!!!!!!!!!!==']) {
			const answer = await upgrade(entry(), { 'Sec-WebSocket-Key': key });
			assert.equal(answer.status, 400, key);
		}
	});

	test('beyond the limit of connections: 503, and room again when one has gone', { timeout: 30_000 }, async () => {
		const room = world.room('submission', 0);
		const clients = [];
		let full;
		for (let i = 0; i < 60 && !full; i++) {
			const answer = await RawSocket.open(socketUrl(base, room, world.users[i])).catch((cause) => cause.message);
			if (typeof answer === 'string')
				full = answer;
			else
				clients.push(answer);
		}
		assert.match(String(full), /^no upgrade: HTTP\/1\.1 503 [\s\S]*Retry-After: /);
		for (const client of clients)
			client.send(opcode.close, Buffer.from([0x03, 0xe8]));
		await Promise.all(clients.map((client) => client.closeCode()));
		const again = await world.join(room, 0);
		await again.leave();
	});
});

describe('RFC 6455 at the edges', () => {
	/** @param {number} code */
	const closing = (code, reason = '') => Buffer.concat([Buffer.from([code >> 8, code & 0xff]), Buffer.from(reason)]);

	test('a ping is answered with its bytes, also within a message', async () => {
		const socket = await RawSocket.open(entry());
		for (const payload of ['', 'a', 'x'.repeat(125)]) {
			socket.send(opcode.ping, payload);
			await socket.frame((one) => one.opcode === opcode.pong && one.payload.toString() === payload, `pong of ${payload.length}`);
		}
		socket.end();
	});

	test('a pong nobody asked for is ignored, whatever its bytes', async () => {
		const socket = await RawSocket.open(entry());
		socket.send(opcode.text, '{"type":', { fin: false });
		socket.send(opcode.pong, Buffer.from([0xff, 0xfe, 0xc3]));
		socket.send(opcode.continuation, '"ping"}');
		await socket.message((message) => message.type === 'pong');
		socket.end();
	});

	test('the close handshake is completed with the code that was sent', async () => {
		for (const code of [1000, 1001, 1003, 1007, 3000, 4999]) {
			const socket = await RawSocket.open(entry());
			socket.send(opcode.close, closing(code, 'bye'));
			assert.equal(await socket.closeCode(), code);
		}
	});

	test('a close frame without a code is answered', async () => {
		const socket = await RawSocket.open(entry());
		socket.send(opcode.close, '');
		await socket.frame((one) => one.opcode === opcode.close, 'close');
		socket.end();
	});

	test('codes that may not be sent are answered with 1002', async () => {
		for (const code of [0, 999, 1004, 1005, 1006, 1015, 2999]) {
			const socket = await RawSocket.open(entry());
			socket.send(opcode.close, closing(code));
			assert.equal(await socket.closeCode(), 1002, String(code));
		}
	});

	test('a message of exactly the limit is read, one byte more closes with 1009', async () => {
		const limit = 300 * 1024;
		const padded = (/** @type {number} */ length) => `{"type":"ping","data":"${'x'.repeat(length - 25)}"}`;
		assert.equal(padded(limit).length, limit);
		const socket = await RawSocket.open(entry());
		socket.send(opcode.text, padded(limit));
		await socket.message((message) => message.type === 'pong');
		socket.send(opcode.text, padded(limit + 1));
		assert.equal(await socket.closeCode(), 1009);
		const close = socket.frames.find((one) => one.opcode === opcode.close);
		assert.match(String(close?.payload.subarray(2)), /larger than this server accepts/);
	});
});

describe('a slow reader', () => {
	test('loses casts, the oldest first; nobody else loses any', { timeout: 60_000 }, async () => {
		const room = world.room('submission', 0);
		const sender = await world.join(room, 0);
		const reader = await world.join(room, 1);
		const slow = await world.join(room, 2);
		slow.socket.pause();
		const count = 120;
		for (let n = 0; n < count; n++) {
			sender.send('content_updated', { n, filler: 'x'.repeat(200_000) });
			await reader.next((message) => message.type === 'content_updated' && message.data.n === n);
		}
		slow.socket.resume();
		await slow.next((message) => message.type === 'content_updated' && message.data.n === count - 1);
		const got = slow.all('content_updated').map((message) => message.data.n);
		assert.ok(got.length < count, 'something had to go');
		assert.deepEqual(got, [...got].sort((a, b) => a - b));
		await fence(sender, [reader, slow]);
	});
});

describe('files and other origins', () => {
	test('the page, its type, and 304 for who has it', async () => {
		const page = await request(`${base}/`);
		assert.equal(page.status, 200);
		assert.match(page.headers['content-type'] ?? '', /^text\/html/);
		assert.equal(page.headers['cache-control'], 'no-cache');
		assert.equal(page.headers['referrer-policy'], 'no-referrer');
		const again = await request(`${base}/index.html`, { headers: { 'If-None-Match': String(page.headers.etag) } });
		assert.equal(again.status, 304);
		assert.equal(again.body, '');
		const head = await request(`${base}/`, { method: 'HEAD' });
		assert.equal(head.headers['content-length'], page.headers['content-length']);
		const [, src] = /<script[^>]* src="([^"]+\.js)"/.exec(page.body) ?? [];
		for (const path of [String(src), '/test/page.js']) {
			const script = await request(new URL(path, base).href);
			assert.equal(script.status, 200, path);
			assert.match(script.headers['content-type'] ?? '', /^text\/javascript/, path);
		}
		assert.match((await request(`${base}/test/`)).headers['content-type'] ?? '', /^text\/html/);
		assert.equal((await request(`${base}/`, { method: 'POST', body: '{}' })).status, 405);
	});

	test('who takes gzip is given the same page in a third of the bytes', async () => {
		const page = await request(`${base}/`);
		const [, src] = /<script[^>]* src="([^"]+\.js)"/.exec(page.body) ?? [];
		for (const name of ['/', String(src)]) {
			const url = new URL(name, base).href;
			const get = async (/** @type {Record<string, string>} */ headers = {}) => {
				const head = await request(url, { method: 'HEAD', headers });
				const answer = await fetch(url, { headers: { 'Accept-Encoding': 'identity', ...headers } });
				return { ...head.headers, status: head.status, text: await answer.text() };
			};
			const [whole, short, never] = [await get(), await get({ 'Accept-Encoding': 'br;q=1.0, gzip;q=0.5' }), await get({ 'Accept-Encoding': 'gzip;q=0' })];
			assert.equal(short.text, whole.text);
			assert.deepEqual([whole['content-encoding'], short['content-encoding'], never['content-encoding']], [undefined, 'gzip', undefined]);
			assert.deepEqual([short.vary, whole.vary, short['content-type']], ['Accept-Encoding', 'Accept-Encoding', whole['content-type']]);
			assert.notEqual(short.etag, whole.etag);
			if (name !== '/')
				assert.ok(Number(short['content-length']) * 3 < Number(whole['content-length']), `${short['content-length']} of ${whole['content-length']}`);
			const again = await request(url, { headers: { 'Accept-Encoding': 'gzip', 'If-None-Match': String(short.etag) } });
			assert.deepEqual([again.status, again.headers.vary], [304, 'Accept-Encoding']);
		}
		const plain = await request(`${base}/test`, { headers: { 'Accept-Encoding': 'gzip' } });
		assert.equal(plain.headers['content-encoding'], undefined, 'what is there in one form only comes in that');
	});

	test('the API may be used from other origins', async () => {
		const asked = await request(`${base}/api/auth/session`, {
			method: 'OPTIONS', headers: { Origin: 'https://app.example', 'Access-Control-Request-Method': 'GET', 'Access-Control-Request-Headers': 'authorization' },
		});
		assert.equal(asked.status, 204);
		assert.equal(asked.headers['access-control-allow-origin'], '*');
		assert.match(String(asked.headers['access-control-allow-headers']), /authorization/i);
		const got = await request(`${base}/api/auth/session`, { headers: { ...bearer('session-0'), Origin: 'https://app.example' } });
		assert.equal(got.status, 200);
		assert.equal(got.headers['access-control-allow-origin'], '*');
	});
});

/** All that is sent until the other side ends. @param {net.Socket} socket @returns {Promise<string>} */
function collect(socket) {
	let text = '';
	socket.setEncoding('latin1').on('data', (chunk) => (text += chunk)).on('error', () => {});
	return new Promise((resolve) => socket.on('close', () => resolve(text)));
}

/** Send these bytes in one segment and read until it is enough.
 * @param {Buffer} bytes @param {(text: string) => boolean} enough @returns {Promise<string>} */
function firstBytes(bytes, enough) {
	return new Promise((resolve, reject) => {
		let text = '';
		const socket = net.connect(Number(new URL(base).port), '127.0.0.1', () => socket.write(bytes));
		const timer = setTimeout(() => socket.destroy(new Error(`not enough: ${text.slice(0, 300)}`)), 8_000);
		socket.setEncoding('latin1').on('data', (chunk) => {
			text += chunk;
			if (enough(text))
				socket.destroy();
		});
		socket.on('error', reject).on('close', () => {
			clearTimeout(timer);
			resolve(text);
		});
	});
}
