// SPDX-License-Identifier: Apache-2.0
/**
 * What each step of `./dev test` does: start the tool, read its counts. The table of steps is in run.mjs.
 */
import fs from 'node:fs';
import path from 'node:path';
import { build } from '../deploy/local/build.mjs';
import { spawnNice } from '../deploy/local/nice.mjs';
import { buildPage, installPackages } from '../deploy/local/page.mjs';
import { freePorts } from '../deploy/local/ports.mjs';
import { buildDirectory, ROOT, SANITIZER_SETTINGS } from '../deploy/local/settings.mjs';

/** @typedef {import('./run.mjs').Outcome} Outcome */

const PRODUCT = ['common', 'proto', 'gateway', 'roomd', 'bench', 'deploy/ctl'];
const SCRIPTS = ['dev', '.ci/run', 'tests/bare.sh', 'tests/compose/postgres.sh', 'deploy/compose/roles.sh', 'deploy/compose/roll.sh', 'deploy/compose/secrets.sh', 'deploy/image/collect.sh'];
const LIMIT_MS = 10 * 60 * 1000;
const AT_ONCE = 2;
const ANALYSIS = ['-Xclang', '-analyzer-config', '-Xclang', 'max-nodes=40000']; // per function; clang's own 225,000 take four times as long
const BEHIND_ANOTHER = ['api', 'json', 'request']; // readers that a stranger's bytes meet inside another one only
const FUZZ_TIMEOUT_S = 60; // of one input, at the lowest priority beside everything else
const SHOWN = 12000; // of a failed tool's output

/** @param {string} name @returns {(niceness: number) => Promise<Outcome>} */
export function compile(name) {
	return async (niceness) => {
		await build(name, (text) => console.log(`   ${text}`), niceness);
		return { passed: 1, failed: 0, output: '' };
	};
}

/** The programs of these suites; each cmocka test in them counts. @param {string} name @param {...string} suite @returns {() => Promise<Outcome>} */
export function suites(name, ...suite) {
	return async () => {
		const log = path.join(buildDirectory(name), 'meson-logs', 'testlog.json');
		fs.rmSync(log, { force: true });
		const { output } = await run('meson', ['test', '-C', buildDirectory(name), '--no-rebuild',
			'--print-errorlogs', ...suite.flatMap((each) => ['--suite', each])], SANITIZER_SETTINGS);
		const lines = fs.existsSync(log) ? fs.readFileSync(log, 'utf8').trimEnd().split('\n') : [];
		const counts = lines.map((line) => countTests(JSON.parse(line)));
		const total = (/** @type {0|1} */ i) => counts.reduce((so, count) => so + count[i], 0);
		return { passed: total(0), failed: total(1), output: output.slice(-SHOWN) };
	};
}

/** @param {{result: string, stdout?: string, stderr?: string}} program @returns {[number, number]} passed, failed */
function countTests({ result, stdout = '', stderr = '' }) {
	const failed = sum(stdout + stderr, /\[  FAILED  \] (\d+) test/g);
	const passed = sum(stdout + stderr, /\[  PASSED  \] (\d+) test/g);
	return result === 'OK' ? [Math.max(passed, 1), 0] : [passed, Math.max(failed, 1)];
}

/** What these assert is in milliseconds: nothing else may run meanwhile. @param {string} file */
export const isMeasured = (file) => file === 'roll.test.mjs';

/** The files *.test.mjs of a folder of tests/. @param {string} folder @param {(file: string) => boolean} [is] which of them @returns {() => Promise<Outcome>} */
export function nodeTests(folder, is = () => true) {
	return async () => {
		const dir = path.join(ROOT, 'tests', folder);
		const files = fs.existsSync(dir) ? fs.readdirSync(dir).filter((name) => name.endsWith('.test.mjs') && is(name)).sort() : [];
		if (files.length === 0)
			throw new Error(`there is no tests/${folder}/*.test.mjs`);
		const results = await each(files, (file) =>
			run(process.execPath, ['--test', '--test-reporter=spec', path.join(dir, file)], { MOOT_BUILD: 'debug' }));
		const counts = results.map(countNodeTests);
		const total = (/** @type {0|1} */ i) => counts.reduce((so, count) => so + count[i], 0);
		const bad = results.filter((_, i) => counts[i][1] > 0);
		return { passed: total(0), failed: total(1), output: bad.map(failuresOf).join('\n') };
	};
}

