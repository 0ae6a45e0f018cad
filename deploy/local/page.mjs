// SPDX-License-Identifier: Apache-2.0
/**
 * The review page: built by Vite from client/review and the SDK into build/page, when what is there was
 * not made from the sources of today. Needs npm then, and only then.
 */
import { spawn } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { PAGE, ROOT } from './settings.mjs';

const SOURCE = path.join(ROOT, 'client', 'review');
const SDK = path.join(ROOT, 'client', 'src');
const BUILT = path.join(PAGE, '.built');

/** Whether build/page is that of these sources. */
export function pageIsBuilt() {
	return fs.existsSync(BUILT) && fs.readFileSync(BUILT, 'utf8') === sources();
}

/** @param {(text: string) => void} say */
export async function buildPage(say) {
	const of = sources();
	if (pageIsBuilt())
		return;
	say('building the review page');
	await installPackages(SOURCE);
	await quietly(process.execPath, [path.join(SOURCE, 'node_modules', 'vite', 'bin', 'vite.js'), 'build', SOURCE, '--logLevel', 'warn']);
	fs.writeFileSync(BUILT, of);
}

/** npm ci, where the lock file is not the one that was installed last. @param {string} dir */
export async function installPackages(dir) {
	const lock = hash([path.join(dir, 'package-lock.json')]);
	const stamp = path.join(dir, 'node_modules', '.installed');
	if (fs.existsSync(stamp) && fs.readFileSync(stamp, 'utf8') === lock)
		return;
	await quietly('npm', ['ci', '--prefix', dir, '--no-audit', '--no-fund', '--ignore-scripts', '--include=dev', '--loglevel=error']);
	fs.writeFileSync(stamp, lock);
}

function sources() {
	return hash([...filesIn(SOURCE), ...filesIn(SDK)]);
}

/** @param {string} dir @returns {string[]} */
function filesIn(dir) {
	return fs.readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
		const file = path.join(dir, entry.name);
		if (entry.isDirectory())
			return entry.name === 'node_modules' ? [] : filesIn(file);
		return [file];
	}).sort();
}

/** @param {string[]} files */
function hash(files) {
	const sum = crypto.createHash('sha256');
	for (const file of files)
		sum.update(path.relative(ROOT, file)).update('\0').update(fs.readFileSync(file)).update('\0');
	return sum.digest('hex');
}

/** @param {string} program @param {string[]} args @returns {Promise<void>} */
function quietly(program, args) {
	return new Promise((resolve, reject) => {
		const child = spawn(program, args, { cwd: SOURCE, stdio: ['ignore', 'pipe', 'pipe'] });
		let output = '';
		for (const stream of [child.stdout, child.stderr])
			stream.setEncoding('utf8').on('data', (text) => (output += text));
		child.on('error', (cause) => reject(new Error(`${program} cannot be started: ${cause.message}`)));
		child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`${path.basename(args[0] ?? program)} failed:\n${output.trimEnd().slice(-8000)}`))));
	});
}
