// SPDX-License-Identifier: Apache-2.0
// The events of a room that are at hand: those that came while the page is open, and pages of the log
// before them. Every event once, whichever way it came.
import { lasting } from './submission.js';

const pageSize = 30;
const lastingSize = 100;

/** @typedef {import('moothall').RoomEvent} RoomEvent */
/** @typedef {{events: readonly RoomEvent[], feedFrom: number, ready: boolean, hasEarlier: boolean, hasEarlierComments: boolean,
 *   loading: boolean, failed: string}} Page  feedFrom: seq from which on all events are there */

/** @param {import('moothall').Room} room */
export function createLedger(room) {
	/** @type {Map<number, RoomEvent>} */
	const known = new Map();
	/** @type {Set<() => void>} */
	const listeners = new Set();
	/** @type {Page} */
	let page = { events: [], feedFrom: 0, ready: false, hasEarlier: false, hasEarlierComments: false, loading: true, failed: '' };
	let lastingFrom = 0;

	/** @param {Partial<Page>} [part] */
	function become(part) {
		const events = [...known.values()].sort((a, b) => a.seq - b.seq);
		page = { ...page, events, ...part };
		for (const listener of listeners)
			listener();
	}

	/** @param {readonly any[]} events */
	function add(events) {
		for (const event of events)
			if (!known.has(event.seq))
				known.set(event.seq, event);
	}

	/** @param {() => Promise<Partial<Page>>} work */
	async function load(work) {
		become({ loading: true, failed: '' });
		try {
			become({ ...(await work()), loading: false });
		} catch (cause) {
			// that the room may not be entered, or was left, is said elsewhere
			become({ loading: false, failed: room.status.state === 'joined' ? /** @type {any} */ (cause).reason ?? 'it could not be read' : '' });
		}
	}

	/** What was there before. */
	async function first() {
		await room.ready;
		const before = (room.seq ?? 0) + 1;
		const [recent, kinds, texts] = await Promise.all([
			room.history({ before, limit: pageSize }),
			room.history({ before, limit: lastingSize, events: lasting }),
			room.history({ before, limit: 20, events: ['content_updated'] }),
		]);
		for (const { events } of [recent, kinds, texts])
			add(events);
		lastingFrom = kinds.events[0]?.seq ?? before;
		return {
			ready: true, feedFrom: recent.events[0]?.seq ?? before, hasEarlier: recent.more, hasEarlierComments: kinds.more,
		};
	}

	const stops = [
		room.on('event', (event) => {
			add([event]);
			become();
		}),
		room.on('gap', () => void load(first)),
	];
	void load(first);

	return {
		get: () => page,
		/** @param {() => void} listener */
		subscribe(listener) {
			listeners.add(listener);
			return () => void listeners.delete(listener);
		},
		/** Further back in the feed. */
		earlier: () => load(async () => {
			const { events, more } = await room.history({ before: page.feedFrom, limit: pageSize });
			add(events);
			return { feedFrom: events[0]?.seq ?? page.feedFrom, hasEarlier: more };
		}),
		earlierComments: () => load(async () => {
			const { events, more } = await room.history({ before: lastingFrom, limit: lastingSize, events: lasting });
			add(events);
			lastingFrom = events[0]?.seq ?? lastingFrom;
			return { hasEarlierComments: more };
		}),
		close() {
			for (const stop of stops)
				stop();
		},
	};
}

/** @typedef {ReturnType<typeof createLedger>} Ledger */
