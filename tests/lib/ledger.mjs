// SPDX-License-Identifier: Apache-2.0
// What was published and what was answered, held against the table of events: in each room 1, 2, 3 ...
// without a gap; what was acknowledged is there, once; what was refused, once or not at all; what is
// there was shown, and what was shown is there. Knows no database: the rows are handed in.
//
// A stream is what one publisher says to one room, one after the other: numbers 0 1 2 ...

const examplesMax = 20;

/**
 * @typedef {object} Entry        one publish
 * @property {'open'|'acked'|'refused'} answer
 * @property {boolean} isShown    to anybody
 *
 * @typedef {object} Row          of the table
 * @property {string} room        key
 * @property {number} seq
 * @property {string} stream
 * @property {number} n
 *
 * @typedef {'gap'|'missing'|'twice'|'unsaid'|'reordered'|'unseen'|'vanished'} Flaw
 *
 * @typedef {object} Account
 * @property {number} stored
 * @property {number} acked
 * @property {number} refused
 * @property {number} refusedButStored
 * @property {Record<Flaw, number>} flaws
 * @property {string[]} examples  the first few in words
 */

/** @type {readonly Flaw[]} */
export const flaws = ['gap', 'missing', 'twice', 'unsaid', 'reordered', 'unseen', 'vanished'];

export class Ledger {
	/** room > "stream n" @type {Map<string, Map<string, Entry>>} */ #rooms = new Map();
	/** @type {Set<string>} */ #watched = new Set();

	get rooms() {
		return [...this.#rooms.keys()];
	}

	/** Somebody is in this room throughout: what is stored must have been shown. @param {string} room */
	watch(room) {
		this.#watched.add(room);
	}

	/** Before it is sent. @param {string} room @param {string} stream @param {number} n */
	say(room, stream, n) {
		const entries = this.#rooms.get(room) ?? new Map();
		this.#rooms.set(room, entries.set(`${stream} ${n}`, { answer: 'open', isShown: false }));
	}

	/** @param {string} room @param {string} stream @param {number} n */
	ack(room, stream, n) {
		this.#entry(room, stream, n).answer = 'acked';
	}

	/** @param {string} room @param {string} stream @param {number} n */
	refuse(room, stream, n) {
		this.#entry(room, stream, n).answer = 'refused';
	}

	/** To anybody; what nobody published is for the checker of the readers to report.
	 * @param {string} room @param {string} stream @param {number} n */
	show(room, stream, n) {
		const entry = this.#rooms.get(room)?.get(`${stream} ${n}`);
		if (entry)
			entry.isShown = true;
	}

	/** @param {string} room @param {string} stream @param {number} n @returns {Entry} */
	#entry(room, stream, n) {
		const entry = this.#rooms.get(room)?.get(`${stream} ${n}`);
		if (!entry)
			throw new Error(`${stream} ${n} was not said in ${room}`);
		return entry;
	}

	/** Nothing is on its way any more. @param {Row[]} rows all of these rooms, by seq @returns {Account} */
	audit(rows) {
		/** @type {Account} */
		const account = {
			stored: rows.length, acked: 0, refused: 0, refusedButStored: 0, examples: [],
			flaws: { gap: 0, missing: 0, twice: 0, unsaid: 0, reordered: 0, unseen: 0, vanished: 0 },
		};
		for (const [room, entries] of this.#rooms) {
			const places = placesOf(account, room, entries, rows.filter((row) => row.room === room));
			for (const [what, entry] of entries)
				judge(account, `${room}: ${what}`, entry, places.has(what), this.#watched.has(room));
		}
		return account;
	}
}

/** What one room's rows say by themselves. @param {Account} account @param {string} room
 * @param {Map<string, Entry>} entries @param {Row[]} rows @returns {Set<string>} what is there */
function placesOf(account, room, entries, rows) {
	/** @type {Set<string>} */
	const found = new Set();
	/** @type {Map<string, number>} */
	const last = new Map();
	for (const [i, { seq, stream, n }] of rows.entries()) {
		const what = `${stream} ${n}`;
		const before = i === 0 ? 0 : rows[i - 1].seq;
		if (seq !== before + 1)
			note(account, 'gap', `${room}: ${seq} follows ${before}`);
		if (!entries.has(what))
			note(account, 'unsaid', `${room}: ${what} is ${seq}`);
		else if (found.has(what))
			note(account, 'twice', `${room}: ${what} is ${seq} too`);
		else if (n < (last.get(stream) ?? -1) && entries.get(what)?.answer !== 'refused') // its publisher went on without it
			note(account, 'reordered', `${room}: ${what} is ${seq}, after ${last.get(stream)}`);
		found.add(what);
		last.set(stream, Math.max(n, last.get(stream) ?? -1));
	}
	return found;
}

/** @param {Account} account @param {string} what @param {Entry} entry @param {boolean} isStored @param {boolean} isWatched */
function judge(account, what, { answer, isShown }, isStored, isWatched) {
	if (answer === 'acked')
		account.acked++;
	else
		account.refused++;
	if (isStored && answer !== 'acked')
		account.refusedButStored++;
	if (!isStored && answer === 'acked')
		note(account, 'missing', `${what} was acknowledged and is not in the table`);
	if (!isStored && isShown)
		note(account, 'vanished', `${what} was shown and is not in the table`);
	if (isStored && isWatched && !isShown)
		note(account, 'unseen', `${what} is in the table and was shown to nobody`);
}

/** @param {Account} account @param {Flaw} flaw @param {string} example */
function note(account, flaw, example) {
	account.flaws[flaw]++;
	if (account.examples.length < examplesMax)
		account.examples.push(`${flaw}: ${example}`);
}

/** What must be zero, and is not. @param {Account} account @returns {string[]} */
export function flawsOf({ flaws: found }) {
	return Object.entries(found).filter(([, count]) => count !== 0).map(([flaw, count]) => `table of events: ${count} ${flaw}`);
}

/**
 * Events whose data is `{stream, n}`, in either dialect, by room and seq.
 * @param {(text: string) => Promise<Record<string, string|null>[]>} sql @param {string[]} rooms keys
 * @returns {Promise<Row[]>}
 */
export async function readEvents(sql, rooms) {
	const rows = await sql(`select room, seq, data ->> 'stream' as stream, data ->> 'n' as n
		from event, coalesce(body::json -> 'data', body::json) as data
		where room in (${rooms.map((room) => `'${room}'`).join(',')}) order by room, seq`);
	return rows.map(({ room, seq, stream, n }) => ({ room: String(room), seq: Number(seq), stream: String(stream), n: Number(n) }));
}
