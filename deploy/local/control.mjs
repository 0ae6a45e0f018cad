// SPDX-License-Identifier: Apache-2.0
/**
 * How one ./dev command speaks to the cluster that another one started: a Unix socket, one line of JSON
 * with the request, any number of {"say"} lines, then one {"done"} or {"error"} line.
 */
import fs from 'node:fs';
import net from 'node:net';
import readline from 'node:readline';

/** @typedef {(request: any, say: (text: string) => void) => Promise<any>} Handler */

/**
 * @param {string} path relative to the working directory: the kernel allows 107 bytes
 * @param {Record<string, Handler>} handlers by command
 * @returns {Promise<net.Server>}
 */
export function serveControl(path, handlers) {
	fs.rmSync(path, { force: true });
	const server = net.createServer((socket) => {
		socket.on('error', () => socket.destroy());
		readline.createInterface({ input: socket, terminal: false }).once('line', (line) => void answer(socket, line, handlers));
	});
	return new Promise((resolve, reject) => {
		server.once('error', reject);
		server.listen(path, () => {
			fs.chmodSync(path, 0o600);
			resolve(server);
		});
	});
}

/**
 * @param {string} path @param {Record<string, unknown>} request with `command`
 * @param {(text: string) => void} [say]
 * @returns {Promise<any>} what the handler gave; undefined when nothing runs there
 */
export function askControl(path, request, say = () => {}) {
	return new Promise((resolve, reject) => {
		const socket = net.connect(path);
		socket.once('error', (cause) => (isAbsent(cause) ? resolve(undefined) : reject(cause)));
		socket.once('connect', () => socket.write(`${JSON.stringify(request)}\n`));
		const lines = readline.createInterface({ input: socket, terminal: false });
		lines.on('error', () => {}); // the socket's own handler tells
		lines.on('line', (line) => {
			const { say: text, done, error } = JSON.parse(line);
			if (text !== undefined)
				say(text);
			else if (error !== undefined)
				reject(new Error(error));
			else
				resolve(done ?? {});
		});
		socket.once('close', () => reject(new Error('the cluster ended before it answered; see var/log/supervisor.log')));
	});
}

/** @param {net.Socket} socket @param {string} line @param {Record<string, Handler>} handlers */
async function answer(socket, line, handlers) {
	const put = (/** @type {object} */ reply) => socket.writable && socket.write(`${JSON.stringify(reply)}\n`);
	try {
		const request = JSON.parse(line);
		const handler = handlers[request.command];
		if (!handler)
			throw new Error(`unknown request ${request.command}`);
		put({ done: (await handler(request, (say) => put({ say }))) ?? {} });
	} catch (cause) {
		put({ error: /** @type {Error} */ (cause).message });
	}
	socket.end();
}

/** @param {NodeJS.ErrnoException} cause */
function isAbsent(cause) {
	return cause.code === 'ENOENT' || cause.code === 'ECONNREFUSED';
}
