// SPDX-License-Identifier: Apache-2.0
// HTTP as tests need it: any header (also those that fetch forbids), the exact status and body, and a
// socket for requests that no library would send.

import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import tls from 'node:tls';

/** @typedef {{status: number, headers: http.IncomingHttpHeaders, body: string, json: any}} Answer */

const waitMs = 8_000;

/**
 * @param {string} url
 * @param {{method?: string, headers?: Record<string, string>, body?: string}} [how]
 * @returns {Promise<Answer>}
 */
export function request(url, { method = 'GET', headers = {}, body } = {}) {
	return new Promise((resolve, reject) => {
		const length = body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) };
		const asked = (url.startsWith('https') ? https : http).request(url, { method, headers: { ...length, ...headers }, agent: false, timeout: waitMs });
		const take = async (/** @type {http.IncomingMessage} */ answer) => {
			let text = '';
			for await (const chunk of answer.setEncoding('utf8'))
				text += chunk;
			resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: text, json: parsed(text) });
		};
		asked.on('response', (answer) => take(answer).catch(reject));
		asked.on('upgrade', (answer, socket) => {
			socket.destroy();
			resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: '', json: undefined });
		});
		asked.on('timeout', () => asked.destroy(new Error(`${method} ${url}: no answer in ${waitMs} ms`)));
		asked.on('error', reject);
		asked.end(body);
	});
}

/** The answer to an upgrade request; 101 when it would have been a WebSocket.
 * @param {string} url @param {Record<string, string>} [headers] */
export function upgrade(url, headers = {}) {
	return request(url.replace(/^ws/, 'http'), {
		headers: {
			Connection: 'Upgrade',
			Upgrade: 'websocket',
			'Sec-WebSocket-Version': '13',
			'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
			...headers,
		},
	});
}

/** @param {string} session */
export const bearer = (session) => ({ Authorization: `Bearer ${session}` });

/** The bytes below HTTP, over TLS or not. @param {string} base @param {() => void} onOpen @returns {net.Socket} */
export function connect(base, onOpen) {
	const { protocol, hostname, port } = new URL(base);
	const at = { host: hostname, port: Number(port) };
	if (protocol !== 'https:')
		return net.connect({ ...at, noDelay: true }, onOpen);
	return tls.connect({ ...at, servername: 'localhost' }, onOpen).setNoDelay(true);
}

/** Write these bytes, read until the other side ends, or this is enough. @param {string} base @param {string | Buffer} bytes
 * @param {RegExp} [enough] @returns {Promise<string>} */
export function exchange(base, bytes, enough) {
	return new Promise((resolve, reject) => {
		let text = '';
		const socket = connect(base, () => socket.write(bytes));
		socket.setEncoding('latin1').setTimeout(waitMs);
		socket.on('data', (chunk) => {
			text += chunk;
			if (enough?.test(text))
				socket.destroy();
		});
		socket.on('close', () => resolve(text));
		socket.on('timeout', () => {
			socket.destroy();
			reject(new Error(`the connection was neither answered nor ended in ${waitMs} ms; read: ${text.slice(0, 200)}`));
		});
		socket.on('error', (cause) => ('code' in cause && cause.code === 'ECONNRESET' ? resolve(text) : reject(cause)));
	});
}

/** @param {string} text */
function parsed(text) {
	try {
		return JSON.parse(text);
	} catch {
		return undefined;
	}
}
