// SPDX-License-Identifier: Apache-2.0
// The Dockerfile and the compose file: what every builder takes, images that hold a program and nothing
// else, options that exist, files that are there. ./dev compose-test runs them.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { ROOT } from '../../deploy/local/settings.mjs';
import { complaints, readCompose } from '../lib/manifests.mjs';

const read = (/** @type {string} */ file) => fs.readFileSync(path.join(ROOT, file), 'utf8');
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'moothall-deploy-'));
after(() => fs.rmSync(dir, { recursive: true, force: true }));

describe('deploy/Dockerfile', () => {
	const text = read('deploy/Dockerfile').replace(/^#.*\n/gm, '').replaceAll('\\\n', ' ');
	const stages = text.split(/^(?=FROM )/m).slice(1);
	const final = new Map(stages.filter((stage) => stage.startsWith('FROM scratch')).map((stage) => [/ AS (\w+)/.exec(stage)?.[1], stage]));

	test('every builder takes it', () => {
		assert.doesNotMatch(text, /--mount|--link|<<|^# *syntax=/m, 'what only BuildKit knows');
		for (const stage of stages)
			assert.match(stage, /^FROM (\$\{BASE\}|scratch) AS \w+\n/);
	});

	test('an image for each process, from nothing, not as root, without a shell in between', () => {
		assert.deepEqual([...final.keys()].sort(), ['gateway', 'mootctl', 'roomd']);
		for (const [name, stage] of final) {
			assert.match(stage, /^USER 10001:10001$/m, name);
			assert.match(stage, /^ENTRYPOINT \[".*"\]$/m, `${name}: as process 1 it must get the signals itself`);
			assert.doesNotMatch(stage, /^RUN /m, name);
			if (name !== 'mootctl')
				assert.match(stage, new RegExp(`^HEALTHCHECK .* CMD \\["/bin/moot-${name}", "--health"\\]$`, 'm'), name);
		}
	});

	test('its variables are options', () => {
		for (const name of ['gateway', 'roomd']) {
			const [, line] = /^ENV (.*)$/m.exec(final.get(name) ?? '') ?? assert.fail(name);
			assert.equal(complaints(`moot-${name}`, Object.fromEntries(line.split(' ').map((pair) => pair.split('=')))), '');
		}
	});

	test('what it copies is in the tree, and in the context', () => {
		const ignored = read('.dockerignore').split('\n');
		const sources = [...text.matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap(([, from]) => from.split(' '));
		assert.ok(sources.length > 8);
		for (const source of sources) {
			assert.ok(fs.existsSync(path.join(ROOT, source)), source);
			assert.ok(ignored.some((line) => line.startsWith('!') && (source === line.slice(1) || source.startsWith(`${line.slice(1)}/`))), `${source} is in .dockerignore`);
		}
		const built = read('meson.build').match(/^subdir\('[\w/]+'\)$/gm)?.map((line) => line.slice(8, -2)) ?? [];
		for (const folder of built)
			assert.ok(sources.includes(folder), `meson needs ${folder}`);
	});
});

describe('deploy/compose.yaml', () => {
	const { services, secrets } = readCompose();

	test('each variable is an option of its process', () => {
		for (const name of ['gateway', 'roomd'])
			assert.equal(complaints(`moot-${name}`, services[name].environment), '');
	});

	test('files that it mounts are there', () => {
		for (const [name, { volumes = [] }] of Object.entries(services))
			for (const volume of volumes) {
				const [from] = String(volume).split(':');
				assert.ok(!from.startsWith('/') || fs.existsSync(from), `${name}: ${from}`);
			}
	});

	test('secrets.sh makes each secret, once, for nobody else to find', () => {
		const made = path.join(dir, 'secrets');
		const make = () => execFileSync(path.join(ROOT, 'deploy', 'compose', 'secrets.sh'), [made]);
		make();
		assert.deepEqual(fs.readdirSync(made).sort(), Object.values(secrets).map(({ file }) => path.basename(file)).sort());
		assert.equal(fs.statSync(made).mode & 0o777, 0o700);
		const get = (/** @type {string} */ name) => fs.readFileSync(path.join(made, name), 'utf8');
		const before = fs.readdirSync(made).map(get);
		make();
		assert.deepEqual(fs.readdirSync(made).map(get), before);
		assert.match(get('app_password'), /^[0-9a-f]{48}$/);
		assert.equal(get('owner_url'), `postgresql://moot:${get('owner_password')}@postgres:5432/moot`);
		assert.equal(get('database_url'), `postgresql://moot_app:${get('app_password')}@postgres:5432/moot`);
	});

	test('processes of the product have no right that they do not need', () => {
		for (const name of ['gateway', 'roomd', 'migrate', 'mootctl', 'balancer'])
			assert.deepEqual([services[name].read_only, services[name].cap_drop], [true, ['ALL']], name);
		for (const name of ['gateway', 'roomd', 'migrate', 'mootctl', 'postgres', 'prometheus'])
			assert.deepEqual([Object.keys(services[name].networks), services[name].ports], [['inside'], undefined], `${name} is reached from nowhere else`);
	});
});
