// SPDX-License-Identifier: Apache-2.0
// A gateway without manners: speaks ZMTP 3 to a shard's port by hand and writes any link head and any
// record, right or wrong. What it may write is described in docs/protocol.md. RFC 23 (ZMTP 3.0).

import net from 'node:net';

const greeting = Buffer.concat([Buffer.from('ff00000000000000007f0300', 'hex'), Buffer.from('NULL'), Buffer.alloc(48)]);
const magic = 0x4d6f6f744c696e6bn;
const lastWord = 2n ** 64n - 1n;
const waitMs = 8_000;

/** Numbers as msgpack's unsigned 64 bits, strings as str, buffers as bin, arrays as arrays.
 * @param {number | bigint | string | Buffer | any[]} value @returns {Buffer} */
export function pack(value) {
	if (typeof value === 'number' || typeof value === 'bigint') {
		const bytes = Buffer.alloc(9, 0xcf);
		bytes.writeBigUInt64BE(BigInt(value) & lastWord, 1);
		return bytes;
	}
	const kind = Array.isArray(value) ? 0xdd : Buffer.isBuffer(value) ? 0xc6 : 0xdb;
	const parts = Array.isArray(value) ? value.map(pack) : [Buffer.from(value)];
	const head = Buffer.alloc(5, kind);
	head.writeUInt32BE(Array.isArray(value) ? value.length : parts[0].length, 1);
	return Buffer.concat([head, ...parts]);
}

/** The items of a list field. @param {any[][]} items */
export const list = (items) => Buffer.concat(items.map(pack));

export class StrangeGateway {
	/** @type {Buffer[]} */ messages = [];
	isClosed = false;
	#bytes = Buffer.alloc(0);
	#ready = false;
	#seq = 0n;
	/** @type {Set<() => void>} */ #waiting = new Set();

	/** @param {net.Socket} socket */
	constructor(socket) {
		this.socket = socket;
		socket.on('data', (bytes) => this.#take(bytes));
		socket.on('error', () => {}); // close follows
		socket.on('close', () => {
			this.isClosed = true;
			this.#wake();
		});
	}

	/** The handshake; `identity` is the routing id. @param {number} port @param {string} identity */
	static async open(port, identity) {
		const gateway = new StrangeGateway(net.connect({ host: '127.0.0.1', port }));
		gateway.socket.write(greeting);
		gateway.socket.write(command('READY', { 'Socket-Type': 'DEALER', Identity: identity }));
		await gateway.until(() => gateway.#ready, 'READY');
		return gateway;
	}

	/** One frame of a message. @param {Buffer} body @param {number} [flags] 1: more follow, 4: a command */
	frame(body, flags = 0) {
		const head = Buffer.alloc(9, flags | 2);
		head.writeBigUInt64BE(BigInt(body.length), 1);
		this.socket.write(Buffer.concat([head, body]));
	}

	/** A whole message of a link. `how` replaces fields of its head.
	 * @param {{self: bigint, shard: bigint, generation?: bigint, seq?: bigint, consumed?: bigint, revision?: bigint}} how
	 * @param {...any[]} records  [id, field, ...] */
	say({ self, shard, generation = 1n, seq, consumed = 0n, revision = 1n }, ...records) {
		this.#seq = seq ?? this.#seq + 1n;
		this.frame(Buffer.concat([pack([magic, revision, self, shard, generation, this.#seq, consumed]), ...records.map(pack)]));
	}

	/** @param {() => boolean} condition @param {string} what */
	async until(condition, what) {
		const deadline = Date.now() + waitMs;
		while (!condition()) {
			if (this.isClosed || Date.now() >= deadline)
				throw new Error(`no ${what}: ${this.isClosed ? 'the connection was closed' : `waited ${waitMs} ms`}`);
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

	end() {
		this.socket.destroy();
	}

	/** @param {Buffer} bytes */
	#take(bytes) {
		this.#bytes = Buffer.concat([this.#bytes, bytes]);
		if (!this.#ready && this.#bytes.length >= 64 && this.#bytes.includes('READY')) {
			this.#bytes = this.#bytes.subarray(64);
			this.#ready = true;
		}
		for (let next = this.#ready && readFrame(this.#bytes); next; next = readFrame(this.#bytes)) {
			this.#bytes = this.#bytes.subarray(next.size);
			if (!next.isCommand)
				this.messages.push(next.body);
		}
		this.#wake();
	}

	#wake() {
		for (const wake of this.#waiting)
			wake();
	}
}

/** @param {string} name @param {Record<string, string>} properties */
function command(name, properties) {
	const body = Buffer.concat([short(name), ...Object.entries(properties).flatMap(([key, value]) => {
		const length = Buffer.alloc(4);
		length.writeUInt32BE(value.length);
		return [short(key), length, Buffer.from(value)];
	})]);
	return Buffer.concat([Buffer.from([4, body.length]), body]);
}

/** @param {string} text */
const short = (text) => Buffer.concat([Buffer.from([text.length]), Buffer.from(text)]);

/** @param {Buffer} bytes @returns {{body: Buffer, size: number, isCommand: boolean} | undefined} undefined: more bytes are needed */
function readFrame(bytes) {
	if (bytes.length < 2)
		return undefined;
	const isLong = (bytes[0] & 2) !== 0;
	if (isLong && bytes.length < 9)
		return undefined;
	const at = isLong ? 9 : 2;
	const length = isLong ? Number(bytes.readBigUInt64BE(1)) : bytes[1];
	if (bytes.length < at + length)
		return undefined;
	return { body: bytes.subarray(at, at + length), size: at + length, isCommand: (bytes[0] & 4) !== 0 };
}
