// SPDX-License-Identifier: Apache-2.0
// As much of the servers of bench/rivals as moot-bench speaks with: whoever says a room is in it, and is sent
// what the others there cast. Each pings once.

import { once } from 'node:events';
import { WebSocketServer } from 'ws';

/** @typedef {{say: (text: string) => void, enter: (room: string) => void, cast: (text: string, alsoToIt?: boolean) => void}} Hands */
/** @typedef {{greet?: string, take: (text: string, hands: Hands) => void}} Dialect */

/** @type {Record<string, Dialect>} by the word of --server */
const dialects = {
	socketio: {
		greet: '0{"sid":"engine","pingInterval":25000}',
		take: (text, { say, enter, cast }) => {
			if (text.startsWith('42'))
				return cast(text);
			if (!text.startsWith('40'))
				return;
			enter(JSON.parse(text.slice(2)).room);
			['40{"sid":"socket"}', '42["in"]', '2'].forEach(say);
		},
	},
	centrifugo: {
		take: (text, { say, enter, cast }) => {
			const { id, connect, subscribe, publish } = JSON.parse(text);
			if (connect)
				return say(`${JSON.stringify({ id, connect: { ping: 25 } })}\n{}`);
			if (subscribe)
				enter(subscribe.channel);
			if (publish)
				cast(JSON.stringify({ push: { channel: publish.channel, pub: { data: publish.data } } }), true);
			if (id)
				say(JSON.stringify({ id, [subscribe ? 'subscribe' : 'publish']: {} }));
		},
	},
};

export class Foreign {
	/** What the sockets sent. @type {string[]} */ taken = [];
	#server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
	/** @type {Map<string, Set<import('ws').WebSocket>>} */ #rooms = new Map();
	/** @type {number} the cast that it keeps to itself, or -1 */ #kept;
	#casts = 0;

	/** @param {Dialect} dialect @param {number} kept */
	constructor({ greet, take }, kept) {
		this.#kept = kept;
		this.#server.on('connection', (socket) => {
			/** @type {Set<import('ws').WebSocket>} */
			let room = new Set();
			const say = (/** @type {string} */ text) => socket.send(text);
			const enter = (/** @type {string} */ name) => {
				room = this.#rooms.get(name) ?? new Set();
				this.#rooms.set(name, room.add(socket));
			};
			const cast = (/** @type {string} */ text, alsoToIt = false) => this.#casts++ === this.#kept
				|| room.forEach((to) => (to !== socket || alsoToIt) && to.send(text));
			if (greet)
				say(greet);
			socket.on('message', (data) => {
				this.taken.push(String(data));
				take(String(data), { say, enter, cast });
			});
			socket.on('close', () => room.delete(socket));
		});
	}

	/** @param {string} server @param {{kept?: number}} [how] */
	static async open(server, { kept = -1 } = {}) {
		const foreign = new Foreign(dialects[server], kept);
		await once(foreign.#server, 'listening');
		return foreign;
	}

	get url() {
		return `http://127.0.0.1:${/** @type {import('node:net').AddressInfo} */ (this.#server.address()).port}`;
	}

	close() {
		for (const client of this.#server.clients)
			client.terminate();
		this.#server.close();
	}
}