/** What is skipped has failed. @param {Result} result @returns {[number, number]} passed, failed */
function countNodeTests({ code, output }) {
	const count = (/** @type {string} */ what) => sum(output, new RegExp(`^ℹ ${what} (\\d+)`, 'gm'));
	const failed = count('fail') + count('cancelled') + count('skipped') + count('todo');
	return [count('pass'), Math.max(failed, code === 0 ? 0 : 1)];
}

/** @param {Result} result */
function failuresOf({ what, output }) {
	const at = output.indexOf('failing tests:');
	return `${what}: ${at < 0 ? output.slice(-SHOWN) : output.slice(at, at + SHOWN)}`;
}

/** npm ci, where the lock file is not the one that was installed last. @returns {Promise<Outcome>} */
export async function packages() {
	await Promise.all(['tests', 'client', 'client/review'].map((folder) => installPackages(path.join(ROOT, folder))));
	return { passed: 1, failed: 0, output: '' };
}

/** Built by Vite, as `./dev run` does. @returns {Promise<Outcome>} */
export async function page() {
	await buildPage((text) => console.log(`   ${text}`));
	return { passed: 1, failed: 0, output: '' };
}

/** @returns {Promise<Outcome>} */
export async function format() {
	return judge(await run('clang-format-14', ['--dry-run', '-Werror', '--ferror-limit=3', ...cFiles([...PRODUCT, 'tests'], ['.c', '.h'])]));
}

/** @returns {Promise<Outcome>} */
export async function shell() {
	return judge(...(await each(SCRIPTS, (file) => run('shellcheck', [file]))));
}

/** Each product file counts. @param {number} niceness @returns {Promise<Outcome>} */
export async function tidy(niceness) {
	const files = cFiles(PRODUCT, ['.c']);
	const args = ['--quiet', '-p', buildDirectory('clang'), ...ANALYSIS.map((arg) => `--extra-arg=${arg}`)];
	const results = await each(files, (file) => run('clang-tidy-14', [...args, file], {}, niceness));
	return judge(...results);
}

/** Each fuzz target that clang built, for a while, on a copy of its seeds. @param {number} niceness @returns {Promise<Outcome>} */
export async function fuzz(niceness) {
	const longest = Number(process.env.MOOT_FUZZ_SECONDS ?? 20);
	const dir = path.join(buildDirectory('clang'), 'tests', 'fuzz');
	const targets = fs.readdirSync(path.join(ROOT, 'tests', 'fuzz')).flatMap((name) => /^fuzz_(\w+)\.c$/.exec(name)?.[1] ?? []);
	const results = await each(targets, (target) => {
		const corpus = path.join(dir, `corpus_${target}`);
		fs.mkdirSync(corpus, { recursive: true });
		const seconds = BEHIND_ANOTHER.includes(target) ? Math.ceil(longest / 2) : longest;
		return run(path.join(dir, `fuzz_${target}`), [`-max_total_time=${seconds}`, `-timeout=${FUZZ_TIMEOUT_S}`, '-rss_limit_mb=2048',
			'-print_final_stats=1', `-artifact_prefix=${dir}/found_${target}_`, corpus, path.join(ROOT, 'tests', 'fuzz', 'seeds', target)],
		SANITIZER_SETTINGS, niceness);
	});
	return judge(...results);
}

