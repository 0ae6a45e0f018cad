// SPDX-License-Identifier: Apache-2.0
// What the manual for operators says is so: its first walk runs, and every option, metric, alert, check, error and
// command that is documented exists, and the other way round.

import assert from 'node:assert/strict';
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { freePorts } from '../../deploy/local/ports.mjs';
import { buildDirectory, mootctl, programs, ROOT, SANITIZER_SETTINGS } from '../../deploy/local/settings.mjs';
import { Mootctl } from '../lib/mootctl.mjs';

const run = promisify(execFile);
const build = buildDirectory(process.env.MOOT_BUILD ?? 'debug');
const manual = fs.readFileSync(path.join(ROOT, 'docs', 'operations.md'), 'utf8');
const all = Object.values({ ...programs(build), mootctl: mootctl(build) });

/** @param {string} pattern with one group @param {string} [text] */
function found(pattern, text = manual) {
	return [...new Set([...text.matchAll(new RegExp(pattern, 'gm'))].map(([, one]) => one))].sort();
}

/** @param {string} program @param {string} what */
function printed(program, what) {
	return execFileSync(program, [what], { encoding: 'utf8', env: { ...process.env, ...SANITIZER_SETTINGS } });
}

test('the first walk runs, line by line', async () => {
	const lines = found('^\\$ (.*)$').length;
	const walk = [...manual.matchAll(/^\$ (.*)$/gm)].map(([, line]) => line);
	assert.ok(walk.length === lines && lines > 15, `${lines} lines`);
	const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'moothall-walk-'));
	fs.chmodSync(dir, 0o755);
	const [port] = await freePorts(1);
	const env = {
		...process.env, ...SANITIZER_SETTINGS, MOOT_VAR: path.join(dir, 'var'), MOOT_BUILD: build, PORT: String(port),
		PATH: `${path.dirname(mootctl(build))}:${process.env.PATH}`,
	};
	try {
		const script = ['set -eo pipefail', ...walk.flatMap((line) => [`echo ${JSON.stringify(`$ ${line}`).replaceAll('$', '\\$').replaceAll('`', '\\`')}`, line.includes('build/release') ? ':' : line])];
		const { stdout } = await run('bash', ['--norc', '-c', script.join('\n')], { cwd: ROOT, env, timeout: 90_000 });
		assert.match(stdout, /^gateway-2 +gateway +active .* yes$/m);
		assert.match(stdout, /^view \d+, 0 slots without an owner$/m);
		assert.match(stdout, /the schema is that of this release/);
		assert.match(stdout, /comment_added {2}ada_l {2}\{"text": "hi"\}/);
		assert.match(stdout, /^NO_ROOM: /m);
		assert.match(stdout, /^shard-1 is leaving$/m);
	} finally {
		await run(path.join(ROOT, 'dev'), ['stop'], { env });
		fs.rmSync(dir, { recursive: true, force: true });
	}
});

test('every alert is explained, with its severity, and no other', () => {
	const rules = fs.readFileSync(path.join(ROOT, 'deploy', 'observe', 'rules.yml'), 'utf8');
	const alerts = [...rules.matchAll(/- alert: (\w+)\n(?:.*\n)*?\s+labels: \{severity: (\w+)\}/g)].map(([, name, severity]) => `${name} ${severity}`);
	const explained = [...manual.matchAll(/^\| `(Moothall\w+)` \| (\w+) \|/gm)].map(([, name, severity]) => `${name} ${severity}`);
	assert.deepEqual(explained.sort(), alerts.sort());
	assert.deepEqual(found('`(Moothall\\w+)`').filter((name) => !alerts.some((one) => one.startsWith(name))), []);
});

