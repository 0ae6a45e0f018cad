// SPDX-License-Identifier: Apache-2.0
/**
 * The build directories: release (what `./dev run` runs), debug (gcc with ASan and UBSan, what the tests
 * run), clang (the second compiler's opinion on the product, and the fuzz targets) and sim (the simulator and a measurement, fast). Nothing is
 * done twice: ninja knows.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { spawnNice } from './nice.mjs';
import { buildDirectory, ROOT } from './settings.mjs';

/** With -O1, because -O2 takes twice as long to compile here, and what runs is mostly the libraries. */
const SANITIZED = ['--buildtype=debug', '-Doptimization=1', '-Db_sanitize=address,undefined'];

const PRODUCT = ['gateway/moot-gateway', 'roomd/moot-roomd', 'bench/moot-bench', 'bench/moot-limit', 'deploy/ctl/mootctl'];

/** @type {Record<string, {env: Record<string, string>, options: string[], targets?: string[]}>} */
const BUILDS = {
	release: {
		env: { CC: 'gcc' },
		options: ['--buildtype=release', '-Db_lto=true', '-Dtests=false'],
		targets: PRODUCT,
	},
	debug: { env: { CC: 'gcc' }, options: [...SANITIZED] },
	sim: { env: { CC: 'gcc' }, options: ['--buildtype=release'], targets: ['tests/sim/moot-sim', 'tests/speed/append_speed'] },
	clang: {
		env: { CC: 'clang-14' },
		options: [...SANITIZED, '-Db_lundef=false', '-Dc_args=-fsanitize=fuzzer-no-link'],
		targets: [...PRODUCT, 'fuzzers'],
	},
};

export const BUILD_NAMES = Object.keys(BUILDS);

/**
 * Configure (once) and compile. What the tools print is shown when it takes long or goes wrong.
 * @param {string} name one of BUILD_NAMES
 * @param {(text: string) => void} say
 * @param {number} [niceness] see nice(2)
 */
export async function build(name, say, niceness = 0) {
	const { env, options, targets = [] } = BUILDS[name];
	const dir = buildDirectory(name);
	if (!fs.existsSync(path.join(dir, 'build.ninja'))) {
		say(`configuring build/${name}`);
		fs.rmSync(dir, { recursive: true, force: true });
		await quietly('meson', ['setup', dir, ROOT, ...options], env, niceness);
	}
	const slow = setTimeout(() => say(`compiling build/${name}`), 500);
	try {
		await quietly('ninja', ['-C', dir, '-k', '0', '-j', String(os.cpus().length), ...targets], env, niceness);
	} finally {
		clearTimeout(slow);
	}
}


/** @param {string} program @param {string[]} args @param {Record<string, string>} env @param {number} niceness @returns {Promise<void>} */
function quietly(program, args, env, niceness) {
	return new Promise((resolve, reject) => {
		const child = spawnNice(niceness, program, args, { cwd: ROOT, env: { ...process.env, ...env } });
		let output = '';
		let shown = Date.now();
		child.on('error', reject);
		for (const stream of [child.stdout, child.stderr])
			stream.setEncoding('utf8').on('data', (text) => {
				output += text;
				const step = /\[(\d+\/\d+)\][^\[]*$/.exec(text.trimEnd());
				if (step && Date.now() - shown > 2000) {
					shown = Date.now();
					process.stderr.write(`  ${step[1]}\n`);
				}
			});
		child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`${program} failed:\n${failureIn(output)}`))));
	});
}

/** What the failed steps printed; everything when no step did. @param {string} output */
function failureIn(output) {
	const steps = output.split(/^(?=\[\d+\/\d+\] |FAILED: )/m).filter((step) => step.startsWith('FAILED: '));
	const text = steps.length > 0 ? steps.join('') : output.slice(Math.max(output.search(/^.*ERROR/m), 0));
	return text.trimEnd().slice(0, 20000);
}
