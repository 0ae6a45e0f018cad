// SPDX-License-Identifier: Apache-2.0
// The dashboard asks for nothing that the processes do not show. That Prometheus understands it is seen by
// ./dev compose-test.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { freePorts } from '../../deploy/local/ports.mjs';
import { programs } from '../../deploy/local/settings.mjs';
import { eventually } from '../lib/eventually.mjs';
import { expressions } from '../lib/manifests.mjs';

/** What a process shows from its first moment on. @param {string} program @returns {Promise<string>} */
async function scrape(program) {
	const [port, publicPort] = await freePorts(2);
	const env = { MOOT_DATABASE_URL: 'postgresql://nobody@127.0.0.1:1/none', MOOT_INTERNAL_PORT: String(port), MOOT_PUBLIC_PORT: String(publicPort) };
	const child = spawn(program, { env, stdio: 'ignore' });
	let text = '';
	try {
		await eventually(async () => (text = await fetch(`http://127.0.0.1:${port}/metrics`).then((answer) => answer.text(), () => '')) !== '', 'metrics');
	} finally {
		child.kill('SIGKILL');
	}
	return text;
}

test('each metric of the dashboard is shown, with the labels that it is split by', async () => {
	const { gateway, shard } = programs(process.env.MOOT_BUILD ?? 'debug');
	const shown = `${await scrape(gateway)}${await scrape(shard)}`;
	const all = expressions();
	assert.ok(all.length > 20);
	for (const text of all) {
		for (const [name] of text.matchAll(/\bmoot_\w+/g))
			assert.match(shown, new RegExp(`^${name}[ {]`, 'm'), name);
		const [, by = ''] = /by \(([^)]*)\)/.exec(text) ?? [];
		for (const label of by.split(', ').filter((one) => one && !['instance', 'job'].includes(one)))
			assert.match(shown, new RegExp(`^${/moot_\w+/.exec(text)?.[0]}\\{.*${label}="`, 'm'), `${label} in ${text}`);
	}
});
