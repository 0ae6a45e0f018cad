// SPDX-License-Identifier: Apache-2.0
// moot-bench against a real cluster: a run in which all is well ends with 0, and behind a proxy that lies it
// does not: each lie is found, and called by its name.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { programOf, scenarioFile } from '../../bench/run.mjs';
import { Cluster } from '../../deploy/local/cluster.mjs';
import { Foreign } from '../lib/foreign.mjs';
import { Liar } from '../lib/liar.mjs';

const run = promisify(execFile);
const bench = programOf(process.env.MOOT_BUILD ?? 'debug', 'moot-bench'); // its own sanitizers look on
const review = scenarioFile('review');
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'moothall-bench-'));
/** Small, and everybody does something. */
const SMALL = ['people.count=60', 'time.warm_up=500ms', 'time.load=2500ms', 'time.settle=15s', 'say.cast=100', 'say.comment=40',
	'say.state=20', 'say.leave=3', 'say.drop=2', 'say.away=500ms'].flatMap((row) => ['--set', row]);
const CALM = ['people.count=20', 'people.v0=0', 'say.leave=0', 'say.drop=0', 'say.state=0', 'time.load=2s', 'time.settle=2s', 'keep.merge=100ms'].flatMap((row) => ['--set', row]);

/** @type {[string, import('../lib/liar.mjs').Lie, string][]} */
const lies = [
	['keeps an event to itself', Liar.dropping('event'), 'lost'],
	['keeps a cast to itself', Liar.dropping('cast'), 'lost'],
	['says an event twice', Liar.doubling('event'), 'duplicated'],
	['says a cast twice', Liar.doubling('cast'), 'duplicated'],
	['exchanges two events', Liar.swapping('event'), 'reordered'],
	['says of somebody that he left', Liar.leaving(), 'false_presence'],
	['keeps an ack to itself', Liar.dropping('ack'), 'unanswered'],
];

/** Each has people and rooms of its own. @param {number} lie */
const firstOf = (lie) => 100 * (lie + 1);

/** @type {Cluster} */
let cluster;
before(async () => {
	// Its servers are not what is tested here, and are there sooner without sanitizers.
	cluster = await Cluster.start({ gateways: 2, shards: 2, build: 'release', demo: false, gatewayEnv: { MOOT_DRAIN_SPREAD: '500ms' } });
	for (const first of [0, ...lies.map((_, i) => firstOf(i))])
		await cluster.sql((await run(bench, ['people', review, ...SMALL, '--first', String(first)])).stdout);
});
after(async () => {
	await cluster?.stop();
	fs.rmSync(dir, { recursive: true, force: true });
});

/** @param {string[]} targets @param {string[]} more @returns {Promise<{code: number | null, result: any, table: string}>} */
async function load(targets, more) {
	const child = spawn(bench, ['run', review, '--to', targets.map((url) => url.replace('http://', '')).join(','), ...SMALL, ...more, '--json', '-']);
	let out = '', table = '';
	child.stdout.setEncoding('utf8').on('data', (text) => (out += text));
	child.stderr.setEncoding('utf8').on('data', (text) => (table += text));
	const [code] = await once(child, 'close');
	const lines = out.trim().split('\n').map((line) => JSON.parse(line));
	return { code, result: lines.find(({ type }) => type === 'result'), table };
}

test('people who review are shown everything once, in order, and nobody who is not there', async (t) => {
	const html = path.join(dir, 'report.html');
	const { code, result, table } = await load(cluster.publicUrls, ['--html', html, '--servers', String(cluster.gateways[0].pid)]);

	t.diagnostic(table.split('\n').filter((line) => /^(cast|event|ack|ready|back|checked)/.test(line)).join('\n'));
	assert.equal(code, 0, table);
	assert.ok(Object.values(result.flaws).every((count) => count === 0));
	const { casts, publishes, heard, seen, left, dropped } = result.counts;
	assert.ok(casts > 150 && heard > 400 && publishes > 80 && seen > 300, JSON.stringify(result.counts));
	assert.ok(left > 3 && dropped > 2);
	assert.ok(result.latency_us.back.count > 2);
	assert.match(fs.readFileSync(html, 'utf8'), /<polyline/);
});

describe('behind a proxy that lies once', { concurrency: true }, () => {
	for (const [i, [what, lie, flaw]] of lies.entries())
		test(`one that ${what}: ${flaw}`, async () => {
			const liar = await Liar.open(cluster.publicUrls[i % 2], lie);
			try {
				const { code, result, table } = await load([liar.url], [...CALM, '--first', String(firstOf(i))]);
				assert.ok(liar.hasLied, 'there was nothing to lie about');
				assert.equal(code, 1, table);
				assert.ok(result.flaws[flaw] > 0, table);
			} finally {
				await liar.close();
			}
		});
});

describe('casts through another server', { concurrency: true }, () => {
	for (const [server, pong] of Object.entries({ socketio: '3', centrifugo: '{}' }))
		test(`${server}: everything is shown, and pings are answered`, async () => {
			const foreign = await Foreign.open(server);
			const { code, result, table } = await load([foreign.url], [...CALM, '--server', server]);
			foreign.close();
			assert.equal(code, 0, table);
			assert.ok(result.counts.casts > 100 && result.counts.heard >= 4 * result.counts.casts, JSON.stringify(result.counts));
			assert.ok(foreign.taken.includes(pong));
		});

	for (const server of ['socketio', 'centrifugo'])
		test(`${server}, which keeps a cast to itself: lost`, async () => {
			const foreign = await Foreign.open(server, { kept: 100 });
			const { code, result, table } = await load([foreign.url], [...CALM, '--server', server]);
			foreign.close();
			assert.equal(code, 1);
			assert.ok(result.flaws.lost > 0, table);
		});
});

test('what is wrong with a scenario is said with its line, and nothing is loaded', async () => {
	const file = path.join(dir, 'wrong.ini');
	fs.writeFileSync(file, '[say]\ncats = 5\n');
	const wrong = await run(bench, ['run', file, '--to', '127.0.0.1:1']).catch((cause) => cause);

	assert.equal(wrong.code, 2);
	assert.match(wrong.stderr, /wrong\.ini:2: unknown option "cats" in \[say\]; did you mean "cast"\?/);
});

test('people who do not exist are turned away, and that is said', async () => {
	const { code, table } = await load(cluster.publicUrls, [...CALM, '--first', '5000']); // not made

	assert.equal(code, 1);
	assert.match(table, /20 people were turned away for good/);
});
