// SPDX-License-Identifier: Apache-2.0
// A WebSocket client without manners: sends any bits in any frame, in any pieces, and reads what comes
// back frame by frame. For what a correct library refuses to send. RFC 6455.

import crypto from 'node:crypto';
import { connect } from './http.mjs';

const waitMs = 8_000;

export const opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 };

/** @typedef {{fin: boolean, opcode: number, payload: Buffer}} Frame */

/** The bytes of one masked frame. `bits` overrides the first byte; `mask: false` leaves the mask out.
 * @param {number} code @param {string | Buffer} payload @param {{fin?: boolean, mask?: boolean, rsv?: number}} [how] */
export function frame(code, payload, { fin = true, mask = true, rsv = 0 } = {}) {
	const body = Buffer.from(payload);
	const first = (fin ? 0x80 : 0) | (rsv << 4) | code;
	const flag = mask ? 0x80 : 0;
	let head;
	if (body.length < 126) {
		head = Buffer.from([first, flag | body.length]);
	} else if (body.length < 65536) {
		head = Buffer.from([first, flag | 126, 0, 0]);
		head.writeUInt16BE(body.length, 2);
	} else {
		head = Buffer.from([first, flag | 127, 0, 0, 0, 0, 0, 0, 0, 0]);
		head.writeBigUInt64BE(BigInt(body.length), 2);
	}
	if (!mask)
		return Buffer.concat([head, body]);
	const key = crypto.randomBytes(4);
	const masked = Buffer.from(body);
	for (let i = 0; i < masked.length; i++)
		masked[i] ^= key[i & 3];
	return Buffer.concat([head, key, masked]);
}

export class RawSocket {
	/** @type {Frame[]} */ frames = [];
	#bytes = Buffer.alloc(0);
	#ended = false;
	/** @type {Set<() => void>} */ #waiting = new Set();

	/** @param {import('node:net').Socket} socket @param {Buffer} rest */
	constructor(socket, rest) {
		this.socket = socket;
		socket.on('data', (bytes) => this.#take(bytes));
		socket.on('close', () => {
			this.#ended = true;
			this.#wake();
		});
		this.#take(rest);
	}

	/** The handshake, then a socket for anything. @param {string} url */
	static async open(url) {
		const { hostname, port, pathname, search } = new URL(url.replace(/^ws/, 'http'));
		const socket = connect(url.replace(/^ws/, 'http'), () => {});
		socket.on('error', () => {}); // close follows
		socket.write(`GET ${pathname}${search} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nUpgrade: websocket\r\n`
			+ `Connection: Upgrade\r\nSec-WebSocket-Key: ${crypto.randomBytes(16).toString('base64')}\r\n`
			+ 'Sec-WebSocket-Version: 13\r\n\r\n');
		let head = Buffer.alloc(0);
		for await (const bytes of socket.iterator({ destroyOnReturn: false })) {
			head = Buffer.concat([head, bytes]);
			const end = head.indexOf('\r\n\r\n');
			if (end < 0)
				continue;
			if (!head.toString('latin1').startsWith('HTTP/1.1 101 '))
				throw new Error(`no upgrade: ${head.toString('latin1')}`);
			return new RawSocket(socket, head.subarray(end + 4));
		}
		throw new Error('the connection ended within the handshake');
	}

	/** @param {Buffer} bytes */
	#take(bytes) {
		this.#bytes = Buffer.concat([this.#bytes, bytes]);
		for (let next = readFrame(this.#bytes); next; next = readFrame(this.#bytes)) {
			this.frames.push(next.frame);
			this.#bytes = this.#bytes.subarray(next.size);
		}
		this.#wake();
	}

	#wake() {
		for (const wake of this.#waiting)
			wake();
	}

	/** @param {Buffer} bytes */
	write(bytes) {
		if (!this.socket.destroyed)
			this.socket.write(bytes);
	}

	/** @param {number} code @param {string | Buffer} payload @param {Parameters<typeof frame>[2]} [how] */
	send(code, payload, how) {
		this.write(frame(code, payload, how));
	}

	/** The text messages received so far, parsed. */
	get messages() {
		return this.frames.filter((one) => one.opcode === opcode.text).map((one) => JSON.parse(one.payload.toString()));
	}

	/** @param {(message: any) => boolean} is */
	async message(is) {
		await this.#until(() => this.messages.some(is), `message with ${is}`);
		return this.messages.find(is);
	}

	/** The close code we were given; 1006 when the connection just ended. */
	async closeCode() {
		await this.#until(() => this.#ended || this.frames.some((one) => one.opcode === opcode.close), 'close');
		const close = this.frames.find((one) => one.opcode === opcode.close);
		this.socket.destroy();
		return close && close.payload.length >= 2 ? close.payload.readUInt16BE(0) : 1006;
	}

	/** @param {(frame: Frame) => boolean} is @param {string} what */
	frame(is, what) {
		return this.#until(() => this.frames.some(is), what);
	}

	end() {
		this.socket.destroy();
	}

	/** @param {() => boolean} condition @param {string} what */
	async #until(condition, what) {
		const deadline = Date.now() + waitMs;
		while (!condition()) {
			if (Date.now() >= deadline)
				throw new Error(`no ${what} in ${waitMs} ms; got ${JSON.stringify(this.messages.slice(-4))}`);
			await new Promise((resolve) => {
				const timer = setTimeout(done, deadline - Date.now());
				const waiting = this.#waiting;
				waiting.add(done);
				function done() {
					clearTimeout(timer);
					waiting.delete(done);
					resolve(undefined);
				}
			});
		}
	}
}

/** @param {Buffer} bytes @returns {{frame: Frame, size: number} | null} null: more bytes are needed */
function readFrame(bytes) {
	if (bytes.length < 2)
		return null;
	let length = bytes[1] & 0x7f;
	let at = 2;
	if (length === 126) {
		if (bytes.length < 4)
			return null;
		length = bytes.readUInt16BE(2);
		at = 4;
	} else if (length === 127) {
		if (bytes.length < 10)
			return null;
		length = Number(bytes.readBigUInt64BE(2));
		at = 10;
	}
	if (bytes.length < at + length)
		return null;
	const payload = bytes.subarray(at, at + length);
	return { frame: { fin: (bytes[0] & 0x80) !== 0, opcode: bytes[0] & 0x0f, payload }, size: at + length };
}