test('options that the manuals name exist, and each is in the manual page of its program', () => {
	const options = new Set(all.flatMap((program) => {
		const names = [...printed(program, '--help').matchAll(/^ {6}--([a-z]+)-([a-z-]+) /gm)].map(([, section, name]) => `${section}.${name.replaceAll('-', '_')}`);
		const pageOf = printed(program, '--print-man').replaceAll('\\-', '-');
		for (const name of names.filter((one) => !['check.config', 'print.config', 'print.sample', 'print.man'].includes(one)))
			assert.ok(pageOf.includes(`.BR --${name.replace(/[._]/g, '-')} `), `${name} in the manual page of ${path.basename(program)}`);
		return names;
	}));
	const sections = new Set([...options].map((name) => name.split('.')[0]));
	for (const file of ['README.md', 'docs/operations.md', 'docs/errors.md', 'docs/architecture.md', 'CHANGELOG.md']) {
		const named = found('\\b([a-z]+\\.[a-z_]+)\\b', fs.readFileSync(path.join(ROOT, file), 'utf8')).filter((name) => sections.has(name.split('.')[0]));
		assert.deepEqual(named.filter((name) => !options.has(name) && !NOT_OPTIONS.test(name)), [], file);
	}
});

/** Files, hosts, and members of messages. */
const NOT_OPTIONS = /\.(c|h|md|js|mjs|jsx|def|sql|yml|field|test|example|html|ini|json|proto|in)$|^view\.version$/;

test('commands that the manuals name exist, and errors too', async () => {
	const { json } = await new Mootctl({}).run(['help', '--json']);
	const commands = json.map((/** @type {any} */ one) => one.name);
	const texts = ['docs/operations.md', 'docs/errors.md', 'README.md', 'CHANGELOG.md'].map((file) => fs.readFileSync(path.join(ROOT, file), 'utf8')).join('\n');
	assert.deepEqual(found('mootctl (?:--json )?([a-z-]+)', texts).filter((name) => !commands.includes(name) && !['finds', 'of'].includes(name)), []);
	const errors = found('^ERR\\((\\w+),', fs.readFileSync(path.join(ROOT, 'common', 'err.def'), 'utf8'));
	assert.deepEqual(found('^\\| `([A-Z_0-9]+)` \\| \\d', fs.readFileSync(path.join(ROOT, 'docs', 'errors.md'), 'utf8')), errors);
	assert.deepEqual(found('mootctl why ([A-Z]+_?[A-Z]*)\\b', manual).filter((name) => !errors.includes(name) && !['WORD', 'CODE', 'NAME'].includes(name)), []);
});

test('manual pages pass the lint of mandoc', () => {
	for (const program of all) {
		const { stdout, error } = spawnSync('mandoc', ['-T', 'lint', '-W', 'warning'], { input: printed(program, '--print-man'), encoding: 'utf8' });
		assert.ifError(error);
		assert.deepEqual(stdout.trim().split('\n').filter((line) => !line.includes('missing date')), [], path.basename(program)); // a build says none
	}
});

test('unit files are good, and shut in', () => {
	const folder = path.join(ROOT, 'deploy', 'systemd');
	const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'moothall-units-'));
	for (const name of fs.readdirSync(folder)) {
		const file = path.join(dir, name);
		const program = name.startsWith('moot-gateway') ? programs(build).gateway : programs(build).shard;
		fs.writeFileSync(file, fs.readFileSync(path.join(folder, name), 'utf8').replace(/^(ExecStart=)\S+/m, `$1${program}`));
		const { stderr, error } = spawnSync('systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8' });
		assert.ifError(error);
		assert.equal(stderr, '', 'it answers 0 also for keys that are none');
		const { exposure } = /** @type {any} */ (/** @type {unknown} */ (/Overall exposure level for \S+: (?<exposure>[\d.]+)/.exec(
			execFileSync('systemd-analyze', ['security', '--offline=true', '--no-pager', file], { encoding: 'utf8' }))?.groups));
		assert.ok(Number(exposure) < 2, `${name}: ${exposure}`);
	}
	fs.rmSync(dir, { recursive: true });
});
