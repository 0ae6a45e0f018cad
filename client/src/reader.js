// SPDX-License-Identifier: Apache-2.0
// Questions to the log of one room, one after the other: an answer does not say which question it
// belongs to. What was not answered is asked again over the next connection.

import { MoothallError } from './error.js';

/** @typedef {import('./socket.js').Message} Message */
/** @typedef {{seq: number, event: string, from: {id: string, name: string, session?: string}, data: any, at: string}} StoredEvent */
/** @typedef {{events: StoredEvent[], first: number, head: number, more: boolean}} Page  first: seq of the first event that is kept */
/** @typedef {{after?: number, before?: number, limit?: number, events?: string[]}} Question */

/**
 * @param {object} how
 * @param {string} how.room
 * @param {import('./clock.js').Clock} how.clock
 * @param {(message: Message) => void} how.send
 */
export function createReader({ room, clock, send }) {
	/** @type {{question: Question, resolve: (page: Page) => void, reject: (why: Error) => void}[]} */
	const waiting = [];
	let open = false;
	let cancelAgain = () => {};

	function ask() {
		if (open && waiting.length > 0)
			send({ type: 'read', room, ...waiting[0].question });
	}

	return {
		/** @param {Question} question @returns {Promise<Page>} */
		read(question) {
			return new Promise((resolve, reject) => {
				waiting.push({ question, resolve, reject });
				if (waiting.length === 1)
					ask();
			});
		},
		open() {
			open = true;
			ask();
		},
		shut() {
			open = false;
			cancelAgain();
		},
		/** @param {Message} history */
		answered({ events, first, head, more }) {
			waiting.shift()?.resolve({ events, first, head, more });
			ask();
		},
		/** @param {Message} refusal */
		refused({ code, reason, retry_after_ms: ms }) {
			if (ms !== undefined) {
				cancelAgain();
				cancelAgain = clock.after(ms, ask);
				return;
			}
			waiting.shift()?.reject(new MoothallError(code, reason));
			ask();
		},
		/** @param {string} code @param {string} reason */
		end(code, reason) {
			open = false;
			cancelAgain();
			for (const { reject } of waiting.splice(0))
				reject(new MoothallError(code, reason));
		},
	};
}
