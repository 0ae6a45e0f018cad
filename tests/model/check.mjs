// SPDX-License-Identifier: Apache-2.0
/**
 * Checks the models of proto/model with spin: each run of runs.mjs is made into a program in a directory
 * of its own, searched within bounds of memory and time, and judged. `--full` adds the larger search,
 * `--only TEXT` takes the runs with TEXT in their line. Needs spin and gcc. The last line counts.
 */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { CLAIMS, LARGE, SHORT } from './runs.mjs';

/** @typedef {import('./runs.mjs').Run} Run */
/** @typedef {import('./runs.mjs').Search} Search */
/** @typedef {{code: number | null, output: string, ms: number}} Ended  of a program; code null: ended by us, or not there */
/** @typedef {{failure: string, figures: string}} Verdict  failure '': as expected */

const MODELS = fileURLToPath(new URL('../../proto/model/', import.meta.url));
const DEPTH = 2000; // steps of the longest behaviour; more would be a failure, not a silent cut
const SHOWN = 3000; // characters of a failed program's output

/** How spin keeps what it has seen: as it is; in a quarter of the space and twice the time; or as three
 * bits, which may take two states for one, so that the search is a sample, however large.
 * @type {Record<Search, {defines: string[], width: number, label: string}>} */
const SEARCHES = {
	exhaustive: { defines: [], width: 22, label: 'exhaustive' },
	compressed: { defines: ['-DCOLLAPSE'], width: 25, label: 'exhaustive' },
	bitstate: { defines: ['-DBITSTATE'], width: 28, label: 'sample' },
};

/** Bounds of one run. */
const SMALL_LIMIT = { megabytes: 1000, ms: 5 * 60_000 };
const LARGE_LIMIT = { megabytes: 9000, ms: 60 * 60_000 };

for (const signal of ['SIGINT', 'SIGTERM'])
	process.on(signal, () => process.exit(1)); // and with us what we started
process.exitCode = await main(process.argv.slice(2));

/** @param {string[]} args @returns {Promise<number>} */
async function main(args) {
	const full = args.includes('--full');
	const at = args.indexOf('--only');
	const only = at < 0 ? '' : args[at + 1] ?? '';
	const short = SHORT.map((run) => ({ run, limit: SMALL_LIMIT }));
	const large = LARGE.map((run) => ({ run, limit: LARGE_LIMIT }));
	const runs = full ? [...short, ...large] : short;
	let passed = 0;
	let failed = 0;
	for (const { run, limit } of runs.filter((each) => titleOf(each.run).includes(only))) {
		const { failure, figures } = await check(run, limit);
		console.log(`${failure ? 'FAIL' : 'ok  '} ${titleOf(run).padEnd(62)} ${figures}`);
		if (failure)
			console.log(failure.replace(/^/gm, '     '));
		failed += failure ? 1 : 0;
		passed += failure ? 0 : 1;
	}
	console.log(`${passed} passed, ${failed} failed`);
	return failed === 0 && passed > 0 ? 0 : 1;
}

/** @param {Run} run */
function titleOf(run) {
	const what = run.expect === 'holds' ? `holds: ${run.name}` : `${run.name} is caught`;
	return `${run.model} ${run.name === 'REACH' ? 'reaches its ends' : what}`;
}

/** @param {Run} run @param {typeof SMALL_LIMIT} limit @returns {Promise<Verdict>} */
async function check(run, limit) {
	const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'moot-model-'));
	try {
		const made = await make(run, dir, limit.megabytes);
		if (made.code !== 0)
			return { failure: `it cannot be made, code ${made.code}\n${made.output.slice(-SHOWN)}`, figures: '' };
		const how = [`-m${DEPTH}`, `-w${SEARCHES[run.search].width}`];
		const searched = await start(path.join(dir, 'pan'), how, dir, limit.ms);
		const figures = figuresOf(run, searched);
		let failure = judge(run, searched);
		if (failure && searched.output.includes('assertion violated'))
			failure += `\n${await behaviour(run, dir)}`;
		return { failure, figures };
	} finally {
		fs.rmSync(dir, { recursive: true, force: true });
	}
}

