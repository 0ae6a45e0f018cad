// SPDX-License-Identifier: Apache-2.0
// What deploy/ says, as objects: the manifests as kustomize renders them, and the compose file.

import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import yaml from 'js-yaml';
import { programs, ROOT } from '../../deploy/local/settings.mjs';

/** @typedef {{apiVersion: string, kind: string, metadata: {name: string, namespace?: string, labels?: Record<string, string>}, [field: string]: any}} Manifest */

export const OVERLAYS = /** @type {const} */ (['dev', 'prod']);
const renderMin = [5, 0]; // of kustomize: Debian's kubectl 1.20 does not know `patches` and `labels`

/** @type {Map<string, Manifest[]>} */
const rendered = new Map();

/** @param {typeof OVERLAYS[number]} overlay @returns {Manifest[]} */
export function render(overlay) {
	const all = rendered.get(overlay) ?? /** @type {Manifest[]} */ (yaml.loadAll(kustomize(path.join(ROOT, 'deploy', 'kubernetes', 'overlays', overlay))));
	rendered.set(overlay, all);
	return structuredClone(all);
}

/** @param {string} dir @returns {string} */
function kustomize(dir) {
	const found = /Kustomize Version: v(\d+)\.(\d+)/.exec(execFileSync('kubectl', ['version', '--client'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }));
	if (!found || Number(found[1]) < renderMin[0])
		throw new Error(`the manifests need a kubectl of Kubernetes 1.27 or newer, with kustomize ${renderMin.join('.')}; this one has ${found ? found[0] : 'none'}`);
	return execFileSync('kubectl', ['kustomize', dir], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** As docker-compose understands it; throws what it says against it. @returns {{services: Record<string, any>, [field: string]: any}} */
export function readCompose() {
	const file = path.join(ROOT, 'deploy', 'compose.yaml');
	return /** @type {any} */ (yaml.load(execFileSync('docker-compose', ['-f', file, '--profile', 'monitoring', '--profile', 'tools', 'config'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })));
}

/** What the panels of the dashboard ask Prometheus. @returns {string[]} */
export function expressions() {
	const { panels } = JSON.parse(fs.readFileSync(path.join(ROOT, 'deploy', 'observe', 'dashboard.json'), 'utf8'));
	return panels.flatMap((/** @type {{targets?: {expr: string}[]}} */ { targets = [] }) => targets.map(({ expr }) => expr));
}

/** What moot-gateway or moot-roomd says against these variables; nothing when each is an option and has a value that it takes.
 * @param {string} name @param {Record<string, string>} env @returns {string} */
export function complaints(name, env) {
	const { status, stdout, stderr } = ask(name, '--check-config', env);
	return status === 0 ? stderr : `${status}: ${stdout}${stderr}`;
}

/** The settings of one of the two, with defaults, as text: `drain.spread` -> `20s`. @param {string} name @param {Record<string, string>} env */
export function settings(name, env) {
	const text = ask(name, '--print-config', env).stdout;
	let section = '';
	return new Map(text.split('\n').flatMap((line) => {
		section = /^\[(.*)\]$/.exec(line)?.[1] ?? section;
		const [, key, value] = /^(\w+) = (.*) ; \w+$/.exec(line) ?? [];
		return key ? [/** @type {[string, string]} */ ([`${section}.${key}`, value])] : [];
	}));
}

/** Secrets are empty here. @param {string} name @param {string} flag @param {Record<string, string>} env */
function ask(name, flag, env) {
	const found = programs(process.env.MOOT_BUILD ?? 'debug');
	const files = Object.fromEntries(Object.keys(env).filter((key) => key.endsWith('_FILE')).map((key) => [key, '/dev/null']));
	return spawnSync(name === 'moot-gateway' ? found.gateway : found.shard, [flag], { encoding: 'utf8', env: { ...env, ...files } });
}

/** `1m`, `500ms`, `45s`, `2`: in ms. @param {string|number} text @returns {number} */
export function ms(text) {
	const units = /** @type {Record<string, number>} */ ({ h: 3_600_000, m: 60_000, s: 1_000, ms: 1, '': 1 });
	const parts = [...String(text).matchAll(/(\d+)(ms|h|m|s|)/g)];
	if (parts.length === 0 || parts.map(([part]) => part).join('') !== String(text))
		throw new Error(`"${text}" is no time`);
	return parts.reduce((sum, [, n, unit]) => sum + Number(n) * units[unit], 0);
}

/** `512Mi`, `1536m`, `2g`: in bytes, with m as the programs take it. @param {string} text @returns {number} */
export function bytes(text) {
	const found = /^(\d+)([kmg]?)i?$/i.exec(text);
	if (!found)
		throw new Error(`"${text}" is no size`);
	return Number(found[1]) * 1024 ** ['', 'k', 'm', 'g'].indexOf(found[2].toLowerCase());
}
