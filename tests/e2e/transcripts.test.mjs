// SPDX-License-Identifier: Apache-2.0
// The golden conversations, played against real processes: each client hears what its lines say, in that
// order and nothing between, but for what differs from run to run: sessions, resume tokens, traces, times.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import WebSocket from 'ws';
import { Cluster } from '../../deploy/local/cluster.mjs';
import { dialects, readTranscript } from '../golden/transcript.mjs';

/** @typedef {import('../golden/transcript.mjs').Scene} Scene @typedef {import('../golden/transcript.mjs').Line} Line */

const waitMs = 8_000;

/** What is not the same in every run, by the name of its member. */
const names = new Set(['session', 'resume']);
const stamps = new Set(['trace', 'at', 'since', 'timestamp', 'connectedAt']);
const isSession = /^[0-9a-f]{16}$/;

/** @type {Cluster} */
let cluster;

before(async () => {
	cluster = await Cluster.start({ gateways: 2, shards: 2, demo: false });
	await cluster.sql(`
		insert into users (id, name, email, user_type) values
			('u_ann', 'Ann "A" Example', 'ann@example.org', 'Reviewer'), ('u_bo', 'Bo', 'bo@example.org', 'Reviewer');
		insert into sessions (id, user_id, expires_at) values
			('session-ann', 'u_ann', now() + interval '1 day'), ('session-bo', 'u_bo', now() + interval '1 day');
		insert into submissions (id, title, submitted_by, required_approvers)
			select 's-' || i, 'a paper', 'u_ann', '{bo@example.org}' from generate_series(1, 9) i;
		insert into documents (id, title, owner, editors) select 'd-' || i, 'a paper', 'u_ann', '{u_bo}' from generate_series(1, 9) i`);
});
after(() => cluster?.stop());

for (const dialect of /** @type {const} */ (['v0'])) {
	describe(dialect, { concurrency: false }, () => {
		for (const scene of readTranscript(dialects[dialect]).filter(({ replay }) => replay))
			test(scene.scene, () => play(scene));
	});
}

/** One connection, and what it heard that no line has asked for yet. */
class Connection {
	/** @type {string[]} */ #heard = [];
	/** @type {(() => void) | undefined} */ #wake;

	/** @param {string} url @param {string} [protocol] */
	constructor(url, protocol) {
		this.socket = new WebSocket(url, protocol ? [protocol] : [], { perMessageDeflate: false });
		this.socket.on('message', (data) => {
			this.#heard.push(data.toString());
			this.#wake?.();
		});
		this.socket.on('error', () => {}); // its close tells
		this.closed = once(this.socket, 'close');
	}

	/** @param {string} wanted for the error @returns {Promise<string>} */
	async next(wanted) {
		const deadline = Date.now() + waitMs;
		while (this.#heard.length === 0) {
			const left = deadline - Date.now();
			if (left <= 0 || this.socket.readyState === WebSocket.CLOSED)
				throw new Error(`not heard: ${wanted}`);
			await new Promise((resolve) => {
				this.#wake = () => resolve(undefined);
				setTimeout(resolve, left).unref();
			});
		}
		return /** @type {string} */ (this.#heard.shift());
	}
}

/** @param {Scene} scene */
async function play(scene) {
	/** @type {Map<string, Connection>} */
	const connections = new Map();
	/** What the transcript calls a session or token, and what it is called in this run. @type {Map<string, string>} */
	const called = new Map();
	const connection = (/** @type {string} */ name) => /** @type {Connection} */ (connections.get(name));

	try {
		for (const [index, line] of scene.lines.entries())
			await step(line, index);
	} finally {
		for (const { socket } of connections.values())
			socket.terminate();
	}

	/** @param {Line} line @param {number} index */
	async function step(line, index) {
		if (line.open) {
			const base = cluster.publicUrls[connections.size % 2].replace(/^http/, 'ws');
			const opened = new Connection(base + line.path, line.protocol);
			await once(opened.socket, 'open');
			assert.equal(opened.socket.protocol, line.protocol ?? '');
			connections.set(line.open, opened);
		} else if (line.from) {
			connection(line.from).socket.send(asHere(line.text));
		} else if (line.to) {
			const text = await connection(line.to).next(line.text);
			assert.equal(asThere(text, line.text), line.text, `line ${index} of the scene, to ${line.to}`);
		} else if (line.close) {
			connection(line.close).socket.close(line.code);
			await connection(line.close).closed;
		} else if (line.lost) {
			connection(line.lost).socket.terminate();
			await connection(line.lost).closed;
		} else if (line.closed) {
			const [code, reason] = await connection(line.closed).closed;
			assert.equal(code, line.code);
			assert.notEqual(reason.toString(), '');
		} else {
			assert.fail(`what is ${JSON.stringify(line)}?`);
		}
	}

	/** A client's line, with this run's names in it. @param {string} text */
	function asHere(text) {
		return [...called].reduce((result, [there, here]) => result.replaceAll(`"${there}"`, `"${here}"`), text);
	}

	/** What was heard, with the transcript's names and times in it. @param {string} heard @param {string} expected */
	function asThere(heard, expected) {
		const parsed = JSON.parse(heard);
		assert.equal(JSON.stringify(parsed), heard, 'spelt as JSON.stringify would');
		return JSON.stringify(renamed(parsed, JSON.parse(expected), ''));
	}

	/** @param {any} here @param {any} there @param {string} key @returns {any} */
	function renamed(here, there, key) {
		if (typeof here === 'string' && typeof there === 'string') {
			const isId = key === 'id' && isSession.test(there) && isSession.test(here);
			if (stamps.has(key))
				return isStamp(key, here) ? there : here;
			return names.has(key) || isId ? nameThere(here, there) : here;
		}
		if (typeof here !== 'object' || typeof there !== 'object' || here === null || there === null)
			return here;
		if (Array.isArray(here))
			return here.map((item, i) => renamed(item, there[i], key));
		return Object.fromEntries(Object.entries(here).map(([name, value]) => [name, renamed(value, there[name], name)]));
	}

	/** The same here as it was where it came first. @param {string} here @param {string} there */
	function nameThere(here, there) {
		if (!called.has(there) && ![...called.values()].includes(here))
			called.set(there, here);
		return called.get(there) === here ? there : here;
	}
}

/** @param {string} key @param {string} text */
function isStamp(key, text) {
	return key === 'trace' ? isSession.test(text) : new Date(text).toISOString() === text;
}
