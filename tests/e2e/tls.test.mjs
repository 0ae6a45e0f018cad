// SPDX-License-Identifier: Apache-2.0
// TLS at the gateway: what is spoken and what is refused, handshakes that lead nowhere, certificates that
// are replaced under load, readers that stop. And the v0 contract again, by each way in: over TLS, behind a
// proxy that ends TLS, behind one that passes it on.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import crypto from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import tls from 'node:tls';
import WebSocket from 'ws';
import { makeCertificate } from '../../deploy/local/certificate.mjs';
import { ROOT } from '../../deploy/local/settings.mjs';
import { runAgain } from '../lib/again.mjs';
import { Client, socketUrl } from '../lib/client.mjs';
import { eventually } from '../lib/eventually.mjs';
import { request } from '../lib/http.mjs';
import { metric } from '../lib/metrics.mjs';
import { World } from '../lib/world.mjs';

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'moothall-tls-'));
const tooSlow = 4508;
/** @type {import('../../deploy/local/certificate.mjs').Pair} */
let pair;
before(async () => {
	fs.chmodSync(dir, 0o755);
	pair = await makeCertificate(dir);
});
after(() => fs.rmSync(dir, { recursive: true, force: true }));

const trusted = () => fs.readFileSync(pair.certificate);
const fingerprint = () => new crypto.X509Certificate(trusted()).fingerprint256;

/** The whole handshake, with a certificate that has to be the one we made. @param {string} url @param {tls.ConnectionOptions} [how]
 * @param {(socket: tls.TLSSocket) => unknown} [begin] @returns {Promise<tls.TLSSocket>} */
function shake(url, how = {}, begin = () => {}) {
	return new Promise((resolve, reject) => {
		const socket = tls.connect({ host: '127.0.0.1', port: Number(new URL(url).port), servername: 'localhost', ca: trusted(), ...how });
		begin(socket);
		socket.once('secureConnect', () => resolve(socket)).once('error', reject);
	});
}

