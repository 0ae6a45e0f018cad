// SPDX-License-Identifier: Apache-2.0
// The core: `createClient`, and the words and types around it.

export { createClient } from './client.js';
export { describe, reasons } from './connection.js';
export { MoothallError } from './error.js';

/** @typedef {import('./client.js').Client} Client */
/** @typedef {import('./client.js').Options} Options */
/** @typedef {import('./client.js').ClientEvents} ClientEvents */
/** @typedef {import('./connection.js').Status} Status */
/** @typedef {import('./connection.js').State} State */
/** @typedef {import('./connection.js').Reason} Reason */
/** @typedef {import('./roster.js').Member} Member */
/** @typedef {import('./roster.js').Connection} Connection */
/** @typedef {import('./reader.js').Page} Page */
/** @typedef {import('./reader.js').StoredEvent} StoredEvent */
/** @typedef {import('./room.js').Cast} Cast */
/** @typedef {import('./room.js').Gap} Gap */
/** @typedef {import('./room.js').Self} Self */
/** @typedef {import('./room.js').SaveStatus} SaveStatus */
/** @typedef {import('./room.js').RoomStatus} RoomStatus */
/** @template [D=any] @typedef {import('./room.js').RoomEvent<D>} RoomEvent */
/** @template {Record<string, any>} [E=Record<string, any>] @typedef {import('./room.js').Room<E>} Room */
/** @template {Record<string, any>} [E=Record<string, any>] @typedef {import('./room.js').RoomEvents<E>} RoomEvents */
