// SPDX-License-Identifier: Apache-2.0
// ./dev as a person uses it: a cluster of its own state directory and port, started, looked at, hurt,
// restarted and stopped by commands only.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import fs from 'node:fs';
import https from 'node:https';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePorts } from '../../deploy/local/ports.mjs';
import { buildDirectory, ROOT } from '../../deploy/local/settings.mjs';

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'moothall-dev-'));
// A directory, not a name: `run` then takes the programs as they are.
const build = buildDirectory(process.env.MOOT_BUILD ?? 'debug');
const env = { ...process.env, MOOT_VAR: path.join(dir, 'var'), MOOT_BUILD: build };
/** @type {string} */
let port;

before(async () => {
	fs.chmodSync(dir, 0o755);
	port = String((await freePorts(1))[0]);
});

after(async () => {
	await dev('stop');
	fs.rmSync(dir, { recursive: true, force: true });
});

/** @param {...string} args @returns {Promise<{code: number, out: string, err: string}>} */
function dev(...args) {
	return new Promise((resolve) => {
		execFile(path.join(ROOT, 'dev'), args, { env, timeout: 120000 }, (cause, out, err) =>
			resolve({ code: cause ? Number(cause.code ?? -1) : 0, out, err }));
	});
}

/** What `./dev env` says, as a shell understands it. @returns {Promise<Record<string, string>>} */
async function variables() {
	const { out } = await dev('env');
	return new Promise((resolve, reject) => {
		execFile('bash', ['--norc', '-c', `set -eu\n${out}\nfor v in \${!MOOT_*}; do printf '%s=%s\\n' "$v" "\${!v}"; done`],
			{ env: { PATH: process.env.PATH } }, (cause, text) =>
				cause ? reject(cause) : resolve(Object.fromEntries(text.trim().split('\n').map((line) => line.split(/=(.*)/s)))));
	});
}

/** @param {string} url @param {string} text @returns {Promise<string>} */
function psql(url, text) {
	return new Promise((resolve, reject) => {
		execFile('psql', ['-X', '-A', '-t', '-d', url, '-c', text], (cause, out) => (cause ? reject(cause) : resolve(out.trim())));
	});
}

/** @param {() => Promise<boolean>} holds @param {string} what */
async function eventually(holds, what) {
	for (const until = Date.now() + 15000; !(await holds().catch(() => false)); await sleep(50))
		assert.ok(Date.now() < until, `not within 15 s: ${what}`);
}

/** @param {string} url */
async function ready(url) {
	return (await fetch(`${url}/readyz`)).status === 200;
}

test('`dev run --tls` serves what its links say, by a certificate that is kept', async () => {
	const tlsEnv = { ...env, MOOT_VAR: path.join(dir, 'var-tls') };
	const [tlsPort] = await freePorts(1);
	const run = (/** @type {string[]} */ ...args) => new Promise((resolve, reject) =>
		execFile(path.join(ROOT, 'dev'), args, { env: tlsEnv, timeout: 120_000 }, (cause, _, err) => (cause ? reject(cause) : resolve(err))));
	try {
		assert.match(String(await run('run', '--tls', '--gateways', '1', '--shards', '1', '--port', String(tlsPort), '--detach')),
			new RegExp(`https://localhost:${tlsPort}/\\?room=`));
		const ca = fs.readFileSync(path.join(dir, 'var-tls', 'tls', 'certificate.pem'));
		const status = await new Promise((resolve, reject) =>
			https.get(`https://localhost:${tlsPort}/api/ws/test`, { ca }, (answer) => resolve(answer.resume().statusCode)).on('error', reject));
		assert.equal(status, 200);
	} finally {
		await run('stop');
	}
});

test('help fits one screen', async () => {
	const { code, out } = await dev('--help');
	assert.equal(code, 0);
	assert.ok(out.split('\n').length <= 40);
	assert.equal((await dev()).out, out);
});

for (const args of [['fly'], ['run', '--fast'], ['run', '--port'], ['run', '--shards', 'two'], ['kill'], ['kill', 'king'], ['restart', 'everything'], ['build', 'quick'], ['roll', '--rooms', 'all']])
	test(`\`dev ${args.join(' ')}\` is refused with one sentence`, async () => {
		const { code, err } = await dev(...args);
		assert.equal(code, 2);
		assert.match(err, /^dev: [^\n]+\n$/);
	});

test('commands for a running cluster say that there is none', async () => {
	for (const command of [['env'], ['status'], ['kill', 'any'], ['restart', 'shards'], ['psql']]) {
		const { code, out, err } = await dev(...command);
		assert.deepEqual([code, out], [1, '']);
		assert.match(err, /no cluster is running; start one with \.\/dev run\n$/);
	}
});

test('run says which port is taken', async () => {
	const server = net.createServer().listen(Number(port), '127.0.0.1');
	const { code, err } = await dev('run', '--detach', '--port', port);
	server.close();
	assert.equal(code, 1);
	assert.match(err, new RegExp(`port ${port} is taken .* --port`));
});

test('run --detach returns with two links that answer', async () => {
	const { code, err } = await dev('run', '--detach', '--port', port);
	assert.equal(code, 0, err);
	const links = err.match(/http:\/\/localhost:\S+/g) ?? [];
	assert.equal(links.length, 2);
	for (const link of links) {
		const answer = await fetch(link);
		assert.equal(answer.status, 200);
		assert.match(await answer.text(), /<!doctype html>/i);
	}
});

