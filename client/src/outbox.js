// SPDX-License-Identifier: Apache-2.0
// What was published in one room and is not answered yet, in order. Sends as much as the server takes
// at once, again after each reconnect under the same numbers, and tells each author how it went.
// Bounded: one budget for all rooms of a client, and whoever goes beyond is told at once.

import { MoothallError } from './error.js';
import { messageBytes, pending, pendingBytes } from './protocol.js';

/** @typedef {import('./socket.js').Message} Message */
/**
 * @typedef {object} Entry
 * @property {number} n       0: never sent
 * @property {string} event
 * @property {string} text    its data
 * @property {number | undefined} base
 * @property {number} bytes
 * @property {string} [doubtful]  sent in this session, which is no more; whether it is stored shows in what was missed
 * @property {(seq: number) => void} resolve
 * @property {(why: Error) => void} reject
 *
 * @typedef {object} Budget  of all outboxes of one client
 * @property {number} entries
 * @property {number} bytes
 * @property {number} mostEntries
 * @property {number} mostBytes
 * @property {number} messageBytes  the largest message that the server takes
 * @property {number} pending       publishes of one room that may wait for their answer
 * @property {number} n             the last number given
 */

/** @param {{maxPublishes?: number, maxBytes?: number}} [most] @returns {Budget} */
export function createBudget({ maxPublishes = 256, maxBytes = 1 << 20 } = {}) {
	return { entries: 0, bytes: 0, mostEntries: maxPublishes, mostBytes: maxBytes, messageBytes, pending, n: 0 };
}

/**
 * @param {object} how
 * @param {string} how.room
 * @param {Budget} how.budget
 * @param {import('./clock.js').Clock} how.clock
 * @param {(message: Message) => void} how.send
 * @param {() => void} how.changed   what waits, or how the last one went
 */
export function createOutbox({ room, budget, clock, send, changed }) {
	/** @type {Entry[]} */
	const entries = [];
	/** Of those, from the front, so many are sent over this connection. */
	let sent = 0;
	let open = false;
	let againAt = 0;
	let cancelAgain = () => {};
	/** @type {MoothallError | null} */
	let failure = null;

	function flush() {
		while (open && sent < entries.length && sent < budget.pending && fits()) {
			const { event, text, base } = entries[sent];
			const n = (entries[sent].n ||= ++budget.n);
			sent++;
			send({ type: 'publish', room, n, event, data: JSON.parse(text), base });
		}
	}

	/** One that is larger than all together may be goes alone. */
	function fits() {
		const bytes = entries.slice(0, sent + 1).reduce((sum, entry) => sum + entry.bytes, 0);
		return sent === 0 || bytes <= pendingBytes;
	}

	/** @param {Entry} entry */
	function drop(entry) {
		const at = entries.indexOf(entry);
		entries.splice(at, 1);
		if (at < sent)
			sent--;
		budget.entries--;
		budget.bytes -= entry.bytes;
	}

	/** @param {Entry} entry @param {number} seq */
	function stored(entry, seq) {
		drop(entry);
		failure = null;
		entry.resolve(seq);
		changed();
		flush();
	}

	/** @param {Entry} entry @param {MoothallError} why */
	function failed(entry, why) {
		drop(entry);
		failure = why;
		entry.reject(why);
		changed();
		flush();
	}

	/** @param {number} n */
	const find = (n) => entries.find((entry) => entry.n === n);

	return {
		get pending() {
			return entries.length;
		},
		/** Of the last one that was answered, if it was not stored. */
		get failure() {
			return failure;
		},
		/** @param {string} event @param {unknown} data @param {number} [base] @returns {Promise<number>} its seq, once it is stored */
		add(event, data, base) {
			const text = JSON.stringify(data) ?? 'null';
			const bytes = bytesOf(text);
			const tooBig = bytes + room.length + event.length + 128 > budget.messageBytes;
			const full = budget.entries >= budget.mostEntries || (budget.entries > 0 && budget.bytes + bytes > budget.mostBytes);
			if (tooBig || full) {
				failure = tooBig
					? new MoothallError('too_big', 'it is larger than the server takes')
					: new MoothallError('queue_full', 'too much waits to be stored already');
				changed();
				return Promise.reject(failure);
			}
			return new Promise((resolve, reject) => {
				entries.push({ n: 0, event, text, base, bytes, resolve, reject });
				budget.entries++;
				budget.bytes += bytes;
				changed();
				flush();
			});
		},
		/** The room is joined: everything that is owed goes, in order. */
		open() {
			open = true;
			sent = 0;
			cancelAgain();
			flush();
		},
		/** The room is not joined any more, or not yet over this connection. */
		shut() {
			open = false;
			sent = 0;
			cancelAgain();
		},
		/** The session is another one: its numbers mean nothing any more. @param {string} session the one before */
		renumber(session) {
			for (const entry of entries)
				if (entry.n > 0) {
					entry.n = 0;
					entry.doubtful = session;
				}
		},
		/** Whether what was missed may tell the fate of something. */
		get doubts() {
			return entries.some((entry) => entry.doubtful);
		},
		/** An event that had been missed. @param {import('./room.js').RoomEvent} event */
		recognize({ event, data, from, seq }) {
			const entry = entries.find((one) => one.doubtful && one.doubtful === from?.session && one.event === event && one.text === JSON.stringify(data));
			if (entry)
				stored(entry, seq);
		},
		/** All that was missed has been seen: what was not in it, is not stored. */
		believe() {
			for (const entry of entries)
				entry.doubtful = undefined;
		},
		/** @param {number} n @param {number} seq */
		acked(n, seq) {
			const entry = find(n);
			if (entry)
				stored(entry, seq);
		},
		/** @param {Message} refusal */
		refused({ n, code, reason, retry_after_ms: ms, seq, data }) {
			const entry = find(n);
			if (!entry)
				return;
			if (ms === undefined) {
				failed(entry, new MoothallError(code, reason, { seq, data }));
				return;
			}
			// Not stored, or not known to be: this one and all after it go again, in order.
			const at = entries.indexOf(entry);
			sent = Math.min(sent, at);
			open = false;
			againAt = Math.max(againAt, clock.now() + ms);
			cancelAgain();
			cancelAgain = clock.after(againAt - clock.now(), () => {
				open = true;
				flush();
			});
		},
		/** Nothing more can be stored. @param {string} code @param {string} reason */
		end(code, reason) {
			open = false;
			cancelAgain();
			for (const entry of [...entries])
				failed(entry, new MoothallError(code, reason, { mayBeStored: entry.n > 0 || entry.doubtful !== undefined }));
		},
	};
}

/** On the wire. @param {string} text */
export const bytesOf = (text) => new TextEncoder().encode(text).length;

/** @typedef {ReturnType<typeof createOutbox>} Outbox */
