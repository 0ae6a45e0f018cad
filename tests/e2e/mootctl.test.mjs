// SPDX-License-Identifier: Apache-2.0
// mootctl on a real cluster: each command does what its sentence says, in a table and as JSON, and what goes
// wrong is one line and the exit code of the manual.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { ROOT } from '../../deploy/local/settings.mjs';
import { eventually } from '../lib/eventually.mjs';
import { request } from '../lib/http.mjs';
import { Mootctl } from '../lib/mootctl.mjs';
import { Native } from '../lib/native.mjs';
import { slotOf } from '../lib/slot.mjs';
import { World } from '../lib/world.mjs';

/** @type {World} */
let world;
/** @type {Mootctl} */
let ctl;

before(async () => {
	world = await World.open();
	const bare = Mootctl.of(world.cluster);
	const { out, code, err } = await bare.run(['token', 'service', 'operators', '90d']);
	assert.equal(code, 0, err);
	ctl = Mootctl.of(world.cluster, out.trim());
	ctl.ran.add('token');
});
after(() => world?.close());

/** @param {string[]} words @param {Parameters<Mootctl['run']>[1]} [how] */
async function good(words, how) {
	const said = await ctl.run(words, how);
	assert.equal(said.code, 0, `${words.join(' ')}: ${said.err}${said.out}`);
	assert.equal(said.err, '', words.join(' '));
	return said;
}

/** @param {string[]} words @param {RegExp} why @param {number} [code] @param {Record<string, string>} [env] */
async function bad(words, why, code = 1, env) {
	const said = await ctl.run(words, { env });
	assert.equal(said.code, code, `${words.join(' ')}: ${said.err}${said.out}`);
	assert.match(said.err, why);
	assert.match(said.err, /^mootctl: .+\n$/, 'one line');
	assert.equal(said.out, '');
}

/** @param {import('../lib/client.mjs').Room} room */
const keyOf = (room) => `${room.kind}:${room.id}`;

/** @param {string} room */
async function ownerOf(room) {
	const [{ name }] = await world.cluster.sql(`select name from slot join member on owner = incarnation where slot = ${slotOf(room)}`);
	return String(name);
}

test('status: everybody is ready', async () => {
	const { out } = await good(['status']);
	for (const name of ['gateway-1', 'gateway-2', 'shard-1', 'shard-2'])
		assert.match(out, new RegExp(`^${name} +(gateway|shard) +active .* yes$`, 'm'));
	const { json } = await good(['--json', 'status']);
	assert.deepEqual(json.map((/** @type {any} */ one) => one.kind).sort(), ['gateway', 'gateway', 'shard', 'shard']);
	assert.ok(json.every((/** @type {any} */ one) => one.ready && /^[0-9a-f]{16}$/.test(one.incarnation)));
});

test('status: who does not answer is said, with exit code 3', async () => {
	const { code, out } = await ctl.run(['status', `--internal-urls=127.0.0.1:1 ${world.cluster.internalUrls[0]}`]);
	assert.equal(code, 3);
	assert.match(out, /^127\.0\.0\.1:1 .*Connection refused$/m);
	assert.match(out, /^gateway-1 .* yes$/m);
});

test('view and shards: the slots of all shards are all slots', async () => {
	const { out, json } = { ...(await good(['view'])), json: (await good(['view', '--json'])).json };
	const shards = json.members.filter((/** @type {any} */ one) => one.kind === 'shard' && one.state === 'active');
	assert.equal(shards.reduce((/** @type {number} */ sum, /** @type {any} */ one) => sum + one.slots, 0), 4096);
	assert.match(out, /^view \d+, 0 slots without an owner$/m);
	const { json: list } = await good(['shards', '--json']);
	assert.deepEqual(list.map((/** @type {any} */ one) => one.slots).sort(), shards.map((/** @type {any} */ one) => one.slots).sort());
	assert.match((await good(['shards'])).out, /^shard-1 +active +\d+ /m);
});

test('rooms, room, members: who is where', async () => {
	const room = keyOf(world.room());
	const client = await Native.open(world.cluster.publicUrls[0], world.users[2]);
	await client.join(room, { state: { mode: 'editing' } });
	await client.publish(room, 'comment_added', { text: 'hi' });

	const { json: rooms } = await good(['rooms', 'rate', '256', '--json']);
	const found = rooms.find((/** @type {any} */ one) => one.room === room);
	assert.deepEqual([found.users, found.connections, found.seq, found.slot], [1, 1, 1, slotOf(room)]);
	assert.ok(found.acts_10s > 0);
	assert.match((await good(['rooms'])).out, new RegExp(`^${room} +1 +1 `, 'm'));

	const { out } = await good(['room', room]);
	assert.match(out, new RegExp(`^room    ${room}\nowner   ${await ownerOf(room)}\nstate   awake\nseq     1$`, 'm'));
	assert.ok(out.includes(world.users[2].name), out);
	const { json } = await good(['members', room, '--json']);
	assert.deepEqual([json[0].id, json[0].connections[0].id, json[0].connections[0].state], [world.users[2].id, client.session, { mode: 'editing' }]);
	assert.match((await good(['members', room])).out, new RegExp(`${client.session} .*\\{"mode":"editing"\\}`));
	client.socket?.terminate();
});

