// SPDX-License-Identifier: Apache-2.0
// Attacks on each port of a cluster, and an authorize() that misbehaves: after each of them the room of
// two clients works, no process has ended, and in the end no descriptor is left over and no session
// token is in a log. What is random follows from a seed that is printed: MOOT_SEED=... repeats it.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, fence, socketUrl } from '../lib/client.mjs';
import { bearer, request, upgrade } from '../lib/http.mjs';
import { frame, opcode, RawSocket } from '../lib/raw.mjs';
import { World } from '../lib/world.mjs';
import { list, StrangeGateway } from '../lib/zmtp.mjs';

const seed = Number(process.env.MOOT_SEED ?? Date.now() % 1_000_000);
const maxConnections = 120;
const most = 2n ** 64n - 1n;

/** @type {World} */
let world;
/** @type {import('../lib/client.mjs').Room} */
let room;
/** @type {Client[]} one at each gateway */
let pair;
/** @type {Map<string, number>} open descriptors by process, before anything */
let descriptors;

before(async () => {
	console.log(`MOOT_SEED=${seed}`);
	world = await World.open({ gatewayEnv: { MOOT_LIMITS_CONNECTIONS: String(maxConnections) } });
	room = world.room('submission', 0);
	pair = [await world.join(room, 0, { gateway: 0 }), await world.join(room, 1, { gateway: 1 })];
	await roomGoesOn();
	descriptors = new Map(processes().map((one) => [one.name, countDescriptors(one)]));
});
after(() => world?.close());

const processes = () => [...world.cluster.gateways, ...world.cluster.shards];

/** @param {import('../../deploy/local/process.mjs').Process} one */
const countDescriptors = (one) => fs.readdirSync(`/proc/${one.pid}/fd`).length;

async function roomGoesOn() {
	await fence(pair[0], [pair[1]]);
	await fence(pair[1], [pair[0]]);
	for (const one of processes())
		assert.ok(one.isRunning, `${one.name} has ended: ${one.lastWords()}`);
}

describe('rubbish', () => {
	test('at the public, the internal and the ZeroMQ ports', async () => {
		const ports = processes().flatMap((one) => Object.values(one.plan.ports ?? {}));
		const next = random(seed);
		for (const port of ports)
			await Promise.all(Array.from({ length: 40 }, (_, i) => throwAt(port, rubbish(next, i))));
		await roomGoesOn();
	});

	test('in ZeroMQ messages of any shape', async () => {
		const strange = await StrangeGateway.open(shardPort(), 'stranger');
		const next = random(seed + 1);
		for (let i = 0; i < 200; i++) {
			strange.frame(bytes(next, 1 + next() % 200));
			strange.frame(Buffer.alloc(0));
			strange.frame(bytes(next, 10), 1);
			strange.frame(bytes(next, 10), next() & 1);
			strange.frame(bytes(next, 10));
		}
		await roomGoesOn();
		strange.frame(Buffer.alloc(17 << 20));
		await strange.until(() => strange.isClosed, 'end of the connection').catch(() => {});
		assert.ok(strange.isClosed, 'a message beyond the maximum ends the connection');
		await roomGoesOn();
	});
});

