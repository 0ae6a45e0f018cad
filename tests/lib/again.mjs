// SPDX-License-Identifier: Apache-2.0
// A file of tests once more, by another way in (ways.mjs), in a process of its own.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { ROOT } from '../../deploy/local/settings.mjs';

/**
 * Fails as it fails. @param {string} file in tests/ @param {string} way @param {string} dir of the certificate
 * @param {{only?: string, atLeast: number}} what tests whose names match; how many have to pass
 * @returns {Promise<number>} passed
 */
export async function runAgain(file, way, dir, { only, atLeast }) {
	const { NODE_TEST_CONTEXT: _, ...env } = process.env;
	const chosen = only ? [`--test-name-pattern=${only}`] : [];
	const child = spawn(process.execPath, ['--test', '--test-reporter=spec', ...chosen, path.join(ROOT, 'tests', file)], {
		env: { ...env, MOOT_WAY: way, MOOT_WAY_CERTIFICATE: dir, NODE_EXTRA_CA_CERTS: path.join(dir, 'certificate.pem') }, stdio: ['ignore', 'pipe', 'pipe'],
	});
	let said = '';
	for (const stream of [child.stdout, child.stderr])
		stream.setEncoding('utf8').on('data', (text) => (said += text));
	const [code] = await once(child, 'close');
	assert.equal(code, 0, said.slice(-6_000));
	const passed = Number(/^ℹ pass (\d+)$/m.exec(said)?.[1]);
	assert.ok(passed >= atLeast, said.slice(-2_000));
	return passed;
}