test('tail: events as they come', async () => {
	const room = keyOf(world.room());
	const client = await Native.open(world.cluster.publicUrls[1], world.users[0]);
	await client.join(room);
	await client.publish(room, 'first', { n: 1 });
	const tail = ctl.run(['tail', room, '0'], { enough: /second/ });
	await client.publish(room, 'second', { n: 2 });
	const { out } = await tail;
	assert.match(out, /^\S+Z  1  first  u_0  \{"n":1\}\n\S+Z  2  second  u_0  \{"n":2\}\n$/);
	client.socket?.terminate();
});

test('kick and revoke: taken out, and ended everywhere', async () => {
	const room = keyOf(world.room());
	const client = await Native.open(world.cluster.publicUrls[0], world.users[5]);
	await client.join(room);
	assert.match((await good(['kick', room, world.users[5].id, 'that is enough'])).out, /^1 connections taken out$/m);
	await eventually(() => client.told.some(({ type, code }) => type === 'left' && code === 'kicked'), 'left');
	await client.join(keyOf(world.room()));
	assert.match((await good(['revoke', '-'], { input: `${world.users[5].session}\n` })).out, /^revoked$/m);
	assert.equal((await /** @type {Promise<any>} */ (client.closed)).code, 4401);
	assert.match((await good(['revoke', world.users[5].session])).out, /^there is no such session$/m);
});

test('token: a session that is good to enter with', async () => {
	const { out } = await good(['token', 'session', world.users[7].id, '5m']);
	const client = await Native.open(world.cluster.publicUrls[0], { ...world.users[7], session: out.trim() });
	assert.equal((await client.join(keyOf(world.room()))).type, 'joined');
	client.socket?.terminate();
	await bad(['token', 'session', 'nobody'], /there is no user with the id "nobody"/);
	await bad(['token', 'service', 'x', 'soon'], /TTL is a number with d, h or m behind it/);
});

test('move: the slot goes where it is wanted, and nobody notices', async () => {
	const { json: shards } = await good(['shards', '--json']);
	const from = shards[0].slots >= shards[1].slots ? 0 : 1; // to the one with less: that is never too much
	const [owner, other] = [shards[from].name, shards[1 - from].name];
	const room = keyOf(world.room('submission', world.cluster.shards.findIndex(({ name }) => name === owner)));
	const client = await Native.open(world.cluster.publicUrls[0], world.users[3]);
	await client.join(room);
	assert.equal(await ownerOf(room), owner);
	await good(['move', room, other]);
	await eventually(async () => (await ownerOf(room)) === other, 'the other owner');
	assert.equal(await client.publish(room, 'after', {}), 1);
	assert.deepEqual(client.faults, []);
	await good(['move', String(slotOf(room)), owner]);
	await eventually(async () => (await ownerOf(room)) === owner, 'the first owner again');
	await bad(['move', room, 'shard-9'], /not connected; no active shard has that name/);
	client.socket?.terminate();
});

test('sleep: the room leaves memory, and wakes', async () => {
	const room = keyOf(world.room());
	const client = await Native.open(world.cluster.publicUrls[0], world.users[4]);
	await client.join(room);
	await good(['sleep', room]);
	await eventually(async () => (await good(['room', room, '--json'])).json.state === 'asleep', 'sleep');
	assert.equal(await client.publish(room, 'woken', {}), 1);
	client.socket?.terminate();
});

test('why: what led to a refusal, and what an error means', async () => {
	const client = await Native.open(world.cluster.publicUrls[1], world.users[6]);
	client.send({ type: 'join', room: 'submission:no-such-room' });
	await eventually(() => client.told.some(({ type }) => type === 'refused'), 'refused');
	const { trace } = /** @type {any} */ (client.told.find(({ type }) => type === 'refused'));
	const { out } = await good(['why', trace]);
	assert.match(out, new RegExp(`gateway-2 +refused +trace=${trace} session=${client.session} request=join code=NO_ROOM`));
	assert.match(out, /^NO_ROOM: there is no such submission or document \(final\)\n  Look whether/m);
	assert.match((await good(['why', '4508'])).out, /^TOO_SLOW: .* \(may be tried again\)$/m);
	assert.equal((await good(['why', 'conflict', '--json'])).json.error, 'CONFLICT');
	await bad(['why', '0123456789abcdef'], /no process that answers remembers "0123456789abcdef"/);
	client.socket?.terminate();
});

test('slow: what took long', async () => {
	await good(['slow']);
	const { json } = await good(['slow', '128', '--json']);
	assert.ok(Array.isArray(json) && json.every((line) => line.msg === 'slow' && line.ms >= 50), JSON.stringify(json));
	await bad(['slow', '0'], /LIMIT is a number from 1 to 128/);
});

