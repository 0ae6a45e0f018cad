// SPDX-License-Identifier: Apache-2.0
// A proxy in front of a gateway that passes everything on, and tells one lie: what a checker must notice.

import { once } from 'node:events';
import { WebSocket, WebSocketServer } from 'ws';

const AFTER = 20; // messages of that type that it passes on before, besides the first of each connection

/** What becomes of a message that may be lied about: the texts that are said instead, now.
 * @typedef {{type: string, tell: (text: string, held: string[]) => string[] | undefined}} Lie  `tell`: undefined: not yet done */

/** Of a connection: messages of that type so far, and what is held back. @typedef {{count: number, held: string[]}} Told */

export class Liar {
	hasLied = false;

	/** @param {WebSocketServer} server @param {string} behind @param {Lie} lie */
	constructor(server, behind, lie) {
		this.server = server;
		this.behind = behind;
		this.lie = lie;
		this.seen = 0;
		server.on('connection', (client) => this.#join(client));
	}

	/** @param {string} behind http://... @param {Lie} lie */
	static async open(behind, lie) {
		const server = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: () => 'moot.v1' });
		await once(server, 'listening');
		return new Liar(server, behind, lie);
	}

	get url() {
		return `http://127.0.0.1:${/** @type {import('node:net').AddressInfo} */ (this.server.address()).port}`;
	}

	async close() {
		for (const client of this.server.clients)
			client.terminate();
		this.server.close();
	}

	/** @param {WebSocket} client */
	#join(client) {
		const server = new WebSocket(`${this.behind.replace(/^http/, 'ws')}/v1/ws`, 'moot.v1', { perMessageDeflate: false });
		/** @type {string[]} */
		const early = [];
		/** @type {Told} */
		const to = { count: 0, held: [] };
		server.on('open', () => early.splice(0).forEach((text) => server.send(text)));
		client.on('message', (data) => (server.readyState === WebSocket.OPEN ? server.send(data.toString()) : early.push(data.toString())));
		server.on('message', (data) => this.#tell(data.toString(), to).forEach((text) => client.send(text)));
		for (const [from, to] of [[client, server], [server, client]]) {
			from.on('close', () => to.terminate());
			from.on('error', () => to.terminate());
		}
	}

	/** @param {string} text @param {Told} to @returns {string[]} */
	#tell(text, to) {
		if (!text.startsWith(`{"type":"${this.lie.type}"`) || to.count++ === 0 || (this.hasLied && to.held.length === 0) || this.seen++ < AFTER)
			return [text]; // who was shown nothing yet of a room that is new cannot know that it was not the first
		if (this.lying !== undefined && this.lying !== to)
			return [text]; // it has begun at another connection
		this.lying = to;
		this.hasLied = true;
		return this.lie.tell(text, to.held) ?? [];
	}

	/** @param {string} type @returns {Lie} */
	static dropping(type) {
		return { type, tell: () => [] };
	}

	/** @param {string} type @returns {Lie} */
	static doubling(type) {
		return { type, tell: (text) => [text, text] };
	}

	/** @param {string} type @returns {Lie} */
	static swapping(type) {
		return { type, tell: (text, held) => (held.length === 0 ? (held.push(text), undefined) : [text, ...held.splice(0)]) };
	}

	/** That the author of the event which it follows has left. @returns {Lie} */
	static leaving() {
		return {
			type: 'event',
			tell: (text) => {
				const { room, from } = JSON.parse(text);
				return [text, JSON.stringify({ type: 'presence', room, joined: [], left: [{ id: from.id }], changed: [] })];
			},
		};
	}
}
