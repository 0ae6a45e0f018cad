// SPDX-License-Identifier: Apache-2.0
// One connection of a load: speaks v0 as the old client does, comes back by itself when its socket was
// ended, keeps nothing of what it hears and tells the checker all of it.

import WebSocket from 'ws';
import { socketUrl } from './client.mjs';

/** @typedef {import('./people.mjs').Seat} Seat @typedef {import('./load.mjs').Load} Load */

const joinMs = 20_000;
const backoffMs = [250, 1_000, 2_000, 4_000]; // then again the last
const away = new Set([1001, 1006, 1012]); // what a gateway that ends does to its sockets

export class Member {
	/** @type {WebSocket|undefined} */ #socket;
	#life = 0;
	/** @type {ReturnType<typeof setTimeout>|undefined} */ #retry;
	/** @type {Set<string>} user ids, as last shown */ shown = new Set();
	isIn = false;
	isOver = false;
	/** When it last heard something, and when the latest that it heard was said. */
	heardAt = 0;
	heardSaidAt = 0;

	/** @param {Load} load @param {Seat} seat @param {number} gateway index of the one it sits at */
	constructor(load, { user, room }, gateway) {
		this.load = load;
		this.user = user;
		this.room = room;
		this.gateway = gateway;
		/** Each socket is another reader and another producer. */
		this.name = '';
	}

	/** Resolves when the room has welcomed it. @returns {Promise<void>} */
	join() {
		const { urls } = this.load;
		const socket = new WebSocket(socketUrl(urls[this.gateway], this.room, this.user), { perMessageDeflate: false });
		this.#socket = socket;
		this.name = `${this.user.id}/${++this.#life}`;
		return new Promise((resolve, reject) => {
			const late = setTimeout(() => {
				socket.terminate();
				reject(new Error(`${this.user.id} was not welcomed within ${joinMs / 1000} s`));
			}, joinMs);
			socket.on('message', (data) => {
				if (this.#hear(JSON.parse(data.toString())) === 'connected') {
					clearTimeout(late);
					resolve();
				}
			});
			socket.on('error', () => {}); // its close tells
			socket.once('close', (code) => {
				clearTimeout(late);
				reject(new Error(`${this.user.id}: closed with ${code}`));
				if (this.isIn)
					this.#leave(code);
			});
		});
	}

	/** @param {any} message @returns {string} its type */
	#hear(message) {
		if (this.isOver)
			return ''; // all are leaving: that some are shown to leave is right
		const { checker } = this.load;
		const { id } = this.room;
		const data = message.data;
		if (message.type === 'ping')
			this.#send('pong');
		else if (data?.stream !== undefined)
			this.load.onHeard(this, data, message.seq);
		else if (message.seq !== undefined)
			checker.hearOther(id, this.name, message.seq);
		if (message.type === 'room_state') {
			this.shown = new Set(message.users.map((/** @type {{userId: string}} */ user) => user.userId));
			checker.hearList(id, this.name, this.shown);
		} else if (message.type === 'user_joined' || message.type === 'user_left') {
			checker.hearPresence(id, this.name, message.type.slice('user_'.length), message.userId);
		} else if (message.type === 'error') {
			this.load.onRefused(`${this.user.id}: ${JSON.stringify(message)}`);
		} else if (message.type === 'connected') {
			this.isIn = true;
			this.heardAt ||= performance.now(); // one that comes back was without all the while
			checker.enter(id, this.name);
			checker.begin(id, this.name, this.name);
		}
		return message.type;
	}

	/** @param {number} code */
	#leave(code) {
		this.isIn = false;
		this.load.checker.exit(this.room.id, this.name);
		this.load.checker.cut(this.room.id, this.name);
		if (this.isOver)
			return;
		this.load.onClosed(this, code, away.has(code));
		this.#comeBack(0);
	}

	/** Through the next gateway, as a balancer would send it. @param {number} tries */
	#comeBack(tries) {
		this.#retry = setTimeout(async () => {
			this.gateway = (this.gateway + 1) % this.load.urls.length;
			await this.join().catch(() => this.isOver || this.isIn || this.#comeBack(tries + 1));
		}, backoffMs[Math.min(tries, backoffMs.length - 1)]);
	}

	/** The next number of its own. */
	cast() {
		if (this.isIn && this.#socket?.readyState === WebSocket.OPEN)
			this.#send('text_operation', { stream: this.name, n: this.load.checker.say(this.room.id, this.name), at: performance.now() });
	}

	/** The whole envelope, as the old client writes it. @param {string} type @param {object} [data] */
	#send(type, data) {
		this.#socket?.send(JSON.stringify({
			type, submissionId: this.room.id, userId: this.user.id, userName: this.user.name, userEmail: this.user.email,
			...(data && { data }), timestamp: new Date().toISOString(),
		}));
	}

	/** A clean end. @returns {Promise<void>} */
	leave() {
		this.isOver = true;
		clearTimeout(this.#retry);
		const socket = this.#socket;
		return new Promise((resolve) => {
			if (!socket || socket.readyState === WebSocket.CLOSED)
				return resolve();
			socket.once('close', () => resolve());
			socket.close(1000);
			setTimeout(() => socket.terminate(), 5_000).unref();
		});
	}
}
