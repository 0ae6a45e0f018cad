// SPDX-License-Identifier: Apache-2.0
// What all clients of the old kind on one page share: one core client, and so one socket, for each API.
// It is there as long as one of them is connected.

import { createClient } from './client.js';
import { clock as realClock } from './clock.js';

/**
 * @typedef {object} Settings
 * @property {string} [apiUrl]   as the application has it, `https://host/api`; default: that of the page's own host
 * @property {Pick<Storage, 'getItem'>} [storage]  where `sessionId` is; default localStorage
 * @property {import('./socket.js').SocketClass} [WebSocket]  default the global one
 * @property {import('./clock.js').Clock} [clock]  for tests
 * @property {() => number} [random]               for tests
 */

const lingerMs = 1_000; // a view that is taken down and put up again at once never left

/** @type {Settings} */
let settings = {};
/** @type {Map<string, {client: import('./client.js').Client, users: number}>} */
const homes = new Map();

/** Say once where the API is, before anything connects. @param {Settings} given */
export function configure(given) {
	settings = { ...settings, ...given };
}

/** @returns {import("./clock.js").Clock} */
export const clock = () => settings.clock ?? realClock;

/** The session of the application; null: nobody is signed in. */
export function readSession() {
	return (settings.storage ?? globalThis.localStorage).getItem('sessionId');
}

/** @param {string} [apiUrl] @returns {{client: import('./client.js').Client, leave: (then: () => void) => void}} */
export function enterHome(apiUrl = settings.apiUrl ?? '/api') {
	const home = homes.get(apiUrl) ?? { client: makeClient(apiUrl), users: 0 };
	homes.set(apiUrl, home);
	home.users++;
	return {
		client: home.client,
		leave(then) {
			clock().after(lingerMs, () => {
				then();
				if (--home.users > 0)
					return;
				home.client.close();
				homes.delete(apiUrl);
			});
		},
	};
}

/** @param {string} apiUrl */
function makeClient(apiUrl) {
	const { WebSocket, random } = settings;
	return createClient({ url: () => baseOf(apiUrl), auth: readSession, WebSocket, clock: clock(), random });
}

/** The gateways answer beside the API: `https://host/api` is `https://host`. @param {string} apiUrl */
function baseOf(apiUrl) {
	const url = new URL(apiUrl, globalThis.location?.href);
	url.pathname = url.pathname.replace(/\/api\/?$/, '/');
	return url.href;
}
