// SPDX-License-Identifier: Apache-2.0
// Who looks at which room. A link of ./dev run carries the session: it is taken out of the address at
// once and kept for this tab alone, so that neither the history nor a copied link tells it.

const keptAs = 'moothall.session';
const roomForm = /^(submission|document):.+$/u;

/** @typedef {{room: string, session: string, isLocal: boolean}} Visit */

/** @returns {Visit} */
export function readVisit() {
	const query = new URLSearchParams(location.search);
	const given = query.get('session');
	const room = query.get('room') ?? '';
	if (given) {
		keep(given);
		query.delete('session');
		history.replaceState(null, '', `?${query}`);
	}
	return {
		room: roomForm.test(room) ? room : '',
		session: given ?? sessionStorage.getItem(keptAs) ?? '',
		isLocal: ['localhost', '127.0.0.1', '[::1]'].includes(location.hostname),
	};
}

/** @param {string} session */
function keep(session) {
	sessionStorage.setItem(keptAs, session);
}

/** @param {string} room @param {string} session */
export function enter(room, session) {
	keep(session);
	location.search = `?room=${encodeURIComponent(room)}`;
}

/** Signs this tab out. @param {string} room to come back to */
export function leave(room) {
	sessionStorage.removeItem(keptAs);
	location.search = `?room=${encodeURIComponent(room)}&signed-out`;
}

/** `submission:spring-letter` > `Spring letter`, until an event tells the title. @param {string} room */
export function nameOf(room) {
	const id = room.slice(room.indexOf(':') + 1).replace(/[-_]+/g, ' ').trim();
	return id.charAt(0).toUpperCase() + id.slice(1);
}