test('a second run says that one is running, with its links', async () => {
	assert.equal((await dev('run', '--detach')).code, 0);
	const { code, err } = await dev('run');
	assert.equal(code, 1);
	assert.match(err, /running already/);
	assert.match(err, new RegExp(`http://localhost:${port}/`));
});

test('env gives addresses, pids and databases that work', async () => {
	const found = await variables();
	assert.equal(found.MOOT_PUBLIC_URL, `http://127.0.0.1:${port}`);
	for (const url of [found.MOOT_PUBLIC_URL, ...found.MOOT_PUBLIC_URLS.split(' ')])
		assert.equal((await fetch(url)).status, 200);
	assert.equal(found.MOOT_PUBLIC_URLS.split(' ').length, 2);
	for (const url of found.MOOT_INTERNAL_URLS.split(' '))
		assert.ok(await ready(url));
	assert.equal(found.MOOT_INTERNAL_URLS.split(' ').length, 4);
	for (const pid of `${found.MOOT_GATEWAY_PIDS} ${found.MOOT_SHARD_PIDS}`.split(' '))
		process.kill(Number(pid), 0);
	assert.equal(found.MOOT_ZMQ_PORTS.split(' ').length, 2);
	assert.ok(fs.existsSync(path.join(found.MOOT_LOGS, 'gateway-1.log')));
	assert.equal(await psql(found.MOOT_DATABASE_URL, `select count(*) from users where name like '% %'`), '6');
	assert.equal(await psql(found.MOOT_APP_DATABASE_URL, `select role from authorize('demo-ada', 'submission', 'spring-letter')`), 'editor');
	await assert.rejects(psql(found.MOOT_APP_DATABASE_URL, 'select * from sessions'));
});

for (const [kind, pids] of [['gateway', 'MOOT_GATEWAY_PIDS'], ['shard', 'MOOT_SHARD_PIDS']])
	test(`a killed ${kind} comes back under its name and on its ports`, async () => {
		const old = await variables();
		assert.match((await dev('kill', kind)).out, new RegExp(`^sent KILL to ${kind}-[12] \\(pid \\d+\\)\n$`));
		await eventually(async () => {
			const now = await variables();
			return now[pids].split(' ').length === 2 && now[pids] !== old[pids];
		}, 'another pid');
		const now = await variables();
		assert.equal(now.MOOT_INTERNAL_URLS, old.MOOT_INTERNAL_URLS);
		for (const url of now.MOOT_INTERNAL_URLS.split(' '))
			await eventually(() => ready(url), `${url} is ready`);
	});

test('a killed PostgreSQL comes back with what it held', async () => {
	const { MOOT_DATABASE_URL: url } = await variables();
	await psql(url, `update users set name = 'Ada L.' where id = 'ada_l'`);
	await dev('kill', 'postgres', '--signal', 'KILL');
	await eventually(async () => (await psql(url, `select name from users where id = 'ada_l'`)) === 'Ada L.', 'the row');
});

test('psql runs a statement', async () => {
	assert.equal((await dev('psql', '-A', '-t', '-c', 'select 6 * 7')).out, '42\n');
});

for (const [kinds, pids] of [['shards', 'MOOT_SHARD_PIDS'], ['gateways', 'MOOT_GATEWAY_PIDS']])
	test(`restart ${kinds} replaces each, one by one`, async () => {
		const old = (await variables())[pids].split(' ');
		const { code, err } = await dev('restart', kinds);
		assert.equal(code, 0, err);
		assert.equal(err.match(/is ready again/g)?.length, 2);
		const now = (await variables())[pids].split(' ');
		assert.equal(now.length, 2);
		assert.ok(now.every((pid) => !old.includes(pid)));
	});

test('status names every process', async () => {
	const { out } = await dev('status');
	for (const name of ['postgres', 'shard-1', 'shard-2', 'gateway-1', 'gateway-2'])
		assert.match(out, new RegExp(`^${name} +\\d+ +running`, 'm'));
});

test('stop ends all of it within a few seconds', async () => {
	const { MOOT_GATEWAY_PIDS, MOOT_SHARD_PIDS, MOOT_DATABASE_URL: url } = await variables();
	const from = Date.now();
	assert.equal((await dev('stop')).code, 0);
	assert.ok(Date.now() - from < 8000);
	for (const pid of `${MOOT_GATEWAY_PIDS} ${MOOT_SHARD_PIDS}`.split(' '))
		assert.throws(() => process.kill(Number(pid), 0), /ESRCH/);
	await assert.rejects(psql(url, 'select 1'));
});

test('Ctrl-C ends a run in the foreground, and the next start finds its data again', async () => {
	const child = spawn(path.join(ROOT, 'dev'), ['run', '--port', port, '--gateways', '1', '--shards', '1'], { env, stdio: ['ignore', 'ignore', 'pipe'] });
	let err = '';
	child.stderr.setEncoding('utf8').on('data', (text) => (err += text));
	const ended = new Promise((resolve) => child.once('exit', resolve));
	try {
		await eventually(async () => err.includes('Ctrl-C'), `the links; it said ${err}`);
		const found = await variables();
		assert.equal(found.MOOT_PUBLIC_URLS.split(' ').length, 1);
		assert.equal(await psql(found.MOOT_DATABASE_URL, `select name from users where id = 'ada_l'`), 'Ada L.');
		child.kill('SIGINT');
		assert.equal(await ended, 0);
		assert.throws(() => process.kill(Number(found.MOOT_GATEWAY_PIDS), 0), /ESRCH/);
	} finally {
		child.kill('SIGINT');
		await ended;
	}
});