describe('a hostile gateway', () => {
	/** @param {bigint} session @param {string} user @param {Record<string, any>} [more] */
	const member = (session, user, { gen = 1n, name = 'N', since = 1n, fresh = 1n, kept = Buffer.alloc(0) } = {}) =>
		[session, gen, user, name, 'e@example.org', since, fresh, kept];
	const join = (/** @type {any[][]} */ members, /** @type {any} */ { epoch = 0n, relay = 0n, key = ours() } = {}) => [10, key, epoch, relay, 0n, list(members)];
	const ours = () => `submission:${room.id}`;

	/** @type {Record<string, () => any[][]>} records to say after HELLO */
	const cases = {
		'says HELLO twice': () => [[1, 1n, 1n, 'again']],
		'knows an epoch that is to come': () => [join([member(77n, 'evil')], { epoch: most }), join([member(77n, 'evil')], { epoch: most })],
		'brings a relay number that would run over': () => [join([member(78n, 'evil')], { relay: most - 1n }), [30, ours(), 78n, 'cursor', 1n, Buffer.from('{"type":"x"}')]],
		'names a session a hundred times': () => [join(Array.from({ length: 100 }, () => member(79n, 'evil')))],
		'names no session': () => [join([member(0n, 'evil')]), [20, ours(), list([member(0n, 'evil')])]],
		'uses the greatest numbers': () => [join([member(most, 'evil', { gen: most, since: most })]), [3, most, most, 7n], [51, most]],
		'sends what only shards say': () => [[12, ours(), 1n, 1n, 1n]],
		'sends records of the future': () => [[250, 'x'], [9999, 'y'], [most]],
		'names no room': () => [join([], { key: 'nonsense' })],
		'sends a list that is none': () => [[10, ours(), 0n, 0n, 0n, bytes(random(seed), 50)]],
		'hides a NUL in a user': () => [join([member(80n, 'a\u0000b'), member(81n, 'a\u0000c')])],
		'suspects shards that nobody knows': () => Array.from({ length: 5_000 }, (_, i) => [5, BigInt(i + 1), 1n]),
		'answers what was not asked': () => [[11, ours()], [11, ''], [11, 'x'.repeat(9_000)], [51, 0n]],
		'asks three thousand questions': () => Array.from({ length: 3_000 }, (_, i) => [41, BigInt(i), `submission:question-${i}`]),
		'attaches five thousand rooms': () => Array.from({ length: 5_000 }, (_, i) => join([member(BigInt(1_000 + i), 'evil')], { key: `submission:evil-${i}` })),
		'comes and goes': () => Array.from({ length: 400 }, (_, i) => i % 2 ? [21, ours(), BigInt(500_000 + i - 1), 1n] : [20, ours(), list([member(BigInt(500_000 + i), `evil${i}`)])]),
		'keeps more than it may': () => [join([member(90n, 'evil', { kept: list(Array.from({ length: 20 }, (_, i) => [`k${i}`, Buffer.alloc(20_000)])) })])],
		'publishes what is no JSON': () => [[60, ours(), 'p', 1n, 't', 'a', 'not json']],
		'publishes nothing': () => [[60, ours(), 'p', 2n, 't', 'a', '']],
		'publishes half an array': () => [[60, ours(), 'p', 3n, 't', 'a', '[1']],
		'publishes a NUL': () => [[60, ours(), 'p', 4n, 't', 'a\u0000b', '{}']],
		'publishes as nobody': () => [[60, ours(), '', 5n, 't', 'a', '{}']],
		'publishes the same again and again': () => Array.from({ length: 500 }, () => [60, ours(), 'p', 6n, 't', 'a', '{"type":"again"}']),
		'publishes faster than can be stored': () => Array.from({ length: 3_000 }, (_, i) => [60, ours(), 'q', BigInt(i), 't', 'a', '{"type":"flood"}']),
		'wants an event that is far away': () => [[10, ours(), 0n, 0n, most, list([member(82n, 'evil')])]],
		'has a name of megabytes': () => [join([member(91n, 'evil', { name: 'n'.repeat(4 << 20) })])],
	};
	let self = 0xabc000000000n;
	for (const [name, records] of Object.entries(cases)) {
		test(name, async () => {
			const how = { self: ++self, shard: await incarnation(world.cluster.shards[0].name) };
			const strange = await StrangeGateway.open(shardPort(), `strange-${self}`);
			strange.say(how, [1, 1n, 1n, 'strange \n\u0000 name']);
			await strange.until(() => strange.messages.length > 0, 'GREETING');
			strange.say(how, ...records());
			await roomGoesOn();
			strange.end();
		});
	}

	test('takes credit that nobody gave', async () => {
		const how = { self: ++self, shard: await incarnation(world.cluster.shards[0].name) };
		const strange = await StrangeGateway.open(shardPort(), `strange-${self}`);
		strange.say(how, [1, 1n, 1n, 'strange']);
		strange.say({ ...how, consumed: 2n ** 63n }, [3, 1n, 1n, 1n]);
		await roomGoesOn();
		strange.end();
	});

	test('what is said again is one event', () => {
		for (const client of pair)
			assert.ok(client.all('again').length <= 1, `${client.all('again').length}`);
	});

	test('none of them made a number run over', () => {
		for (const client of pair) {
			const numbers = client.all().flatMap((message) => message.seq ?? []);
			assert.ok(numbers.every((n, i) => n < 2 ** 53 && (i === 0 || n > numbers[i - 1])), `${numbers}`);
		}
	});
});