describe('at the gateway', { concurrency: false }, () => {
	/** @type {World} */ let world;
	/** @type {string} */ let base;
	before(async () => {
		world = await World.open({
			gateways: 1, shards: 1, tls: pair,
			gatewayEnv: {
				MOOT_TLS_HANDSHAKE: '700ms', MOOT_LIMITS_KERNEL_BUFFER: '16k', MOOT_LIMITS_OUTBOX: '128k', MOOT_LIMITS_MESSAGE: '2m',
				MOOT_LIMITS_SLOW: '60s', MOOT_LOG_LEVEL: 'debug', MOOT_PROXY_TRUSTED: '127.0.0.1',
			},
		});
		base = world.cluster.tlsUrls[0];
	});
	after(() => world?.close());

	const count = (/** @type {string} */ name) => metric(`moot_${name}`, world.cluster.internalUrls[0]);
	const handshakes = (/** @type {string} */ result) => count(`tls_handshakes_total{result="${result}"}`);
	const log = () => world.cluster.log(world.cluster.gateways[0]);

	/** @param {import('../lib/client.mjs').Room} room @param {number} user @param {string} [where] */
	async function join(room, user, where = base) {
		const socket = new WebSocket(socketUrl(where, room, world.users[user]), { perMessageDeflate: false, maxPayload: 64 << 20, ca: trusted(), servername: 'localhost' });
		const client = new Client(socket, room, world.users[user]);
		await once(socket, 'open');
		await client.next('connected');
		return client;
	}

	test('TLS 1.2 and 1.3 are spoken, 1.1 is not', async () => {
		for (const version of /** @type {const} */ (['TLSv1.2', 'TLSv1.3'])) {
			const socket = await shake(base, { minVersion: version, maxVersion: version });
			assert.equal(socket.getProtocol(), version);
			assert.match(socket.getCipher().standardName, /GCM|POLY1305/);
			socket.destroy();
		}
		await assert.rejects(shake(base, { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }), /ALERT_PROTOCOL_VERSION|alert protocol version/);
		await assert.rejects(shake(base, { maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA' }), /HANDSHAKE_FAILURE|handshake failure/);
	});

	test('http/1.1 is the only protocol above it', async () => {
		for (const [offered, chosen] of /** @type {const} */ ([[['h2', 'http/1.1'], 'http/1.1'], [['http/1.1'], 'http/1.1'], [undefined, false]])) {
			const socket = await shake(base, { ALPNProtocols: /** @type {any} */ (offered) });
			assert.equal(socket.alpnProtocol, chosen);
			socket.destroy();
		}
		await assert.rejects(shake(base, { ALPNProtocols: ['h2'] }), /NO_APPLICATION_PROTOCOL|no application protocol/);
		await assert.rejects(shake(base, { ALPNProtocols: ['h2', 'h3', 'http/1.0'] }), /NO_APPLICATION_PROTOCOL|no application protocol/);
	});

	test('a session is resumed by its ticket', async () => {
		for (const maxVersion of /** @type {const} */ (['TLSv1.2', 'TLSv1.3'])) {
			/** @type {Buffer | undefined} */ let session;
			const first = await shake(base, { maxVersion }, (socket) => socket.once('session', (ticket) => (session = ticket)));
			await eventually(() => session !== undefined, 'a ticket');
			first.destroy();
			const second = await shake(base, { maxVersion, session });
			assert.ok(second.isSessionReused(), maxVersion);
			second.destroy();
		}
	});

	test('what is no TLS is closed, and counted', async () => {
		const before = await handshakes('failed');
		const strangers = ['GET / HTTP/1.1\r\nHost: x\r\n\r\n', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', '\x16\x03\x01\xff\xff', crypto.randomBytes(5000), '\x80\x2e\x01\x00\x02'];
		await Promise.all(strangers.map((bytes) => ended(base, (socket) => socket.write(bytes))));
		await eventually(async () => await handshakes('failed') + await handshakes('late') >= before + 4, 'they are counted');
		(await shake(base)).destroy();
	});

	test('a handshake that stalls, or dribbles, is closed in time', async () => {
		const before = await handshakes('late');
		const hello = await clientHello();
		const began = Date.now();
		/** @type {((socket: net.Socket) => unknown)[]} */
		const ways = [() => {}, (socket) => socket.write(hello.subarray(0, 40)), (socket) => {
			let at = 0;
			const timer = setInterval(() => socket.write(hello.subarray(at, ++at)), 100);
			socket.on('close', () => clearInterval(timer));
		}, (socket) => socket.write(hello)];
		await Promise.all(ways.map((begin) => ended(base, begin)));
		assert.ok(Date.now() - began < 4_000, `took ${Date.now() - began} ms`);
		assert.equal(await handshakes('late'), before + ways.length);
	});

	test('many who hang up in the midst of it harm nobody', async () => {
		const hello = await clientHello();
		await Promise.all(Array.from({ length: 60 }, (_, i) => ended(base, (socket) => {
			socket.write(hello.subarray(0, 10 + i * 4));
			setTimeout(() => socket.resetAndDestroy(), i % 9);
		})));
		(await shake(base)).destroy();
		await eventually(async () => await count('tls_connections') === 0, 'nothing of them is left');
	});

	test('pages and messages of any size arrive as without TLS', async () => {
		const plain = await request(`${world.cluster.publicUrls[0]}/`);
		const [, src] = /<script[^>]* src="([^"]+\.js)"/.exec(plain.body) ?? [];
		for (const name of ['/', String(src)]) {
			const [there, here] = await Promise.all([world.cluster.publicUrls[0], base].map((url) => get(new URL(name, url).href)));
			assert.equal(here.body, there.body);
			assert.equal(here.status, 200);
		}
		const room = world.room('submission', 0);
		const [a, b, c] = [await join(room, 0), await join(room, 1), await join(room, 2, world.cluster.publicUrls[0])];
		for (const size of [1, 100, 16_300, 16_384, 16_385, 70_000, 1_900_000]) {
			const text = crypto.randomBytes(Math.ceil(size / 2)).toString('hex').slice(0, size);
			a.send('text_operation', { text });
			for (const reader of [b, c])
				assert.equal((await reader.next((message) => message.type === 'text_operation' && message.data.text.length === size)).data.text, text);
		}
		assert.equal((await a.leave()).code, 1000);
		await b.next('user_left');
		await Promise.all([b.leave(), c.leave()]);
		await eventually(async () => await count('tls_connections') === 0, 'nothing is left of them');
	});

	test('a lost connection is noticed', async () => {
		const room = world.room('submission', 0);
		const [a, b] = [await join(room, 0), await join(room, 1)];
		await b.vanish();
		await a.next('user_left');
		await a.leave();
	});

	test('it is said where clients come from, as far as that is known for sure', async () => {
		const room = world.room('submission', 0);
		const socket = new WebSocket(socketUrl(base, room, world.users[0]), {
			perMessageDeflate: false, ca: trusted(), servername: 'localhost', headers: { 'X-Forwarded-For': '1.2.3.4, 203.0.113.9' },
		});
		await once(socket, 'open');
		await eventually(() => /let_in.*from=203\.0\.113\.9/.test(log()), 'the address in the log');
		assert.ok(!log().includes('1.2.3.4'));
		socket.terminate();
	});

	test('a reader that stops is closed as too slow; what is kept for it is bounded', { timeout: 60_000 }, async () => {
		const room = world.room('submission', 0);
		const [sender, reader, slow] = [await join(room, 0), await join(room, 1), await join(room, 2)];
		slow.socket.pause();
		const padding = 'x'.repeat(30_000);
		const before = await count('slow_closes_total{why="full"}');
		let most = 0;
		for (let n = 0; await count('slow_closes_total{why="full"}') === before; n++) {
			assert.ok(n < 400, 'it is closed');
			const answer = await request(`${world.cluster.publicUrls[0]}/api/ws/submissions/${room.id}/broadcast`, {
				method: 'POST', headers: { Authorization: 'Bearer session-0' }, body: JSON.stringify({ type: 'comment_added', data: { n, padding } }),
			});
			assert.equal(answer.status, 200);
			await reader.next((message) => message.type === 'comment_added' && message.data.n === n);
			most = Math.max(most, await count('bytes_queued'));
		}
		assert.ok(most <= 128 * 1024 + 2 * 1024 * 1024, `${most} bytes waited`);
		slow.socket.resume();
		assert.equal((await slow.closed).code, tooSlow);
		const seen = slow.all('comment_added').map(({ data }) => data.n);
		assert.deepEqual(seen, seen.map((_, i) => i), 'what it was sent, in order');
		await Promise.all([sender.leave(), reader.leave()]);
	});

	test('one that never reads again is gone soon after it was closed', { timeout: 60_000 }, async () => {
		const room = world.room('submission', 0);
		const socket = await shake(base);
		const url = new URL(socketUrl(base, room, world.users[3]).replace(/^ws/, 'http'));
		socket.write(`GET ${url.pathname}${url.search} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n`);
		await once(socket, 'data');
		socket.pause();
		const sender = await join(room, 0);
		const before = await count('slow_closes_total{why="full"}');
		for (let n = 0; await count('slow_closes_total{why="full"}') === before; n++) {
			assert.ok(n < 400, 'it is closed');
			await request(`${world.cluster.publicUrls[0]}/api/ws/submissions/${room.id}/broadcast`, {
				method: 'POST', headers: { Authorization: 'Bearer session-0' }, body: JSON.stringify({ type: 'comment_added', data: { n, padding: 'x'.repeat(60_000) } }),
			});
		}
		await eventually(async () => await count('tls_connections') === 1, 'only the other is left', 25_000);
		await sender.leave();
		socket.destroy();
	});

	describe('the certificate', { concurrency: false }, () => {
		const refusals = () => (log().match(/certificate_refused/g) ?? []).length;

		async function refused() {
			const before = refusals();
			process.kill(Number(world.cluster.gateways[0].pid), 'SIGHUP');
			await eventually(() => refusals() > before, 'the gateway has looked');
		}

		test('is replaced under load: no connection drops, those to come see the new one', { timeout: 60_000 }, async (t) => {
			const room = world.room('submission', 0);
			const clients = await Promise.all(Array.from({ length: 12 }, (_, i) => join(room, 4 + i)));
			const [sender, ...readers] = clients;
			let [said, over] = [0, false];
			const load = (async () => {
				for (; !over; await new Promise((resolve) => setTimeout(resolve, 5)))
					sender.send('text_operation', { n: said++, padding: 'x'.repeat(2000) });
			})();
			const seen = new Set([fingerprint()]);
			for (let i = 0; i < 20; i++) {
				await makeCertificate(dir);
				const before = said;
				await eventually(() => said > before + 3, 'more was said');
				process.kill(Number(world.cluster.gateways[0].pid), 'SIGHUP');
				await eventually(async () => { // one with the certificate of before is not trusted any more
					const fresh = await shake(base).catch(() => undefined);
					fresh?.destroy();
					return fresh?.authorized ?? false;
				}, 'the new one is served');
				seen.add(fingerprint());
			}
			over = true;
			await load;
			assert.equal(seen.size, 21);
			assert.ok(said > 50, `${said}`);
			t.diagnostic(`20 certificates, ${said * readers.length} messages of 2 KB to ${readers.length} readers meanwhile`);
			for (const reader of readers) {
				await reader.until(() => reader.all('text_operation').length === said, `all ${said}`);
				assert.deepEqual(reader.all('text_operation').map(({ data }) => data.n), Array.from({ length: said }, (_, n) => n));
			}
			assert.ok(clients.every((client) => client.isOpen));
			assert.equal(await count('config_reload_success'), 1);
			const expires = await count('certificate_expiry_timestamp_seconds');
			assert.equal(expires, Date.parse(new crypto.X509Certificate(trusted()).validTo) / 1000);
			await Promise.all(clients.map((client) => client.leave()));
		});

		test('that does not fit its key, or is none, is refused in one line: the one of before stays', async () => {
			const good = { certificate: trusted(), key: fs.readFileSync(pair.key) };
			const served = fingerprint();
			const other = await makeCertificate(path.join(dir, 'other'));
			const bad = [
				['certificate', fs.readFileSync(other.certificate), /it is not the key of tls\.certificate/],
				['certificate', Buffer.from('nonsense'), /it holds none in PEM/],
				['certificate', Buffer.from(''), /it holds none in PEM/],
				['key', fs.readFileSync(other.key), /it is not the key of tls\.certificate/],
				['key', good.certificate, /it holds none in PEM/],
				['key', null, /No such file or directory/],
			];
			for (const [what, bytes, why] of /** @type {['certificate' | 'key', Buffer | null, RegExp][]} */ (bad)) {
				if (bytes)
					fs.writeFileSync(pair[what], bytes);
				else
					fs.rmSync(pair[what]);
				await refused();
				const line = log().trimEnd().split('\n').filter((text) => text.includes('certificate_refused')).at(-1);
				assert.match(String(line), why);
				await eventually(async () => await count('config_reload_success') === 0, 'the metric says so');
				const socket = await shake(base, { ca: good.certificate });
				assert.equal(socket.getPeerCertificate().fingerprint256, served);
				socket.destroy();
				fs.writeFileSync(pair[what], good[what]);
			}
			process.kill(Number(world.cluster.gateways[0].pid), 'SIGHUP');
			await eventually(async () => await count('config_reload_success') === 1, 'the metric says so');
		});
	});

	test('a gateway that leaves tells each client to come again', async () => {
		const room = world.room('submission', 0);
		const clients = await Promise.all(Array.from({ length: 15 }, (_, i) => join(room, i)));
		await world.cluster.restart(world.cluster.gateways[0]);
		assert.deepEqual((await Promise.all(clients.map(({ closed }) => closed))).map(({ code }) => code), clients.map(() => 1012));
	});
});

describe('settings that cannot be served end the gateway in one clear line', () => {
	const gateway = path.join(ROOT, 'build', process.env.MOOT_BUILD ?? 'debug', 'gateway', 'moot-gateway');
	const cases = [
		['no certificate', {}, 78, /tls\.certificate is a PEM file when there is a port for TLS, not ""/],
		['no key', { MOOT_TLS_CERTIFICATE: '/nowhere.pem' }, 78, /tls\.key is a PEM file/],
		['no such file', { MOOT_TLS_CERTIFICATE: '/nowhere.pem', MOOT_TLS_KEY: '/nowhere.pem' }, 1, /certificate_refused.*\/nowhere\.pem.*No such file/],
		['a proxy that is no address', { MOOT_TLS_PORT: '0', MOOT_PROXY_TRUSTED: '10.0.0.0/8 proxy.example' }, 78, /proxy\.trusted is a list of addresses.*proxy\.example/],
		['PROXY headers from nobody', { MOOT_TLS_PORT: '0', MOOT_PROXY_PROTOCOL: 'true' }, 78, /proxy\.trusted is a list of proxies when/],
	];
	for (const [name, env, code, expected] of /** @type {[string, Record<string, string>, number, RegExp][]} */ (cases))
		test(name, async () => {
			const child = spawn(gateway, [], { env: { MOOT_TLS_PORT: '8443', MOOT_INTERNAL_PORT: '0', ...env }, stdio: ['ignore', 'ignore', 'pipe'] });
			let said = '';
			child.stderr.setEncoding('utf8').on('data', (text) => (said += text));
			assert.equal((await once(child, 'close'))[0], code);
			assert.match(said, expected);
			assert.equal(said.trimEnd().split('\n').length, 1, said);
		});
});

describe('the v0 contract', { concurrency: false }, () => {
	const ways = { tls: ['v0_handshake', 'v0_room', 'v0_relay'], nginx: ['v0_handshake', 'v0_room', 'v0_relay'], haproxy: ['v0_handshake', 'v0_room', 'v0_relay'], passthrough: ['v0_room'] };
	for (const [way, files] of Object.entries(ways))
		for (const file of files)
			test(`${file} by ${way}`, { timeout: 120_000 }, async (t) =>
				t.diagnostic(`${await runAgain(`e2e/${file}.test.mjs`, way, dir, { atLeast: 20 })} tests`));
});

/** Resolves when the other side, or we, have ended it. @param {string} url @param {(socket: net.Socket) => unknown} begin */
function ended(url, begin) {
	return new Promise((resolve) => {
		const socket = net.connect(Number(new URL(url).port), '127.0.0.1', () => begin(socket));
		socket.on('error', () => {}).on('close', resolve).resume();
	});
}

/** The first bytes of a client of TLS. @returns {Promise<Buffer>} */
async function clientHello() {
	const server = net.createServer().listen(0, '127.0.0.1');
	await once(server, 'listening');
	const client = tls.connect({ host: '127.0.0.1', port: /** @type {net.AddressInfo} */ (server.address()).port }).on('error', () => {});
	const [socket] = await once(server, 'connection');
	const [hello] = await once(socket, 'data');
	client.destroy();
	server.close();
	return hello;
}

/** @param {string} url @returns {Promise<{status: number, body: string}>} */
async function get(url) {
	const https = await import('node:https');
	const http = await import('node:http');
	return new Promise((resolve, reject) => {
		const asked = (url.startsWith('https') ? https : http).get(url, /** @type {object} */ ({ ca: trusted(), servername: 'localhost', agent: false }));
		asked.on('response', async (answer) => {
			let body = '';
			for await (const chunk of answer.setEncoding('latin1'))
				body += chunk;
			resolve({ status: Number(answer.statusCode), body });
		}).on('error', reject);
	});
}
