// SPDX-License-Identifier: Apache-2.0
/**
 * docs/metrics.md from the tables of metrics of both processes: `node deploy/observe/metrics.mjs` writes it.
 */
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT } from '../local/settings.mjs';

/** @typedef {{name: string, type: string, labels: string, where: string[], help: string}} Metric */

const FILE = path.join(ROOT, 'docs', 'metrics.md');
const TYPES = { COUNTER: 'counter', COUNTER_BY: 'counter', GAUGE: 'gauge', GAUGE_BY: 'gauge', HISTOGRAM: 'histogram' };

/** What common/metrics.c adds at both. @type {[string, string, string][]} */
const COMMON = [
	['moot_build_info', 'gauge', '1, labelled with what runs: the release, and the newest revision of the links.'],
	['process_cpu_seconds_total', 'counter', 'Processor time used.'],
	['process_resident_memory_bytes', 'gauge', 'Memory in use.'],
	['process_open_fds', 'gauge', 'Open file descriptors.'],
	['process_max_fds', 'gauge', 'Most file descriptors there may be.'],
];

/** @param {string} folder @returns {Metric[]} */
function metricsOf(folder) {
	const where = folder === 'gateway' ? 'gateway' : 'shard';
	const rows = fs.readFileSync(path.join(ROOT, folder, 'metrics.def'), 'utf8').matchAll(/^([A-Z_]+)\((\w+), (.*)\)$/gm);
	return [...rows].map(([, macro, name, rest]) => {
		const [, word, help, values] = /^(?:(\w+), )?"([^"]*)"(.*)$/.exec(rest) ?? [];
		const type = TYPES[/** @type {keyof TYPES} */ (macro)];
		const end = type === 'counter' ? '_total' : type === 'histogram' ? `_${word}` : '';
		const labels = macro.endsWith('_BY') ? `${word}: ${values.replaceAll('"', '').replace(/^, /, '')}` : '';
		return { name: `moot_${name}${end}`, type, labels, where: [where], help };
	});
}

/** Those of both processes; one that both have is one. @returns {Metric[]} */
export function metrics() {
	/** @type {Map<string, Metric>} */
	const all = new Map(COMMON.map(([name, type, help]) => [name, { name, type, labels: '', where: ['gateway', 'shard'], help }]));
	for (const metric of [...metricsOf('gateway'), ...metricsOf('roomd')]) {
		const known = all.get(metric.name);
		if (!known) {
			all.set(metric.name, metric);
			continue;
		}
		known.where.push(...metric.where);
		if (metric.labels !== known.labels)
			known.labels += `; at shards ${metric.labels}`;
		if (metric.help !== known.help)
			known.help += ` At shards: ${metric.help}`;
	}
	return [...all.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** @returns {string} docs/metrics.md */
export function page() {
	const rows = metrics().map(({ name, type, labels, where, help }) =>
		`| \`${name}\` | ${type} | ${labels} | ${where.join(', ')} | ${help} |`);
	return [
		'# Metrics',
		'<!-- Written by deploy/observe/metrics.mjs from gateway/metrics.def and roomd/metrics.def: do not edit. -->',
		'',
		'What `/metrics` of the internal ports shows, in the text format of Prometheus. Every series is there from the start, at 0. What to watch, and what to do: [operations](operations.md).',
		'',
		'| metric | type | labels | of | meaning |',
		'|---|---|---|---|---|',
		...rows,
		'',
	].join('\n');
}

if (import.meta.url === pathToFileURL(process.argv[1]).href)
	fs.writeFileSync(FILE, page());
