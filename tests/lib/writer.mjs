// SPDX-License-Identifier: Apache-2.0
// One person of a chaos run: a native client that stays in one room whatever happens to the cluster -
// resumes at any gateway that takes it - publishes one event after the other, and keeps what it was
// shown. What it said and was answered goes into the ledger; what it was shown is held against the
// table of events in the end.

import { setTimeout as sleep } from 'node:timers/promises';
import { Histogram } from './histogram.mjs';
import { Native } from './native.mjs';

/** @typedef {import('./ledger.mjs').Ledger} Ledger @typedef {import('./ledger.mjs').Row} Row @typedef {import('./people.mjs').Seat} Seat */

const connectMs = 300; // between two tries
const isLasting = (/** @type {{type: string}} */ { type }) => type === 'welcome' || type === 'joined' || type === 'refused';

export class Writer {
	/** @type {{seq: number, what: string}[]} what it was shown, as it came */ shown = [];
	acks = new Histogram();
	resumes = 0;
	/** @type {string[]} answers that end a publish for good */ refusals = [];
	#n = 0;
	#isWriting = true;
	#isHere = true;

	/** @param {Seat} seat @param {Ledger} ledger @param {{urls: string[], random: () => number, thinkMs: number}} how */
	constructor(seat, ledger, how) {
		this.seat = seat;
		this.room = `${seat.room.kind}:${seat.room.id}`;
		this.ledger = ledger;
		this.how = how;
		this.client = new Native(seat.user, { keeps: isLasting });
		this.client.onEvent = ({ room, seq, data }) => {
			this.shown.push({ seq, what: `${data.stream} ${data.n}` });
			ledger.show(room, data.stream, data.n);
		};
	}

	/** In its room, before anything is broken. */
	async enter() {
		await this.client.connect(this.#url());
		await this.client.join(this.room);
		this.staying = this.#stay();
		this.writing = this.#write();
	}

	#url() {
		return this.how.urls[Math.floor(this.how.random() * this.how.urls.length)];
	}

	/** Whenever its connection ends, another one. */
	async #stay() {
		while (this.#isHere) {
			await this.client.closed;
			while (this.#isHere && !this.client.isOpen) {
				await this.client.connect(this.#url()).then(() => this.resumes++, () => this.client.socket?.terminate());
				if (!this.client.isOpen)
					await sleep(connectMs * (0.5 + this.how.random()));
			}
		}
	}

	async #write() {
		const stream = this.seat.user.id;
		while (this.#isWriting) {
			const n = this.#n++;
			const from = Date.now();
			this.ledger.say(this.room, stream, n);
			try {
				await this.client.publish(this.room, 'comment_added', { stream, n });
				this.ledger.ack(this.room, stream, n);
			} catch (cause) {
				this.ledger.refuse(this.room, stream, n);
				this.refusals.push(String(cause));
			}
			this.acks.add(Date.now() - from);
			await sleep(this.how.thinkMs * (0.5 + this.how.random()));
		}
	}

	/** Says no more, and has an answer to everything when this resolves. */
	async finish() {
		this.#isWriting = false;
		await this.writing;
	}

	async leave() {
		this.#isHere = false;
		await this.client.leave();
		await this.staying;
	}

	/** Has it been shown everything up to here? @param {number} head */
	hasAll(head) {
		return this.shown.at(-1)?.seq === head;
	}

	/** Is what it was shown exactly what the table has, from the first it was shown to the last?
	 * @param {Row[]} rows all of its room, by seq @returns {string[]} what differs, the first few */
	compare(rows) {
		const first = this.shown[0]?.seq ?? rows.length + 1;
		const wanted = rows.filter(({ seq }) => seq >= first);
		const flaws = this.client.faults.map((fault) => `stream: ${fault}`);
		for (let i = 0; i < Math.max(wanted.length, this.shown.length) && flaws.length < 5; i++) {
			const [is, should] = [this.shown[i], wanted[i]];
			if (is?.seq !== should?.seq || is?.what !== `${should?.stream} ${should?.n}`)
				flaws.push(`${this.seat.user.id} in ${this.room}: shown ${is?.seq} ${is?.what}, in the table ${should?.seq} ${should?.stream} ${should?.n}`);
		}
		return flaws;
	}
}
