// SPDX-License-Identifier: Apache-2.0
// The shapes of the v0 dialect as a browser uses them: addresses, the envelope of a message, the
// REST calls of a room. No state, no DOM.

/**
 * @typedef {object} Room
 * @property {'submission' | 'document'} kind
 * @property {string} id
 *
 * @typedef {object} User
 * @property {string} userId
 * @property {string} userName
 * @property {string} userEmail
 *
 * @typedef {object} Target   where to connect, and as whom
 * @property {Room} room
 * @property {string} session token; never shown, never logged
 * @property {string} host    host:port of the gateway
 * @property {boolean} secure
 */

const idKey = { submission: 'submissionId', document: 'documentId' };

/** @param {string} text `submission:demo-1` @returns {Room | null} */
export function readRoom(text) {
	const match = /^(submission|document):(.+)$/s.exec(text);
	return match ? { kind: /** @type {Room['kind']} */ (match[1]), id: match[2] } : null;
}

/** @param {Target} target */
function httpBase(target) {
	return `${target.secure ? 'https' : 'http'}://${target.host}`;
}

/** @param {Room} room */
function roomPath(room) {
	return `/api/ws/${room.kind}s/${encodeURIComponent(room.id)}`;
}

/** The address of the room's socket without its query: what may be shown and logged.
 * @param {Target} target */
export function shownUrl(target) {
	return `${target.secure ? 'wss' : 'ws'}://${target.host}${roomPath(target.room)}`;
}

/** @param {Target} target @param {User} user */
export function socketUrl(target, user) {
	const query = [
		[idKey[target.room.kind], target.room.id],
		['userId', user.userId],
		['userName', user.userName],
		['userEmail', user.userEmail],
		['sessionId', target.session],
	].map(([key, value]) => `${key}=${encodeURIComponent(value)}`);
	return `${shownUrl(target)}?${query.join('&')}`;
}

/** One client message as the old client writes it: the whole envelope, identity included. The
 * gateway stamps the true identity over it.
 * @param {Target} target @param {User} user @param {string} type
 * @param {{data?: object, [key: string]: unknown}} [more] */
export function message(target, user, type, more = {}) {
	return {
		type,
		[idKey[target.room.kind]]: target.room.id,
		...user,
		...more,
		timestamp: new Date().toISOString(),
	};
}

/** @param {Target} target @param {string} path @param {RequestInit} [init] */
function ask(target, path, init = {}) {
	const headers = { Authorization: `Bearer ${target.session}`, ...init.headers };
	const signal = AbortSignal.timeout(10_000);
	return fetch(httpBase(target) + path, { cache: 'no-store', signal, ...init, headers });
}

/** @param {Target} target */
export const askSession = (target) => ask(target, '/api/auth/session');

/** @param {Target} target */
export const askRoom = (target) => ask(target, `${roomPath(target.room)}/room`);

/** What the application would send after storing something. @param {Target} target @param {object} body */
export function broadcast(target, body) {
	return ask(target, `${roomPath(target.room)}/broadcast`, {
		method: 'POST',
		headers: { 'Content-Type': 'application/json' },
		body: JSON.stringify(body),
	});
}

/** The user of a session, as GET /api/auth/session tells it. @param {any} answer @returns {User} */
export function readUser(answer) {
	const user = answer?.user ?? answer?.data ?? answer ?? {};
	const email = String(user.email ?? '');
	return {
		userId: String(user.id || answer?.userId || email),
		userName: String(user.name || email),
		userEmail: email,
	};
}
