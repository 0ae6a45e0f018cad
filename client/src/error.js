// SPDX-License-Identifier: Apache-2.0
// Why something was not done. Never says which room, which user or which token: it may be logged.

export class MoothallError extends Error {
	/**
	 * @param {string} code    as in the protocol's table of errors (`read_only`, `conflict`), or one of this
	 *   package: `queue_full`, `too_big`, `left`, `closed`, `stopped`, `user_changed`
	 * @param {string} reason  the same for people
	 * @param {{seq?: number, data?: unknown, mayBeStored?: boolean}} [more]
	 */
	constructor(code, reason, more = {}) {
		super(`${code}: ${reason}`);
		this.name = 'MoothallError';
		/** What went wrong, for programs. @type {string} */
		this.code = code;
		/** The same for people. @type {string} */
		this.reason = reason;
		/** Conflict: the seq of the newest event of that name and `data.field`. @type {number | undefined} */
		this.seq = more.seq;
		/** Conflict: its data. @type {any} */
		this.data = more.data;
		/** It had been sent and no answer came: nobody knows. */
		this.mayBeStored = more.mayBeStored ?? false;
	}
}
