// SPDX-License-Identifier: Apache-2.0
/**
 * Writes the reference of docs/client.md from the comments of src/: `node client/manual.mjs`. With `--check`
 * it writes nothing and fails when the page is not what the sources say.
 */
import fs from 'node:fs';

const page = new URL('../docs/client.md', import.meta.url);
const begin = '<!-- reference: written by client/manual.mjs from the sources; do not edit -->';
const end = '<!-- end of the reference -->';

/** What is public, in this order: a heading, a file, and what encloses the members (nothing: exports). */
const chapters = [
	['`moothall`', 'connection.js', 'export function describe'],
	['`createClient(options)`: the options', 'client.js', '@typedef {object} Options'],
	['A client', 'client.js', 'const client = {'],
	['A room', 'room.js', 'const room = {'],
	['`MoothallError`', 'error.js', 'export class MoothallError'],
	['`moothall/react`', 'react.js', ''],
	['`configure(settings)` of `moothall/v0`: the settings', 'v0_home.js', '@typedef {object} Settings'],
	['A client of `moothall/v0`', 'v0_room.js', 'export class RelayRoom'],
	['Beside these: of a submission, of a document, of `webSocketManager`', 'v0.js', ' extends RelayRoom'],
];

const { text, fresh } = render();

if (process.argv.includes('--check')) {
	if (text !== fresh) {
		console.error('docs/client.md is not what the sources say: node client/manual.mjs');
		process.exitCode = 1;
	}
} else {
	fs.writeFileSync(page, fresh);
}

function render() {
	const text = fs.readFileSync(page, 'utf8');
	const [before, after] = [text.slice(0, text.indexOf(begin)), text.slice(text.indexOf(end))];
	const reference = chapters.map(([title, file, within]) => `### ${title}\n\n${chapter(file, within)}\n`).join('\n');
	return { text, fresh: `${before}${begin}\n\n${reference}\n${after}` };
}

/** @param {string} file @param {string} within */
function chapter(file, within) {
	const source = fs.readFileSync(new URL(`src/${file}`, import.meta.url), 'utf8');
	if (within.startsWith('@typedef'))
		return properties(source, within);
	if (within.startsWith('export function'))
		return table(documented(source).filter(({ code }) => code.startsWith(within)));
	const at = within ? source.indexOf(within) : 0;
	const inside = source.slice(at, within.startsWith('const') ? source.indexOf('\n\t};', at) : undefined);
	return table(documented(inside).filter(({ code }) => (within ? isMember(code) : code.startsWith('export function'))));
}

/** @param {string} code */
function isMember(code) {
	return /^(get )?[a-z]\w*[(:,]|^this\.|^async |^(get )\w+\(/i.test(code) && !code.startsWith('constructor');
}

/** Each comment with the line below it. @param {string} source */
function documented(source) {
	return [...source.matchAll(/\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\n\s*(.*)/g)].map(([, comment, code]) => ({ comment: clean(comment), code: code.trim() }));
}

/** @param {string} comment */
function clean(comment) {
	return comment.replace(/^\s*\* ?/gm, '').trim();
}

/** @param {{comment: string, code: string}[]} items */
function table(items) {
	const rows = items.map(({ comment, code }) => {
		const name = code.replace(/^(export )?(async )?(function |get |this\.)?/, '').match(/^\w+/)?.[0] ?? code;
		const takes = [...comment.matchAll(/@param (\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}) \[?(\w+)/g)].map(([, , parameter]) => parameter).filter((parameter) => parameter !== 'props');
		const isCalled = /^\w+\(|^async \w+\(|function /.test(code.replace(/^export /, '')) || /^\w+: \(/.test(code) || code.startsWith('on:');
		const call = code.startsWith('on:') ? '(name, handler)' : isCalled && !code.startsWith('get ') ? `(${takes.join(', ')})` : '';
		const says = comment.replace(/@template[^\n]*/g, '').replace(/@(type|param|returns|template)[\s\S]*?(?=\n@|$)/g, (tag) => prose(tag)).replace(/\s+/g, ' ').trim();
		return `| \`${name}${call}\` | ${says.replaceAll('|', '\\|')} |`;
	});
	return ['| | |', '|---|---|', ...rows].join('\n');
}

/** Of a tag what follows its type and name. @param {string} tag */
function prose(tag) {
	const named = /^@param (?:\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}) \[?(\w+)\]?\s*([\s\S]*)$/.exec(tag);
	if (named)
		return named[2] && !named[2].startsWith('@') ? ` \`${named[1]}\`: ${named[2]}.` : '';
	const returned = /^@returns (?:\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\})\s*([\s\S]*)$/.exec(tag);
	return returned?.[1] ? ` Gives ${returned[1]}.` : '';
}

/** @param {string} source @param {string} within */
function properties(source, within) {
	const at = source.indexOf(within);
	const comment = clean(source.slice(at, source.indexOf('*/', at)));
	const rows = [...comment.matchAll(/@property (\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}) \[?(\w+)\]?([\s\S]*?)(?=\n@|$)/g)]
		.map(([, , name, says]) => `| \`${name}\` | ${says.replace(/\s+/g, ' ').trim()} |`);
	return ['| | |', '|---|---|', ...rows].join('\n');
}