/** Each run of a model counts. @param {number} niceness @returns {Promise<Outcome>} */
export async function model(niceness) {
	const { code, output } = await run(process.execPath, [path.join(ROOT, 'tests', 'model', 'check.mjs')], {}, niceness);
	const [, passed, failed] = /^(\d+) passed, (\d+) failed$/m.exec(output) ?? [0, 0, 0];
	return { passed: Number(passed), failed: Math.max(Number(failed), code === 0 ? 0 : 1), output: output.slice(-SHOWN) };
}

/** Fresh seeds of the simulator, in a build without sanitizers; the first is printed, so that a failure can be had again. @param {number} niceness @returns {Promise<Outcome>} */
export async function simulator(niceness) {
	await build('sim', (text) => console.log(`   ${text}`), niceness);
	const outcomes = await each(['--seeds 500 --seconds 30', '--seeds 100 --seconds 30 --full'], (how) =>
		run(path.join(buildDirectory('sim'), 'tests', 'sim', 'moot-sim'), how.split(' '), {}, niceness));
	for (const { output } of outcomes)
		console.log(output.split('\n').filter((line) => /^(seeds from|[0-9]+ seeds)/.test(line)).map((line) => `   ${line}`).join('\n'));
	return judge(...outcomes);
}

/** Making a chroot takes root. @returns {Promise<Outcome>} */
export async function bare() {
	const [port] = await freePorts(1);
	const root = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
	const [program, ...args] = [...root, 'bash', path.join(ROOT, 'tests', 'bare.sh'), String(port)];
	return judge(await run(program, args));
}

/** @typedef {{what: string, code: number|null, output: string}} Result */

/** Failed unless it ended with 0. @param {...Result} results @returns {Outcome} */
function judge(...results) {
	const bad = results.filter((result) => result.code !== 0);
	const output = bad.map((result) => `${result.what}:\n${result.output.slice(-SHOWN)}`).join('\n');
	return { passed: results.length - bad.length, failed: bad.length, output };
}

/**
 * @param {string} program @param {string[]} args @param {Record<string, string>} [env] @param {number} [niceness]
 * @returns {Promise<Result>}
 */
function run(program, args, env = {}, niceness = 0) {
	const what = [path.basename(program), args[args.length - 1]].join(' ');
	return new Promise((resolve) => {
		const child = spawnNice(niceness, program, args, { cwd: ROOT, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
		let output = '';
		for (const stream of [child.stdout, child.stderr])
			stream.setEncoding('utf8').on('data', (text) => (output += text));
		const limit = setTimeout(() => {
			output += `\nended after ${LIMIT_MS / 60000} minutes`;
			child.kill('SIGKILL');
		}, LIMIT_MS);
		child.on('error', (cause) => resolve({ what, code: null, output: `it cannot be started: ${cause.message}` }));
		child.on('close', (code) => {
			clearTimeout(limit);
			resolve({ what, code, output });
		});
	});
}

/** A few at a time. @template T, R @param {T[]} items @param {(item: T) => Promise<R>} work @returns {Promise<R[]>} */
async function each(items, work) {
	/** @type {R[]} */
	const results = [];
	const queue = items.entries();
	await Promise.all(Array.from({ length: AT_ONCE }, async () => {
		for (const [i, item] of queue)
			results[i] = await work(item);
	}));
	return results;
}

/** @param {string[]} folders @param {string[]} endings @returns {string[]} relative paths */
export function cFiles(folders, endings) {
	return folders.flatMap((folder) =>
		fs.readdirSync(path.join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
			const name = path.join(folder, entry.name);
			if (entry.isDirectory())
				return entry.name === 'node_modules' ? [] : cFiles([name], endings);
			return endings.includes(path.extname(entry.name)) ? [name] : [];
		}));
}

/** @param {string} text @param {RegExp} pattern with one group */
function sum(text, pattern) {
	return [...text.matchAll(pattern)].reduce((total, match) => total + Number(match[1]), 0);
}