test('sql-migrate: an empty database becomes that of this release', async () => {
	await world.cluster.sql('create database fresh');
	const env = { MOOT_DATABASE_URL: world.cluster.databaseUrl.replace(/[^/]*$/, 'fresh') };
	const files = fs.readdirSync(path.join(ROOT, 'roomd', 'schema')).sort();
	const check = await ctl.run(['sql-migrate', 'check', '--json'], { env });
	assert.deepEqual([check.code, check.json], [3, { missing: files }]);
	const [first, second] = await Promise.all([1, 2].map(() => good(['sql-migrate', '--json'], { env })));
	assert.deepEqual([...first.json.applied, ...second.json.applied], files, 'each once, though two ran');
	assert.match((await good(['sql-migrate'], { env })).out, /^the schema is that of this release$/m);
	assert.match((await good(['sql-migrate'])).out, /^the schema is that of this release$/m);
	await world.cluster.sql("insert into schema_migration (name) values ('9999_later.sql')");
	await bad(['sql-migrate', 'check'], /9999_later\.sql, which this release does not know/);
	await world.cluster.sql("delete from schema_migration where name = '9999_later.sql'");
	await bad(['sql-migrate'], /is MOOT_DATABASE_URL right/, 1, { MOOT_DATABASE_URL: 'postgresql://x:secret-word@127.0.0.1:1/moot' });
});

test('wrong usage: 2, and one line that says what to do', async () => {
	await bad(['statsu'], /there is no command "statsu"; mootctl help lists them/, 2);
	await bad(['kick', 'submission:1'], /mootctl kick takes ROOM USER \[REASON\]; see mootctl help kick/, 2);
	await bad(['rooms', 'size'], /mootctl rooms takes \[rate\|connections\|seq\], not "size"/, 2);
	await bad(['status', 'a', 'b', 'c', 'd', 'e'], /takes no arguments/, 2);
	await bad(['--no-such=1', 'status'], /unknown flag --no-such/, 2);
	await bad(['status'], /"soon" is no good for MOOT_INTERNAL_TIMEOUT/, 78, { MOOT_INTERNAL_TIMEOUT: 'soon' });
	await bad(['status', '--internal-urls='], /there is nobody to ask/);
	await bad(['status', '--internal-urls=https://a:1'], /mootctl speaks http only/);
	await bad(['room', 'submission:1', '--service-key='], /this wants a service key: mootctl token service NAME makes one/);
	await bad(['room', 'submission:nowhere'], /there is no such submission or document \(mootctl why [0-9a-f]{16}\)/);
	await bad(['room', 'submission:1', '--public-url=127.0.0.1:1'], /127\.0\.0\.1:1: Connection refused/);
	await bad(['drain', 'nobody'], /no process that answers is named "nobody"/);
});

test('help and completion know every command', async () => {
	const { json } = await good(['help', '--json']);
	const { out: help } = await good(['help']);
	const { out: script } = await good(['completion', 'bash']);
	await Promise.all(json.map(async (/** @type {any} */ { name, sentence }) => {
		assert.ok(help.includes(`  ${name} `) && help.includes(sentence), name);
		assert.match(script, new RegExp(`[ "]${name}[ "]`));
		assert.ok((await good(['help', name])).out.startsWith(`mootctl ${name}`));
	}));
});

test('completion: what bash offers', async () => {
	const { out: script } = await good(['completion', 'bash']);
	const offers = (/** @type {string[]} */ ...words) => execFileSync('bash', ['--norc', '-c',
		`${script}\nCOMP_WORDS=(mootctl "$@"); COMP_CWORD=$#; _mootctl; echo "\${COMPREPLY[*]}"`, 'bash', ...words], { encoding: 'utf8' }).trim();
	assert.equal(offers('--json', 'ro'), 'rooms room');
	assert.equal(offers('--public-url', 'a:1', 'rooms', 's'), 'seq');
	assert.equal(offers('token', ''), 'service session');
	assert.equal(offers('--internal-u'), '--internal-urls');
});

test('what changes something is refused to a web page', async () => {
	const answer = await request(`${world.cluster.internalUrls[0]}/v1/drain`, { method: 'POST' });
	assert.equal(answer.status, 403);
	assert.match(answer.json.hint, /Moot-Admin/);
});

// Last: they are gone after it.
test('drain: a shard and a gateway leave in order', async () => {
	const [shard, gateway] = [world.cluster.shards[1], world.cluster.gateways[1]];
	shard.allowed = gateway.allowed = 0;
	await good(['drain', shard.name]);
	await eventually(() => !shard.isRunning, 'the shard to be gone');
	await good(['drain', gateway.name]);
	await eventually(() => !gateway.isRunning, 'the gateway to be gone');
	assert.deepEqual([shard, gateway].map((one) => one.endings.at(-1)?.code), [0, 0]);
	const { code, json } = await ctl.run(['view', '--json']);
	assert.equal(code, 0);
	assert.equal(json.members.find((/** @type {any} */ one) => one.name === 'shard-1' && one.state === 'active').slots, 4096);
});

test('each command of the table was run', async () => {
	const { json } = await good(['help', '--json']);
	assert.deepEqual(json.map((/** @type {any} */ one) => one.name).filter((/** @type {string} */ name) => !ctl.ran.has(name)), []);
});
