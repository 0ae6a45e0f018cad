// SPDX-License-Identifier: Apache-2.0
// What members of a room may be shown, and the account of what they were shown instead. Told of
// everything that is said and heard; knows no sockets and no clock. Whoever feeds it decides what a
// connection is; it decides what is lost, doubled, out of order, or a lie about who is there.
//
// A stream is what one producer says to one room: numbers 0 1 2 ... A reader is one connection; one
// that comes back is another reader.

const historyMax = 4_000; // messages of a room whose number is remembered
const examplesMax = 20;

/**
 * @typedef {object} Stream
 * @property {number} said          how many numbers were taken
 * @property {string|undefined} by  the reader that does not hear itself
 * @property {Set<number>} heard    by anybody
 * @property {number} last          the greatest of them, or -1
 * @property {Set<number>} doubted  said, but nobody promised that it would arrive
 * @property {Set<number>} spared   said while it could not arrive: it may be missing, also for some
 * @property {boolean} isCut        what nobody heard may have gone with the connection
 *
 * @typedef {{next: number, floor: number, missing: Set<number>, late: Set<number>}} Place  of one reader in one stream
 *
 * @typedef {object} Reader
 * @property {number} seq           of the last message
 * @property {boolean} isHere
 * @property {Map<string, Place>} places
 *
 * @typedef {object} Room
 * @property {Map<string, Stream>} streams
 * @property {Map<string, Reader>} readers
 * @property {Map<number, string>} history  number -> what it was, for all readers the same
 * @property {Set<string>|undefined} members  user ids, once they are not meant to change
 * @property {boolean} isSpared     what connections say may be missing
 *
 * @typedef {'lost'|'doubled'|'reordered'|'unnumbered'|'forked'|'left'|'joined'} Violation
 */

/** @type {readonly Violation[]} */
export const violations = ['lost', 'doubled', 'reordered', 'unnumbered', 'forked', 'left', 'joined'];

export class Checker {
	/** @type {Map<string, Room>} */ #rooms = new Map();
	/** @type {Record<Violation, number>} */ #seen = { lost: 0, doubled: 0, reordered: 0, unnumbered: 0, forked: 0, left: 0, joined: 0 };
	/** The first few violations in words. @type {string[]} */ examples = [];

