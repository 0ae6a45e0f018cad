// SPDX-License-Identifier: Apache-2.0
/** Shows what is appended to log files, each line behind the name of its file, as `tail -f` would. */
import fs from 'node:fs';
import path from 'node:path';

const PERIOD_MS = 250;
const READ_MAX = 65536;

/** @param {string[]} files @param {(text: string) => void} say @returns {() => void} ends it */
export function follow(files, say) {
	const width = Math.max(...files.map((file) => path.basename(file, '.log').length));
	const ends = new Map(files.map((file) => [file, size(file)]));
	const timer = setInterval(() => {
		for (const file of files)
			ends.set(file, showSince(file, ends.get(file) ?? 0, (line) => say(`${path.basename(file, '.log').padEnd(width)}  ${compact(line)}`)));
	}, PERIOD_MS);
	return () => clearInterval(timer);
}

/** @param {string} file @param {number} from @param {(line: string) => void} show @returns {number} */
function showSince(file, from, show) {
	const end = size(file);
	if (end <= from)
		return end;
	const start = Math.max(from, end - READ_MAX);
	const bytes = Buffer.alloc(end - start);
	const fd = fs.openSync(file, 'r');
	fs.readSync(fd, bytes, 0, bytes.length, start);
	fs.closeSync(fd);
	const whole = bytes.lastIndexOf(10) + 1;
	for (const line of bytes.subarray(0, whole).toString('utf8').split('\n').slice(0, -1))
		show(line);
	return start + whole;
}

/** The date and the process are known to who reads along. @param {string} line */
function compact(line) {
	return line.replace(/\bts=\S+ /, '').replace(/\b(proc|node|pid)=\S+ ?/g, '').trimEnd();
}

/** @param {string} file */
function size(file) {
	return fs.existsSync(file) ? fs.statSync(file).size : 0;
}
