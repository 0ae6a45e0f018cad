// SPDX-License-Identifier: Apache-2.0
// What is watched: the metrics of a live cluster pass promtool's lint, the alerts and their tests hold, and
// the dashboard, the alerts and the manual name metrics that a live scrape has, and no others.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Cluster } from '../../deploy/local/cluster.mjs';
import { ROOT } from '../../deploy/local/settings.mjs';
import { metrics, page } from '../../deploy/observe/metrics.mjs';
import { request } from '../lib/http.mjs';

const folder = path.join(ROOT, 'deploy', 'observe');
const manual = fs.readFileSync(path.join(ROOT, 'docs', 'operations.md'), 'utf8');
const ofPrometheus = ['up']; // what it adds to every scrape

/** @type {Cluster} */
let cluster;
/** @type {string[]} */
let scrapes;
/** @type {Set<string>} series names */
let names;

before(async () => {
	cluster = await Cluster.start({ gateways: 1, shards: 1 });
	scrapes = await Promise.all(cluster.internalUrls.map(async (url) => (await request(`${url}/metrics`)).body));
	names = new Set(scrapes.flatMap((text) => [...text.matchAll(/^([a-z_]+)[ {]/gm)].map(([, name]) => name)));
});
after(() => cluster?.stop());

/** @param {string[]} args @param {string} [input] */
function promtool(args, input) {
	return execFileSync('promtool', args, { cwd: folder, input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] });
}

/** Names of metrics in an expression: words before `{`, `[`, `)` or an operator that are no functions or labels.
 * @param {string} expression */
function metricsIn(expression) {
	return [...expression.replace(/\{[^}]*\}/g, '').replace(/\b(by|without)\s*\([^)]*\)/g, '').matchAll(/\b([a-z_]+)\b(?!\s*\()/g)]
		.map(([, word]) => word)
		.filter((word) => /^(moot|process)_|^up$/.test(word));
}

/** @returns {{title: string, expr: string}[]} */
function panels() {
	const { panels } = JSON.parse(fs.readFileSync(path.join(folder, 'dashboard.json'), 'utf8'));
	return panels.flatMap((/** @type {any} */ panel) => (panel.targets ?? []).map((/** @type {any} */ { expr }) => ({ title: panel.title, expr })));
}

test('the metrics pass the lint of promtool', () => {
	for (const text of scrapes)
		promtool(['check', 'metrics'], text);
});

test('the alerts are good, and fire when they should and only then', () => {
	promtool(['check', 'rules', 'rules.yml']);
	promtool(['test', 'rules', 'rules.test.yml']);
	const alerts = [...fs.readFileSync(path.join(folder, 'rules.yml'), 'utf8').matchAll(/- alert: (\w+)/g)].map(([, name]) => name);
	const tested = fs.readFileSync(path.join(folder, 'rules.test.yml'), 'utf8');
	for (const alert of alerts)
		assert.equal([...tested.matchAll(new RegExp(`alertname: ${alert}$`, 'gm'))].length, 2, `${alert} is tested both ways`);
});

test('the expressions of the dashboard are PromQL', () => {
	const rules = panels().map(({ expr }, i) => `      - record: panel:${i}\n        expr: ${JSON.stringify(expr.replaceAll('$__rate_interval', '1m'))}`);
	const file = path.join(os.tmpdir(), `moothall-panels-${process.pid}.yml`);
	fs.writeFileSync(file, `groups:\n  - name: panels\n    rules:\n${rules.join('\n')}\n`);
	try {
		promtool(['check', 'rules', file]);
	} finally {
		fs.rmSync(file);
	}
});

test('the dashboard and the alerts name only metrics that a live cluster has', () => {
	const rules = fs.readFileSync(path.join(folder, 'rules.yml'), 'utf8').replace(/^ *(summary|labels|- alert):.*$/gm, '');
	const used = [...panels().flatMap(({ expr }) => metricsIn(expr)), ...metricsIn(rules)];
	assert.ok(used.length > 60, `${used.length}`);
	assert.deepEqual([...new Set(used)].filter((name) => !names.has(name) && !ofPrometheus.includes(name)), []);
});

test('a dashboard has at most 16 panels, each in its place', () => {
	const { panels: all } = JSON.parse(fs.readFileSync(path.join(folder, 'dashboard.json'), 'utf8'));
	const graphs = all.filter((/** @type {any} */ panel) => panel.type !== 'row');
	assert.ok(graphs.length <= 16);
	const places = new Set(graphs.map((/** @type {any} */ { gridPos }) => `${gridPos.x},${gridPos.y}`));
	assert.equal(places.size, graphs.length);
	assert.ok(graphs.every((/** @type {any} */ { datasource }) => datasource.uid === '${datasource}'));
});

test('docs/metrics.md is what the tables say, and what a live cluster shows', () => {
	assert.equal(fs.readFileSync(path.join(ROOT, 'docs', 'metrics.md'), 'utf8'), page(), 'write it anew: node deploy/observe/metrics.mjs');
	const live = [...new Set([...scrapes.join('\n').matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name))].sort();
	assert.deepEqual(metrics().map(({ name }) => name).sort(), live);
	assert.deepEqual([...manual.matchAll(/`((?:moot|process)_[a-z_]+)(?:\{.*?\})?`/g)].map(([, name]) => name).filter((name) => name !== 'moot_app' && !live.includes(name)), []);
});

test('every check of /readyz is explained, and no other', async () => {
	const checks = await Promise.all(cluster.internalUrls.map(async (url) => Object.keys((await request(`${url}/readyz`)).json.checks)));
	assert.deepEqual([...manual.matchAll(/^\| `(\w+)` \| (?:both|gateway|shard) \|/gm)].map(([, check]) => check).sort(), [...new Set(checks.flat())].sort());
});
