// SPDX-License-Identifier: Apache-2.0
// mootctl as people and scripts run it, against a cluster.

import { spawn } from 'node:child_process';
import { mootctl as program, SANITIZER_SETTINGS } from '../../deploy/local/settings.mjs';

/** @typedef {{code: number | null, out: string, err: string, json: any}} Said */

const waitMs = 20_000;

export class Mootctl {
	/** @type {Set<string>} the commands that were run */ ran = new Set();

	/** @param {Record<string, string>} env MOOT_* */
	constructor(env) {
		this.env = { PATH: process.env.PATH ?? '', ...SANITIZER_SETTINGS, ...env };
	}

	/** @param {import('../../deploy/local/cluster.mjs').Cluster} cluster @param {string} [key] */
	static of(cluster, key = '') {
		return new Mootctl({
			MOOT_INTERNAL_URLS: cluster.internalUrls.join(' '),
			MOOT_PUBLIC_URL: cluster.publicUrls[0],
			MOOT_DATABASE_URL: cluster.databaseUrl,
			...(key ? { MOOT_SERVICE_KEY: key } : {}),
		});
	}

	/** Until it ends, or has said `enough`. @param {string[]} words @param {{input?: string, enough?: RegExp, env?: Record<string, string>}} [how] @returns {Promise<Said>} */
	run(words, { input = '', enough, env = {} } = {}) {
		const command = words.find((word) => !word.startsWith('-'));
		if (command)
			this.ran.add(command);
		return new Promise((resolve, reject) => {
			const child = spawn(program(process.env.MOOT_BUILD ?? 'debug'), words, { env: { ...this.env, ...env } });
			let out = '';
			let err = '';
			const timer = setTimeout(() => child.kill('SIGKILL'), waitMs);
			child.stdout.setEncoding('utf8').on('data', (text) => {
				out += text;
				if (enough?.test(out))
					child.kill('SIGINT');
			});
			child.stderr.setEncoding('utf8').on('data', (text) => (err += text));
			child.stdin.on('error', () => {}); // it ended without reading
			child.stdin.end(input);
			child.on('error', reject);
			child.on('close', (code) => {
				clearTimeout(timer);
				resolve({ code, out, err, json: parsed(out) });
			});
		});
	}
}

/** @param {string} text */
function parsed(text) {
	try {
		return JSON.parse(text);
	} catch {
		return undefined;
	}
}