	/** @param {string} room */
	#room(room) {
		let found = this.#rooms.get(room);
		if (!found)
			this.#rooms.set(room, (found = { streams: new Map(), readers: new Map(), history: new Map(), members: undefined, isSpared: false }));
		return found;
	}

	/** A producer starts to count; `by` is the connection it speaks through, which does not hear itself.
	 * @param {string} room @param {string} stream @param {string} [by] */
	begin(room, stream, by) {
		this.#room(room).streams.set(stream, { said: 0, by, heard: new Set(), last: -1, doubted: new Set(), spared: new Set(), isCut: false });
	}

	/** The number to say next. @param {string} room @param {string} stream @returns {number} */
	say(room, stream) {
		const of = this.#stream(room, stream);
		if (of.by !== undefined && this.#room(room).isSpared)
			of.spared.add(of.said);
		return of.said++;
	}

	/** Until `demand`, what connections say to this room may be missing, for all or for some; and so may
	 * what is on its way now. What comes must still come once and in order. @param {string} room */
	spare(room) {
		const found = this.#room(room);
		found.isSpared = true;
		for (const [name, reader] of found.readers)
			for (const [key, stream] of found.streams)
				if (reader.isHere && stream.by !== undefined && stream.by !== name)
					for (let n = nextOf(reader, key); n < stream.said; n++)
						stream.spared.add(n);
	}

	/** From now on what is said must arrive again. @param {string} room */
	demand(room) {
		this.#room(room).isSpared = false;
	}

	/** What was said under this number may arrive or not: at all readers, or at none.
	 * @param {string} room @param {string} stream @param {number} n */
	doubt(room, stream, n) {
		this.#stream(room, stream).doubted.add(n);
	}

	/** The producer's connection ended without its doing: its last numbers may be gone.
	 * @param {string} room @param {string} stream */
	cut(room, stream) {
		this.#stream(room, stream).isCut = true;
	}

	/** From now on this connection hears everything. @param {string} room @param {string} reader */
	enter(room, reader) {
		const { streams, readers } = this.#room(room);
		const places = new Map([...streams].map(([name, { said }]) => [name, { next: -1, floor: said, missing: new Set(), late: new Set() }]));
		readers.set(reader, { seq: 0, isHere: true, places });
	}

	/** This connection hears nothing more. @param {string} room @param {string} reader */
	exit(room, reader) {
		const found = this.#room(room).readers.get(reader);
		if (found)
			found.isHere = false;
	}

	/** @param {string} room @param {string} reader @param {string} stream @param {number} n @param {number} seq */
	hear(room, reader, stream, n, seq) {
		this.#number(room, reader, seq, `${stream} ${n}`);
		const { readers, streams } = this.#room(room);
		const said = streams.get(stream);
		if (!said || n >= said.said || said.by === reader)
			return this.#note('doubled', `${reader} heard ${stream} ${n}, which was not said to it`);
		said.heard.add(n);
		said.last = Math.max(said.last, n);
		const to = readers.get(reader);
		if (!to)
			return; // not welcomed yet: it may hear, it need not
		const place = to.places.get(stream) ?? { next: -1, floor: 0, missing: new Set(), late: new Set() };
		to.places.set(stream, place);
		this.#take(place, n, `${reader} heard ${stream} ${n}`, said.doubted.has(n));
	}

	/** Whoever goes on after a refusal without saying it again has no order to expect: what is doubted may
	 * come late, once. @param {Place} place @param {number} n @param {string} what @param {boolean} isDoubted */
	#take(place, n, what, isDoubted) {
		if (n >= place.next) {
			for (let gap = Math.max(place.next, place.floor); gap < n; gap++)
				place.missing.add(gap);
			place.next = n + 1;
		} else if (isDoubted && !place.late.has(n)) {
			place.late.add(n);
			place.missing.delete(n);
		} else if (place.missing.delete(n)) {
			this.#note('reordered', `${what} after ${place.next - 1}`);
		} else {
			this.#note('doubled', `${what} again; the last was ${place.next - 1}`);
		}
	}

	/** Any other message of the room that has a number. @param {string} room @param {string} reader @param {number} seq */
	hearOther(room, reader, seq) {
		this.#number(room, reader, seq, undefined);
	}

	/** @param {string} room @param {string} reader @param {number} seq @param {string|undefined} what */
	#number(room, reader, seq, what) {
		const { readers, history } = this.#room(room);
		const to = readers.get(reader);
		if (to && !(seq > to.seq))
			this.#note('unnumbered', `${reader} got ${what ?? 'a message'} as ${seq} after ${to.seq}`);
		if (to)
			to.seq = Math.max(seq, to.seq);
		if (what === undefined || !Number.isSafeInteger(seq))
			return;
		const known = history.get(seq);
		if (known !== undefined && known !== what)
			this.#note('forked', `${room} ${seq} is ${known} and ${what}`);
		history.set(seq, what);
		if (history.size > historyMax)
			history.delete(/** @type {number} */ (history.keys().next().value));
	}

	/** From now on nobody comes and nobody goes. @param {string} room @param {Iterable<string>} users */
	settle(room, users) {
		this.#room(room).members = new Set(users);
	}

	/** Shown to somebody as having left or joined. @param {string} room @param {string} reader @param {'left'|'joined'} what @param {string} user */
	hearPresence(room, reader, what, user) {
		if (this.#room(room).members)
			this.#note(what, `${reader} was told that ${user} ${what} ${room}`);
	}

	/** A list of who is there. @param {string} room @param {string} reader @param {Iterable<string>} users */
	hearList(room, reader, users) {
		const { members } = this.#room(room);
		if (!members)
			return;
		const listed = new Set(users);
		for (const user of members)
			if (!listed.has(user))
				this.#note('left', `${reader} got a list of ${room} without ${user}`);
		for (const user of listed)
			if (!members.has(user))
				this.#note('joined', `${reader} got a list of ${room} with ${user}`);
	}

	/** Has everybody who is here heard everything that had to arrive? */
	get isComplete() {
		for (const [, room] of this.#rooms)
			for (const [name, reader] of room.readers)
				for (const [, missing] of unheard(room, name, reader))
					if (missing.length > 0)
						return false;
		return true;
	}

	/** What was passed over so far, in words, the first few. @returns {string[]} */
	get losses() {
		const found = [];
		for (const [, room] of this.#rooms)
			for (const [name, reader] of room.readers)
				for (const [stream, place] of reader.places)
					for (const n of place.missing)
						if (found.length < examplesMax && isOwed(room.streams.get(stream), n))
							found.push(`lost: ${name} heard ${stream} ${place.next - 1}, but not ${n}`);
		return found;
	}

	/** So far; what is still on its way does not count as lost. @returns {Record<Violation, number>} */
	get counts() {
		let gaps = 0;
		for (const [, room] of this.#rooms)
			for (const [, reader] of room.readers)
				for (const [stream, place] of reader.places)
					gaps += [...place.missing].filter((n) => isOwed(room.streams.get(stream), n)).length;
		return { ...this.#seen, lost: this.#seen.lost + gaps };
	}

	/** What was passed over and was allowed to be missing, counted once for each reader. */
	get spared() {
		let count = 0;
		for (const [, room] of this.#rooms)
			for (const [, reader] of room.readers)
				for (const [stream, place] of reader.places)
					count += [...place.missing].filter((n) => room.streams.get(stream)?.spared.has(n)).length;
		return count;
	}

	/** Nothing more is on its way: what a reader has not heard by now is lost to it. */
	finish() {
		for (const [, room] of this.#rooms)
			for (const [name, reader] of room.readers) {
				for (const [stream, missing] of unheard(room, name, reader))
					for (const n of missing)
						this.#note('lost', `${name} never heard ${stream} ${n}`);
				reader.places.clear();
				reader.isHere = false;
			}
		return this.counts;
	}

	/** @param {string} room @param {string} stream @returns {Stream} */
	#stream(room, stream) {
		const found = this.#room(room).streams.get(stream);
		if (!found)
			throw new Error(`${stream} has not begun in ${room}`);
		return found;
	}

	/** @param {Violation} violation @param {string} example */
	#note(violation, example) {
		this.#seen[violation]++;
		if (this.examples.length < examplesMax)
			this.examples.push(`${violation}: ${example}`);
	}
}

/** Must everybody who was there hear it? @param {Stream|undefined} stream @param {number} n */
function isOwed(stream, n) {
	if (!stream || stream.spared.has(n))
		return false;
	if (stream.heard.has(n))
		return true;
	// A connection is read in order: a number that was passed over by a later one was not cut off.
	return stream.isCut ? n < stream.last : !stream.doubted.has(n);
}

/** The first number of a stream that this reader has not passed. @param {Reader} reader @param {string} stream */
function nextOf(reader, stream) {
	const { next, floor } = reader.places.get(stream) ?? { next: -1, floor: 0 };
	return Math.max(next, floor);
}

/** What each stream owes to this reader. @param {Room} room @param {string} name @param {Reader} reader
 * @returns {Generator<[string, number[]]>} */
function* unheard(room, name, reader) {
	for (const [key, stream] of room.streams) {
		if (stream.by === name)
			continue;
		const numbers = [...(reader.places.get(key)?.missing ?? [])];
		for (let n = nextOf(reader, key); reader.isHere && n < stream.said; n++)
			numbers.push(n);
		yield [key, numbers.filter((n) => isOwed(stream, n))];
	}
}