describe('a flood of frames', () => {
	/** @type {Record<string, () => Buffer>} */
	const floods = {
		'fragments of one byte': () => Buffer.concat(Array.from({ length: 100_000 }, (_, i) => frame(i ? opcode.continuation : opcode.text, 'x', { fin: false }))),
		'fragments of nothing': () => Buffer.concat(Array.from({ length: 50_000 }, (_, i) => frame(i ? opcode.continuation : opcode.text, '', { fin: false }))),
		'pings': () => Buffer.concat(Array.from({ length: 20_000 }, () => frame(opcode.ping, 'x'.repeat(125)))),
		'tiny messages': () => Buffer.concat(Array.from({ length: 20_000 }, () => frame(opcode.text, '1'))),
	};
	for (const [name, flood] of Object.entries(floods)) {
		test(name, async () => {
			const socket = await RawSocket.open(socketUrl(world.base(0), room, world.users[3]));
			socket.write(flood());
			await roomGoesOn();
			socket.end();
		});
	}

	test('close frames and messages in any order', async () => {
		const sockets = await Promise.all(Array.from({ length: 40 }, (_, i) => RawSocket.open(socketUrl(world.base(i), room, world.users[i + 5]))));
		const next = random(seed + 2);
		for (const socket of sockets)
			for (let i = 0; i < 6; i++)
				[
					() => socket.send(opcode.close, Buffer.from([3, 232])),
					() => socket.send(opcode.close, ''),
					() => socket.send(opcode.text, '{"type":"typing_start"}'),
					() => socket.socket.end(),
					() => socket.end(),
				][next() % 5]();
		await roomGoesOn();
		sockets.forEach((socket) => socket.end());
	});

	test('more connections at once than there may be', async () => {
		const url = socketUrl(world.cluster.publicUrls[0], world.room('submission', 1), world.users[4]);
		const opened = await Promise.all(Array.from({ length: maxConnections + 60 }, () => RawSocket.open(url).catch((cause) => cause)));
		const sockets = opened.filter((one) => one instanceof RawSocket);
		assert.ok(sockets.length <= maxConnections, `${sockets.length} connections`);
		for (const cause of opened)
			assert.ok(cause instanceof RawSocket || /^no upgrade: HTTP\/1\.1 503 /.test(cause.message), cause.message);
		await roomGoesOn();
		sockets.forEach((socket) => socket.end());
	});
});

describe('an authorize() of the application', () => {
	const granted = `'u_9'::text, 'N'::text, 'e@example.org'::text, ''::text, 'editor'::text, now() + interval '1 day'`;
	const table = 'TABLE (refusal text, user_id text, name text, email text, user_type text, role text, expires_at timestamptz)';

	/** @param {string} body @param {string} [returns] */
	const replace = (body, returns = table) => world.cluster.sql(`
		drop function authorize(text, text, text);
		create function authorize(session text, kind text, id text) returns ${returns}
			language plpgsql as $f$ begin ${body} end $f$;
		grant execute on function authorize(text, text, text) to moot_app`);
	const knock = (/** @type {string} */ id = room.id) =>
		upgrade(`${world.cluster.publicUrls[0]}/api/ws/submissions/${id}?sessionId=${world.users[20].session}`);

	test('a session that never expires', async () => {
		await world.cluster.sql(`insert into sessions values ('session-for-ever', 'u_5', 'infinity')`);
		const who = await request(`${world.base(0)}/api/auth/session`, { headers: bearer('session-for-ever') });
		assert.equal(who.status, 200);
		assert.equal(who.json.expiresAt, Date.UTC(9999, 11, 31));
		assert.equal((await upgrade(socketUrl(world.base(0), room, { ...world.users[5], session: 'session-for-ever' }))).status, 101);
	});

	test('a name of megabytes is cut between two characters', async () => {
		await world.cluster.sql(`update users set name = repeat('ö', 3000000) where id = 'u_210'`);
		const client = await world.join(room, 210);
		const joined = await pair[0].next((message) => message.type === 'user_joined' && message.userId === 'u_210');
		assert.equal(joined.userName, 'ö'.repeat(256));
		await client.leave();
		await roomGoesOn();
	});

	/** @type {[string, number, string, string?][]} */
	const answers = [
		['raises an error that names the session', 500, `raise exception 'session % is bad', session;`],
		['no row', 500, 'return;'],
		['two rows', 500, `return query select null::text, ${granted}; return query select null::text, ${granted};`],
		['a word of its own', 403, `return query select 'perhaps'::text, ${granted};`],
		['nobody', 400, 'return query select null::text, null::text, null::text, null::text, null::text, null::text, null::timestamptz;'],
		['an id of megabytes', 500, `return query select null::text, repeat('u', 3000000), 'n'::text, 'e'::text, ''::text, 'r'::text, now() + interval '1 day';`],
		['a number', 403, `return query select 5, 'u'::text, 'n'::text, 'e'::text, ''::text, 'r'::text, now();`, table.replace('refusal text', 'refusal int')],
		['two columns', 500, `return query select null::text, 'u'::text;`, 'TABLE (refusal text, user_id text)'],
		['late', 101, `perform pg_sleep(0.5); return query select null::text, ${granted};`],
	];
	for (const [name, status, body, returns] of answers) {
		test(name, async () => {
			await replace(body, returns);
			assert.equal((await knock()).status, status);
			await roomGoesOn();
		});
	}

	test('grants every room there can be, and there are ids that none can have', async () => {
		await replace(`return query select null::text, ${granted};`);
		for (const id of ['a%2Fb', '%F0%9F%8E%BC', ':', '%e2%80%a8', 'x'.repeat(256)])
			assert.equal((await knock(id)).status, 101, id);
		for (const id of ['%C2%80', '%C2%9F%C2%85x', '%7f', '%01', '%FF', '%ED%A0%80', 'x'.repeat(257)])
			assert.equal((await knock(id)).status, 404, id);
		await roomGoesOn();
	});
});

