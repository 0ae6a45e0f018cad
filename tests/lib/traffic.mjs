// SPDX-License-Identifier: Apache-2.0
// Numbered messages that never pause, and the account of them: who got which, in which order, and how
// long the longest silence was.

import assert from 'node:assert/strict';

/** @typedef {import('./client.mjs').Client} Client */

const everyMs = 20;

export class Traffic {
	#sent = 0;
	/** @type {ReturnType<typeof setInterval>} */ #timer;

	/** @param {Client} sender @param {Client[]} readers in the same room @param {number} [pauseMs] */
	constructor(sender, readers, pauseMs = everyMs) {
		this.sender = sender;
		this.readers = readers;
		this.#timer = setInterval(() => sender.send('text_operation', { n: this.#sent++ }), pauseMs).unref();
	}

	/** @param {Client} reader */
	#numbers(reader) {
		return reader.all('text_operation').filter((message) => message.userId === this.sender.user.id && message.data?.n !== undefined);
	}

	/** No more; wait until the last one has arrived everywhere. */
	async stop() {
		clearInterval(this.#timer);
		const last = this.#sent++;
		this.sender.send('text_operation', { n: last });
		await Promise.all(this.readers.map((reader) =>
			reader.until(() => this.#numbers(reader).some((message) => message.data.n === last), `message ${last}`, 15_000)));
	}

	/** Every reader got every message, once, in order. */
	assertComplete() {
		for (const reader of this.readers) {
			const numbers = this.#numbers(reader).map((message) => message.data.n);
			assert.deepEqual(numbers, Array.from({ length: this.#sent }, (_, n) => n),
				`${reader.user.id} in ${reader.room.kind} ${reader.room.id}`);
		}
	}

	/** Some may be missing; none comes twice or out of order. */
	assertOrdered() {
		for (const reader of this.readers) {
			const numbers = this.#numbers(reader).map((message) => message.data.n);
			assert.ok(numbers.every((n, i) => i === 0 || n > numbers[i - 1]), `${reader.user.id}: ${numbers}`);
		}
	}

	/** The longest time in which a reader got nothing. */
	get stallMs() {
		return Math.max(...this.readers.map((reader) => {
			const times = this.#numbers(reader).map((message) => message.at);
			return Math.max(0, ...times.slice(1).map((at, i) => at - times[i]));
		}));
	}
}
