// SPDX-License-Identifier: Apache-2.0
// A person with the SDK in one room, through whichever gateway there is, over sockets that a test may
// cut in every way. Keeps what it was shown and how long each interruption took.

import { WebSocket } from 'ws';
import { createClient } from '../../client/src/index.js';
import { eventually } from './eventually.mjs';

/** @typedef {import('./world.mjs').User} User */

/** How a connection can end. Each gets the socket. @type {Record<string, (socket: any) => void>} */
export const cuts = {
	'cut off': (socket) => socket.terminate(),
	'reset': (socket) => socket._socket?.resetAndDestroy(),
	'closed by something between': (socket) => socket.close(3001),
	'closed as going away': (socket) => socket.close(1001),
	'cut within a frame': (socket) => {
		socket._socket?.write(Buffer.from([0x81, 0xfe, 0x10, 0x00, 1, 2, 3, 4, 5])); // the beginning of 4096 bytes
		socket.terminate();
	},
};

/** Nothing comes or goes any more, and nobody says so. @param {any} socket */
export function freeze(socket) {
	socket._socket?.pause();
	socket.send = () => {};
}

export class Reviewer {
	/** @type {any[]} */ sockets = [];
	/** @type {number[]} */ seqs = [];
	/** What each of the others said, in the order it was shown. @type {string[]} */ shown = [];
	/** ms from the loss to everything missed being there. @type {number[]} */ outages = [];
	/** @type {string[]} */ gone = [];
	/** @type {import('../../client/src/index.js').State[]} */ states = [];
	resumes = 0;
	/** Fewest sockets that were open at once, since it was first connected. */ fewest = Infinity;
	said = 0;
	/** @type {Promise<number>[]} */ acks = [];
	/** @type {number | null} */ #lostAt = null;

	/** @param {User} user @param {() => string} url @param {string} room */
	constructor(user, url, room) {
		const reviewer = this;
		this.user = user;
		this.client = createClient({
			url, auth: user.session,
			WebSocket: /** @type {any} */ (class extends WebSocket {
				/** @param {string} address @param {string} protocol */
				constructor(address, protocol) {
					super(address, protocol, { perMessageDeflate: false });
					this.on('error', () => {}); // its close tells
					this.on('close', () => reviewer.#count());
					reviewer.sockets.push(this);
				}
			}),
		});
		this.client.on('status', ({ state }) => this.#status(state));
		this.room = this.client.join(room, { since: 0 });
		this.room.on('event', ({ seq, data }) => {
			this.seqs.push(seq);
			this.shown.push(data.said);
		});
		this.room.on('leave', ({ id }) => this.gone.push(id));
		this.room.on('resumed', () => {
			this.resumes++;
			if (this.#lostAt !== null)
				this.outages.push(Date.now() - this.#lostAt);
			this.#lostAt = null;
		});
	}

	/** @param {import('../../client/src/index.js').State} state */
	#status(state) {
		this.states.push(state);
		if (state === 'waiting' || (state === 'connecting' && this.states.includes('connected')))
			this.#lostAt ??= Date.now();
	}

	#count() {
		if (this.states.includes('connected'))
			this.fewest = Math.min(this.fewest, this.open.length);
	}

	get open() {
		return this.sockets.filter(({ readyState }) => readyState === WebSocket.OPEN);
	}

	/** One more thing; kept until it is stored. */
	publish() {
		const ack = this.room.publish('said', { said: `${this.user.id} ${++this.said}` });
		ack.catch(() => {}); // it is looked at in the end
		this.acks.push(ack);
	}

	/** @param {(socket: any) => void} how */
	async interrupt(how) {
		const before = this.resumes;
		await eventually(() => this.open.length > 0 && this.room.status.state === 'joined', 'it to be connected', 30_000);
		how(this.open[this.open.length - 1]);
		await eventually(() => this.resumes > before, () => `${this.user.id} to be back: ${JSON.stringify(this.client.status)}, ${JSON.stringify(this.room.status)}`, 30_000);
	}

	/** All that it said is stored, and it was shown as many events. @param {() => number} stored */
	async finish(stored) {
		await Promise.all(this.acks);
		await eventually(() => this.seqs.length >= stored(), () => `${this.user.id} to be shown ${stored()} events, not ${this.seqs.length}`, 30_000);
	}

	close() {
		this.client.close();
		for (const socket of this.sockets)
			socket.terminate();
	}
}

/** What must not be: lost, doubled or reordered. @param {Reviewer[]} reviewers all of one room @returns {string[]} */
export function faultsOf(reviewers) {
	const [first] = reviewers;
	return reviewers.flatMap((one) => {
		const mine = first.shown.filter((said) => said.startsWith(`${one.user.id} `));
		const expected = Array.from({ length: one.said }, (_, i) => `${one.user.id} ${i + 1}`);
		return [
			one.seqs.some((seq, i) => seq !== i + 1) && `${one.user.id} was shown ${one.seqs.find((seq, i) => seq !== i + 1)} out of turn`,
			JSON.stringify(one.shown) !== JSON.stringify(first.shown) && `${one.user.id} was shown other events than ${first.user.id}`,
			JSON.stringify(mine) !== JSON.stringify(expected) && `of what ${one.user.id} said in order, ${mine.length} of ${expected.length} were shown, or not so`,
		].filter((fault) => fault !== false);
	});
}

/** Who was shown as gone, and was not. @param {Reviewer[]} reviewers all of one room @returns {string[]} */
export function ghostsOf(reviewers) {
	return reviewers.flatMap(({ user, gone }) => gone.map((who) => `${user.id} was told that ${who} left`));
}
