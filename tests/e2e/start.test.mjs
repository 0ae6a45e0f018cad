// SPDX-License-Identifier: Apache-2.0
// Starting wrongly: each mistake is one sentence that says what to do, and the exit code that a
// supervisor acts on (0 done, 1 failed, 2 wrong usage, 78 wrong configuration).

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { freePorts } from '../../deploy/local/ports.mjs';
import { programs, SANITIZER_SETTINGS } from '../../deploy/local/settings.mjs';
import { eventually } from '../lib/eventually.mjs';

const found = programs(process.env.MOOT_BUILD ?? 'debug');
const nowhere = 'postgresql://nobody:secret-word@127.0.0.1:1/moot?connect_timeout=2';
/** @type {string} */
let dir;

before(() => {
	dir = fs.mkdtempSync(path.join(os.tmpdir(), 'moothall-start-'));
});
after(() => fs.rmSync(dir, { recursive: true, force: true }));

/**
 * Run a program until it ends, or until it has said `enough` (then it is told to end).
 * @param {string} program @param {string[]} args @param {Record<string, string>} [env] @param {RegExp} [enough]
 * @returns {Promise<{code: number | null, out: string, err: string}>}
 */
function run(program, args, env = {}, enough) {
	return new Promise((resolve, reject) => {
		const child = spawn(program, args, { env: { PATH: process.env.PATH ?? '', ...SANITIZER_SETTINGS, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
		let out = '';
		let err = '';
		let told = false;
		const timer = setTimeout(() => child.kill('SIGKILL'), 20_000);
		child.stdout.on('data', (text) => (out += text));
		child.stderr.on('data', (text) => {
			err += text;
			if (enough?.test(err) && !told)
				told = child.kill('SIGTERM');
		});
		child.on('error', reject);
		child.on('close', (code) => {
			clearTimeout(timer);
			resolve({ code, out, err });
		});
	});
}

for (const [name, program] of Object.entries(found)) {
	describe(name, () => {
		test('--version is one line', async () => {
			const { code, out } = await run(program, ['--version']);
			assert.equal(code, 0);
			assert.match(out, /^moot-(gateway|roomd) \d+\.\d+\.\d+.*\n$/);
		});

		test('--help names every option with its default', async () => {
			const { code, out } = await run(program, ['--help']);
			assert.equal(code, 0);
			for (const option of ['--database-url', '--node-name', '--internal-port', '--log-level', '--check-config', '--version'])
				assert.ok(out.includes(option), option);
		});

		test('--check-config: 0 when right', async () => {
			const { code } = await run(program, ['--check-config']);
			assert.equal(code, 0);
		});

		test('an unknown or incomplete option: 2, and where to look', async () => {
			for (const args of [['--no-such-option=1'], ['--internal-port=many'], ['--internal-port=70000'], ['--internal-port'], ['stray']]) {
				const { code, err } = await run(program, args);
				assert.equal(code, 2, args.join(' '));
				assertSentence(err, args[0].replace(/=.*/, ''));
			}
		});

		test('a wrong variable: 78, with its name', async () => {
			for (const [variable, value] of [['MOOT_INTERNAL_PORT', 'many'], ['MOOT_LOG_FORMAT', ''], ['MOOT_INTERNAL_PORT', '-1']]) {
				const { code, err } = await run(program, ['--check-config'], { [variable]: value });
				if (value === '' && code === 0)
					continue; // an empty variable may count as none
				assert.equal(code, 78, `${variable}=${value}`);
				assertSentence(err, variable);
			}
		});

		test('a wrong file: 78, with its name and line', async () => {
			const file = path.join(dir, 'wrong.ini');
			for (const text of ['[internal]\nport = many\n', '[internal]\nno_such = 1\n', '[no_such]\nport = 1\n', 'port\n']) {
				fs.writeFileSync(file, text);
				const { code, err } = await run(program, ['-c', file, '--check-config']);
				assert.equal(code, 78, text);
				assertSentence(err, 'wrong.ini');
				assert.match(err, /wrong\.ini:\d+|line \d+/);
			}
			const { code, err } = await run(program, ['-c', path.join(dir, 'missing.ini'), '--check-config']);
			assert.equal(code, 78);
			assertSentence(err, 'missing.ini');
		});

		test('flags win over variables, variables over the file', async () => {
			const file = path.join(dir, 'right.ini');
			fs.writeFileSync(file, '[internal]\nport = 1001\nhost = 127.0.0.2\n[log]\nlevel = warn\n');
			const { code, out } = await run(program, ['-c', file, '--internal-port=1003', '--print-config'],
				{ MOOT_INTERNAL_PORT: '1002', MOOT_INTERNAL_HOST: '127.0.0.3', MOOT_DATABASE_URL: nowhere });
			assert.equal(code, 0);
			assert.match(out, /port\s*=\s*1003/);
			assert.match(out, /host\s*=\s*127\.0\.0\.3/);
			assert.match(out, /level\s*=\s*warn/);
			assert.ok(!out.includes('secret-word'), 'a secret is not printed');
		});

		test('an unreachable database: said with what to check, without the password', async () => {
			const { code, err } = await run(program, ['--internal-port=0'], { MOOT_DATABASE_URL: nowhere, MOOT_PUBLIC_PORT: '0' }, /database/i);
			assert.match(err, /database/i);
			assert.match(err, /MOOT_DATABASE_URL|database\.url/, 'what to do about it');
			assert.ok(!err.includes('secret-word'));
			assert.ok(code === 1 || code === 0, `exit code ${code}: ${err}`);
		});

		test('--health and --ready: what a probe needs to know, by the exit code, and why', async () => {
			const [port, publicPort] = await freePorts(2);
			const env = { MOOT_DATABASE_URL: nowhere, MOOT_INTERNAL_HOST: '0.0.0.0', MOOT_INTERNAL_PORT: String(port), MOOT_PUBLIC_PORT: String(publicPort) };
			const { code: early, err: nobody } = await run(program, ['--health'], env);
			assert.equal(early, 1);
			assertSentence(nobody, `port ${port}`);
			const child = spawn(program, { env: { PATH: process.env.PATH ?? '', ...SANITIZER_SETTINGS, ...env }, stdio: 'ignore' });
			try {
				for (const deadline = Date.now() + 20_000; (await run(program, ['--health'], env)).code !== 0;)
					assert.ok(Date.now() < deadline, 'it lives');
				const { code, err } = await run(program, ['--ready'], env);
				assert.equal(code, 1, 'without its database it lives, and is not ready');
				assert.match(err, /"ready":false.*"database":false/);
			} finally {
				child.kill('SIGKILL');
			}
			const { code, err } = await run(program, ['--health', '--internal-port=0'], env);
			assert.equal(code, 78);
			assertSentence(err, 'internal.port');
		});

		test('SIGHUP: what is live changes, the rest is said, what is no good changes nothing', async () => {
			const file = path.join(dir, `${name}-reload.ini`);
			fs.writeFileSync(file, '[log]\nlevel = info\n');
			const child = spawn(program, ['-c', file, '--internal-port=0'], {
				env: { PATH: process.env.PATH ?? '', ...SANITIZER_SETTINGS, MOOT_DATABASE_URL: nowhere, MOOT_PUBLIC_PORT: '0' }, stdio: ['ignore', 'ignore', 'pipe'],
			});
			let err = '';
			child.stderr.on('data', (text) => (err += text));
			const says = (/** @type {RegExp} */ what) => eventually(() => what.test(err), () => `${what} in ${err}`);
			try {
				await says(/(admin_open|roomd_open) .*port=\d+/);
				const port = /(?:admin_open|roomd_open) .*port=(\d+)/.exec(err)?.[1];
				if (name === 'gateway') {
					fs.writeFileSync(file, '[log]\nlevel = info\n[limits]\nconnections = 1000000\n');
					child.kill('SIGHUP');
					await says(/setting_changed .*section=limits name=connections value=1000000/);
					await says(/descriptors_few .*wanted=1010240 .*restart the gateway/);
				}
				fs.writeFileSync(file, '[log]\nlevel = error\n[node]\nname = another\n');
				child.kill('SIGHUP');
				await says(/setting_needs_restart .*section=node name=name/);
				await says(/setting_changed .*section=log name=level value=error/);
				const after = err.length;
				fs.writeFileSync(file, '[log]\nlevel = error\nformat = logfmt\nno_such = 1\n');
				child.kill('SIGHUP');
				await says(/settings_refused .*-reload\.ini:4.*no_such/);
				assert.ok(!/level=(info|warn)/.test(err.slice(after)), 'the level is in force');
				assert.match(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text(), /^moot_config_reload_success 0$/m);
			} finally {
				child.kill('SIGTERM');
				await new Promise((resolve) => child.once('close', resolve));
			}
			assert.ok(!/Sanitizer|must\(/.test(err), err);
		});

		test('a port in use: 1, with the port', async () => {
			const server = net.createServer();
			await new Promise((resolve) => server.listen({ port: 0, host: '127.0.0.1', exclusive: true }, () => resolve(undefined)));
			const { port } = /** @type {net.AddressInfo} */ (server.address());
			const { code, err } = await run(program, [`--internal-port=${port}`], { MOOT_DATABASE_URL: nowhere, MOOT_PUBLIC_PORT: '0' }, /never/);
			server.close();
			assert.equal(code, 1, err);
			assertSentence(err, String(port));
		});
	});
}

describe('gateway without the libuv plugin of libwebsockets', () => {
	const plugins = '/usr/lib/*/libwebsockets-evlib_uv.so';

	test('1, with the package to install, before anything is waited for', async () => {
		const hide = process.getuid?.() === 0 ? ['-m'] : ['-rm'];
		const { code, err } = await run('unshare', [...hide, 'sh', '-c', `mount --bind /dev/null ${plugins} && exec ${found.gateway} --internal-port=0`],
			{ MOOT_DATABASE_URL: nowhere, MOOT_PUBLIC_PORT: '0', ASAN_OPTIONS: 'detect_leaks=0' }); // libwebsockets leaks the list of its plugins
		assert.equal(code, 1, err);
		assertSentence(err, 'libwebsockets-evlib-uv');
		assert.equal(err.trim().split('\n').length, 1, err);
	});
});

/** One line that a person can act on. @param {string} err @param {string} about */
function assertSentence(err, about) {
	const lines = err.trim().split('\n');
	assert.ok(lines.some((line) => line.includes(about)), `${about} in: ${err}`);
	assert.ok(lines.length <= 4, `one sentence, not a page: ${err}`);
	assert.ok(!/Sanitizer|must\(/.test(err), err);
}
