// SPDX-License-Identifier: Apache-2.0
// Another revision of this tree, checked out under build/revisions and built there by its own rules.

import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { ROOT } from '../deploy/local/settings.mjs';

const run = promisify(execFile);

/**
 * @typedef {object} Revision  release builds of it
 * @property {string} name     as it was asked for
 * @property {typeof import('../deploy/local/cluster.mjs').Cluster} Cluster    with its schema and settings
 * @property {ReturnType<typeof import('../deploy/local/settings.mjs').programs>} programs
 */

/** Built. @param {string} name a tag, a branch, a commit @returns {Promise<Revision>} */
export async function checkOut(name) {
	const commit = await git('rev-parse', '--verify', `${name}^{commit}`);
	const dir = path.join(ROOT, 'build', 'revisions', commit);
	if (!fs.existsSync(dir)) {
		await git('worktree', 'prune');
		await git('worktree', 'add', '--detach', dir, commit);
	}
	const load = (/** @type {string} */ file) => import(pathToFileURL(path.join(dir, 'deploy', 'local', file)).href);
	console.error(`building ${name}`);
	await (await load('build.mjs')).build('release', (/** @type {string} */ text) => console.error(text));
	return { name, Cluster: (await load('cluster.mjs')).Cluster, programs: (await load('settings.mjs')).programs('release') };
}

/** @returns {Promise<string|undefined>} the last release; nothing before the first one */
export async function newestTag() {
	return (await git('tag', '--list', 'v*', '--sort=-version:refname')).split('\n')[0] || undefined;
}

/** @param {...string} args @returns {Promise<string>} */
async function git(...args) {
	return (await run('git', ['-C', ROOT, ...args])).stdout.trim();
}
