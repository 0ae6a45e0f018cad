// SPDX-License-Identifier: Apache-2.0
// The package as it is published: types, declarations, exports, sizes, and what must not be in it.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { before, test } from 'node:test';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { ROOT } from '../../deploy/local/settings.mjs';

const dir = path.join(ROOT, 'client');
const require = createRequire(path.join(dir, 'package.json'));
const manifest = JSON.parse(fs.readFileSync(path.join(dir, 'package.json'), 'utf8'));
const sources = fs.readdirSync(path.join(dir, 'src')).filter((name) => name.endsWith('.js'));
const read = (/** @type {string} */ name) => fs.readFileSync(path.join(dir, 'src', name), 'utf8');

/** @param {string[]} args @param {string} [from] */
async function tsc(args, from = dir) {
	const bin = path.join(path.dirname(require.resolve('typescript/package.json')), 'bin', 'tsc');
	try {
		await promisify(execFile)(process.execPath, [bin, ...args], { cwd: from });
	} catch (cause) {
		throw new Error(/** @type {any} */ (cause).stdout || String(cause));
	}
}

before(() => tsc(['-p', '.'])); // strict; writes types/

test('an application that uses it is checked against its declarations', async () => {
	await tsc(['-p', path.join(ROOT, 'tests', 'client', 'types')]);
});

test('the review page is checked too, JSX and all', async () => {
	await tsc(['-p', 'review']);
});

test('publint has nothing to say', async () => {
	const { publint } = await import(require.resolve('publint'));
	const { messages } = await publint({ pkgDir: dir, strict: true, pack: false });
	assert.deepEqual(messages, []);
});

test('every export has its declarations and its file, and React is the only peer', () => {
	for (const [name, to] of Object.entries(manifest.exports))
		for (const file of typeof to === 'string' ? [to] : [to.types, to.default])
			assert.ok(fs.existsSync(path.join(dir, file)), `${name}: ${file}`);
	assert.equal(manifest.dependencies, undefined);
	assert.deepEqual(Object.keys(manifest.peerDependencies), ['react']);
	assert.ok(manifest.peerDependenciesMeta.react.optional);
	for (const version of Object.values(manifest.devDependencies))
		assert.match(String(version), /^\d+\.\d+\.\d+$/, 'pinned');
});

/** @param {string} entry @param {string[]} external @returns {Promise<number>} */
async function sizeOf(entry, external) {
	const { build } = require('esbuild');
	const { outputFiles } = await build({ entryPoints: [path.join(dir, 'src', entry)], bundle: true, minify: true, format: 'esm', target: 'es2022', write: false, external });
	return gzipSync(outputFiles[0].contents, { level: 9 }).length;
}

for (const [entry, most, external] of /** @type {[string, number, string[]][]} */ ([
	['index.js', 7_000, []],
	['react.js', 1_500, ['react', './connection.js']],
	['v0.js', 10_000, []],
]))
	test(`${entry} is at most ${most} bytes, minified and gzipped`, async (t) => {
		const size = await sizeOf(entry, external);
		t.diagnostic(`${entry}: ${size} bytes`);
		assert.ok(size <= most, `${size}`);
	});

test('the core loads neither React nor the old names, and nothing of Node', () => {
	for (const name of sources)
		for (const [, from] of read(name).matchAll(/^(?:import|export) .*from '([^']+)'/gm)) {
			assert.ok(from.startsWith('./') || (name === 'react.js' && from === 'react'), `${name}: ${from}`);
			if (!name.startsWith('v0'))
				assert.doesNotMatch(from, /v0|react\.js/, name);
		}
});

test('nothing is ever logged, stored or sent elsewhere', () => {
	for (const name of sources.filter((one) => one !== 'protocol.js'))
		assert.doesNotMatch(read(name).replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, ''), /\bconsole\b|\bfetch\b|sendBeacon|setItem|document\.cookie/, name);
});

test('the reference in docs/client.md is what the sources say', async () => {
	await promisify(execFile)(process.execPath, [path.join(dir, 'manual.mjs'), '--check']);
});

test('what the manual calls is there', async () => {
	const { createClient } = await import('../../client/src/index.js');
	const client = createClient({ url: 'https://rooms.example.org', auth: 'x', WebSocket: /** @type {any} */ (class {}) });
	/** @type {Record<string, object>} */
	const things = { client, room: client.join('submission:42') };
	const calls = [...fs.readFileSync(path.join(ROOT, 'docs', 'client.md'), 'utf8').matchAll(/\b(client|room)\.(?!md)(\w+)/g)];
	assert.ok(calls.length > 20, `${calls.length}`);
	for (const [call, thing, name] of calls)
		assert.ok(name in things[thing], call);
	client.close();
});

test('the quick start is short', () => {
	const [, first] = fs.readFileSync(path.join(ROOT, 'docs', 'client.md'), 'utf8').split('```js\n');
	assert.ok(first.split('```')[0].trim().split('\n').length <= 15);
});
