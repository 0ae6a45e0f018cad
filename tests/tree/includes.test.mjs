// SPDX-License-Identifier: Apache-2.0
// The rules of the tree that a compiler does not see: an include may only point left in
// common <- proto <- gateway | roomd | bench, and files stay short enough to be read.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { ROOT } from '../../deploy/local/settings.mjs';
import { cFiles } from '../steps.mjs';

/** @type {Record<string, string[]>} */
const MAY_INCLUDE = {
	common: ['common'],
	proto: ['common', 'proto'],
	gateway: ['common', 'proto', 'gateway'],
	roomd: ['common', 'proto', 'roomd'],
	bench: ['common', 'proto', 'bench'],
	'deploy/ctl': ['common', 'proto', 'deploy'],
};
const WALL = 500; // lines
const TEST_WALL = 800; // tests are read one by one, not from top to bottom

for (const [folder, allowed] of Object.entries(MAY_INCLUDE))
	test(`${folder}/ includes only ${allowed.join(', ')}`, () => {
		const wrong = cFiles([folder], ['.c', '.h', '.def']).flatMap((file) =>
			[...read(file).matchAll(/^#include "([^"]*)"/gm)]
				.filter(([, name]) => !allowed.includes(name.split('/')[0]))
				.map(([, name]) => `${file} includes ${name}`));
		assert.deepEqual(wrong, []);
	});

test(`no source file has more than ${WALL} lines, no test more than ${TEST_WALL}`, () => {
	const files = [...cFiles([...Object.keys(MAY_INCLUDE), 'tests', 'deploy', 'client'], ['.c', '.h', '.mjs', '.js', '.jsx', '.css'])];
	const wall = (/** @type {string} */ file) => (file.startsWith('tests/') ? TEST_WALL : WALL);
	assert.deepEqual(files.filter((file) => read(file).split('\n').length - 1 > wall(file)), []);
});

test('every source file opens with its licence', () => {
	const files = [...cFiles(Object.keys(MAY_INCLUDE), ['.c', '.h', '.def', '.sql']), ...cFiles(['deploy', 'tests', 'client'], ['.c', '.h', '.mjs', '.js', '.jsx', '.css', '.sql'])];
	assert.deepEqual(files.filter((file) => !read(file).slice(0, 200).includes('SPDX-License-Identifier: Apache-2.0')), []);
});

/** @param {string} file */
function read(file) {
	return fs.readFileSync(path.join(ROOT, file), 'utf8');
}
