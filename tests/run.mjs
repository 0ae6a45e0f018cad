// SPDX-License-Identifier: Apache-2.0
/**
 * `./dev test`: every check there is, one after the other, with the time each took, and a closing line
 * `N passed, N failed`. A step that cannot run has failed; nothing is skipped. `--only STEP` runs that
 * step and what it needs, `--only lint` the ones that look at the text only, `--only help` lists them.
 */
import { bare, compile, format, fuzz, isMeasured, model, nodeTests, packages, page, shell, simulator, suites, tidy } from './steps.mjs';

/**
 * @typedef {{passed: number, failed: number, output: string}} Outcome
 * @typedef {object} Step
 * @property {string} name
 * @property {string} what
 * @property {string[]} [needs]  steps that must have ended before
 * @property {boolean} [lint]
 * @property {boolean} [beside]  the next steps begin while it runs, at the lowest priority: on the time that the others wait
 * @property {(niceness: number) => Promise<Outcome>} run
 */

const LOWEST = 19;

/** @type {Step[]} */
const STEPS = [
	{ name: 'format', what: 'layout of the C files', lint: true, run: format },
	{ name: 'shell', what: 'shellcheck', lint: true, run: shell },
	{ name: 'debug', what: 'gcc, with ASan and UBSan; warnings are errors', run: compile('debug') },
	{ name: 'npm', what: 'the pinned packages of the tests, the SDK and the review page', run: packages },
	{ name: 'release', what: 'gcc -O2, for the promise that is made in milliseconds', run: compile('release') },
	{ name: 'measured', what: 'what is promised in milliseconds, with nothing beside it', needs: ['debug', 'release', 'npm'], run: nodeTests('e2e', isMeasured) },
	{ name: 'clang', what: 'clang, of the product and the fuzz targets; warnings are errors', beside: true, run: compile('clang') },
	{ name: 'tidy', what: 'clang-tidy', needs: ['clang'], lint: true, beside: true, run: tidy },
	{ name: 'model', what: 'the protocol as models, and their mutants', beside: true, run: model },
	{ name: 'seeds', what: 'clusters under faults, 500 fresh seeds', beside: true, run: simulator },
	{ name: 'unit', what: 'unit tests and golden vectors in C', needs: ['debug'], run: suites('debug', 'unit', 'golden') },
	{ name: 'replay', what: 'fuzz seeds and fixed mutations of them', needs: ['debug'], run: suites('debug', 'fuzz') },
	{ name: 'sim', what: 'clusters under faults, under the sanitizers', needs: ['debug'], run: suites('debug', 'sim') },
	{ name: 'tree', what: 'direction of includes, sizes, sample settings', needs: ['debug'], lint: true, run: nodeTests('tree') },
	{ name: 'page', what: 'the review page, built', needs: ['npm'], run: page },
	{ name: 'checker', what: 'the account by which the cluster is judged can fail', needs: ['npm'], run: nodeTests('lib') },
	{ name: 'golden', what: 'golden vectors in JavaScript', needs: ['debug', 'npm'], run: nodeTests('golden') },
	{ name: 'client', what: 'the SDK with fake sockets and time; its types, sizes and manual', needs: ['npm'], run: nodeTests('client') },
	{ name: 'deploy', what: 'images, compose file and manifests: types, options, times that fit', needs: ['debug', 'npm'], run: nodeTests('deploy') },
	{ name: 'e2e', what: 'real processes, real PostgreSQL, real sockets', needs: ['debug', 'release', 'npm', 'page'], run: nodeTests('e2e', (file) => !isMeasured(file)) },
	{ name: 'observe', what: 'metrics, alerts, dashboard, manual pages, unit files; what the manual for operators says', needs: ['debug', 'npm', 'page'], run: nodeTests('observe') },
	{ name: 'browser', what: 'the review page and the plain page in a real Chromium', needs: ['debug', 'npm', 'page'], run: nodeTests('browser') },
	{ name: 'fuzz', what: 'each fuzz target for MOOT_FUZZ_SECONDS (20; 10 behind another)', needs: ['clang'], beside: true, run: fuzz },
	{ name: 'bare', what: './dev run on a bare Debian 12, in a chroot', needs: ['npm'], run: bare },
];

process.exitCode = await main(process.argv.slice(2));

/** @param {string[]} args --only STEP */
async function main([, only]) {
	if (only === 'help' || (only && !chosen(only).length)) {
		console.log(['lint      format, shell, tree and tidy', ...STEPS.map((step) => `${step.name.padEnd(9)} ${step.what}`)].join('\n'));
		return only === 'help' ? 0 : 2;
	}
	const total = { passed: 0, failed: 0 };
	const from = Date.now();
	/** @type {Map<string, Promise<Outcome>>} */
	const started = new Map();
	for (const step of chosen(only)) {
		started.set(step.name, Promise.all((step.needs ?? []).map((name) => started.get(name))).then(() => perform(step)));
		if (!step.beside)
			await started.get(step.name);
	}
	for (const { passed, failed } of await Promise.all(started.values())) {
		total.passed += passed;
		total.failed += failed;
	}
	console.log(`\n${took(from)}\n${total.passed} passed, ${total.failed} failed`);
	return total.failed === 0 && total.passed > 0 ? 0 : 1;
}

/** The steps to run, with those they need, in the order of the table. @param {string} [only] @returns {Step[]} */
function chosen(only) {
	const named = STEPS.filter((step) => !only || step.name === only || (only === 'lint' && step.lint));
	const needed = new Set(named.flatMap((step) => [step.name, ...(step.needs ?? [])]));
	return STEPS.filter((step) => needed.has(step.name));
}

/** @param {Step} step @returns {Promise<Outcome>} */
async function perform(step) {
	const from = Date.now();
	console.log(`== ${step.name}: ${step.what}`);
	/** @type {Outcome} */
	let outcome;
	try {
		outcome = await step.run(step.beside ? LOWEST : 0);
	} catch (cause) {
		outcome = { passed: 0, failed: 1, output: /** @type {Error} */ (cause).message };
	}
	if (outcome.passed + outcome.failed === 0)
		outcome = { passed: 0, failed: 1, output: `${outcome.output}\nnothing was tested` };
	if (outcome.failed > 0)
		console.log(outcome.output.trimEnd());
	console.log(`   ${step.name}: ${outcome.passed} passed, ${outcome.failed} failed (${took(from)})`);
	return outcome;
}

/** @param {number} from */
function took(from) {
	const seconds = (Date.now() - from) / 1000;
	return seconds < 60 ? `${seconds.toFixed(1)} s` : `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}