describe('in the end', () => {
	test('no descriptor is left over', async () => {
		const deadline = Date.now() + 8_000;
		for (const one of processes())
			while (countDescriptors(one) > (descriptors.get(one.name) ?? 0)) {
				assert.ok(Date.now() < deadline, `${one.name}: ${descriptors.get(one.name)} before, ${countDescriptors(one)} now`);
				await sleep(50);
			}
	});

	test('no session token and no payload is in a log', () => {
		for (const one of processes()) {
			const log = world.cluster.log(one);
			assert.ok(!/session-\d|session-for-ever|fence-\d|sessionId=/.test(log), one.name);
			assert.ok(log.length < 200_000, `${one.name} wrote ${log.length} bytes`);
		}
	});
});

const shardPort = () => /** @type {number} */ (world.cluster.shards[0].plan.ports?.bus);

/** @param {string} name */
async function incarnation(name) {
	const [row] = await world.cluster.sql(`select incarnation from member where name = '${name}' and state = 'active'`);
	return BigInt.asUintN(64, BigInt(String(row.incarnation)));
}

/** Write, and wait until the other side has ended it or a little has passed. @param {number} port @param {Buffer} what @returns {Promise<void>} */
function throwAt(port, what) {
	return new Promise((resolve) => {
		const socket = net.connect(port, '127.0.0.1');
		const timer = setTimeout(() => socket.destroy(), 300);
		socket.on('error', () => {}); // close follows
		socket.on('data', () => {});
		socket.on('close', () => {
			clearTimeout(timer);
			resolve();
		});
		socket.end(what);
	});
}

/** @param {() => number} next @param {number} i */
function rubbish(next, i) {
	const some = bytes(next, 1 + next() % 3_000);
	if (i % 3 === 0)
		return some;
	const start = i % 3 === 1 ? Buffer.from(`GET /api/ws/submissions/x?sessionId=y HTTP/1.1\r\nHost: h\r\n`)
		: Buffer.concat([Buffer.from('ff00000000000000007f0300', 'hex'), Buffer.from('NULL'), Buffer.alloc(48)]);
	return Buffer.concat([start, some]);
}

/** Numbers of 31 bits that are the same in each run. @param {number} from @returns {() => number} */
function random(from) {
	let state = from * 2654435761 >>> 0;
	return () => {
		state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
		return state >>> 1;
	};
}

/** @param {() => number} next @param {number} count */
function bytes(next, count) {
	return Buffer.from(Array.from({ length: count }, () => next() >>> 20 & 0xff));
}