/** How it came to that: who told whom what. @param {Run} run @param {string} dir */
async function behaviour(run, dir) {
	const { output } = await start('spin', ['-t', '-c', ...definesOf(run), `${run.model}.pml`], dir, SMALL_LIMIT.ms);
	return output.slice(-SHOWN);
}

/** From the model to a program that searches it. @param {Run} run @param {string} dir @param {number} megabytes */
async function make(run, dir, megabytes) {
	for (const name of fs.readdirSync(MODELS))
		fs.copyFileSync(path.join(MODELS, name), path.join(dir, name));
	const generated = await start('spin', ['-a', ...definesOf(run), `${run.model}.pml`], dir, SMALL_LIMIT.ms);
	if (generated.code !== 0)
		return generated;
	// What is violated is so after a moment, and compiling well would take longer.
	const speed = run.expect === 'violated' ? '-O0' : '-O2';
	// No reduction: every step of these models touches what all see, so there is nothing to reduce.
	const how = ['-DSAFETY', '-DNOREDUCE', `-DMEMLIM=${megabytes}`, ...SEARCHES[run.search].defines];
	return start('gcc', [speed, '-w', ...how, '-o', 'pan', 'pan.c'], dir, SMALL_LIMIT.ms);
}

/** @param {Run} run */
function definesOf(run) {
	return run.defines.split(' ').filter(Boolean).map((each) => `-D${each}`);
}

/** What is wrong; nothing when it is as expected. @param {Run} run @param {Ended} searched @returns {string} */
function judge(run, { code, output }) {
	if (code === null)
		return `the search did not end within its bounds\n${output.slice(-SHOWN)}`;
	if (code !== 0 || !/errors: \d+/.test(output))
		return `the search failed with code ${code}\n${output.slice(-SHOWN)}`;
	const errors = Number(/errors: (\d+)/.exec(output)?.[1]);
	const violation = /pan:\d+: (.*)/.exec(output)?.[1] ?? '';
	if (run.expect === 'violated') {
		const claim = run.claim ?? 'reached';
		if (errors === 0)
			return 'it was not caught';
		return violation.includes(CLAIMS[claim]) ? '' : `it was to violate "${claim}" and did violate: ${violation}`;
	}
	if (errors > 0)
		return violation;
	if (/max search depth too small|Search not completed|out of memory|memory limit/i.test(output))
		return `the search is not complete\n${output.slice(-SHOWN)}`;
	return '';
}

/** @param {Run} run @param {Ended} searched */
function figuresOf(run, { output, ms }) {
	const states = Number(/([\d.e+]+) states, stored/.exec(output)?.[1] ?? 0).toLocaleString('en');
	const megabytes = Math.ceil(Number(/([\d.]+)\s+total actual memory usage/.exec(output)?.[1] ?? 0));
	const how = run.expect === 'violated' ? '' : `  ${SEARCHES[run.search].label}`;
	return `${states.padStart(11)} states ${(ms / 1000).toFixed(1).padStart(7)} s ${String(megabytes).padStart(5)} MB${how}`;
}

/** @param {string} program @param {string[]} args @param {string} cwd @param {number} limitMs @returns {Promise<Ended>} */
function start(program, args, cwd, limitMs) {
	const from = Date.now();
	return new Promise((resolve) => {
		const child = spawn(program, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
		let output = '';
		for (const stream of [child.stdout, child.stderr])
			stream.setEncoding('utf8').on('data', (text) => {
				output += text;
			});
		const stop = () => child.kill('SIGKILL');
		const limit = setTimeout(stop, limitMs);
		process.once('exit', stop);
		child.on('error', (cause) => {
			clearTimeout(limit);
			resolve({ code: null, output: `${program} cannot be started: ${cause.message}`, ms: 0 });
		});
		child.on('close', (code) => {
			clearTimeout(limit);
			process.removeListener('exit', stop);
			resolve({ code, output, ms: Date.now() - from });
		});
	});
}
