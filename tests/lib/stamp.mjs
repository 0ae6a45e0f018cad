// SPDX-License-Identifier: Apache-2.0
// What the server writes into every message of a room, whatever its sender wrote there.

import assert from 'node:assert/strict';

export const iso = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** The identity of `client`, its room's id, a true time and a number are in this message.
 * @param {import('./client.mjs').Client} client @param {any} message */
export function assertStamped(client, message) {
	const idKey = `${client.room.kind}Id`;
	const other = client.room.kind === 'submission' ? 'documentId' : 'submissionId';
	assert.equal(message.userId, client.user.id);
	assert.equal(message.userName, client.user.name);
	assert.equal(message.userEmail, client.user.email);
	assert.equal(message[idKey], client.room.id);
	assert.equal(Object.hasOwn(message, other), false, 'the id of the other kind of room is absent, not null');
	assert.match(message.timestamp, iso);
	assert.ok(Math.abs(Date.parse(message.timestamp) - Date.now()) < 60_000);
	assert.ok(Number.isSafeInteger(message.seq) && message.seq > 0);
}
