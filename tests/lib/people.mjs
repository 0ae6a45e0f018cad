// SPDX-License-Identifier: Apache-2.0
// People and papers of a load, known in the database by the prefix of their names: every one has a
// connection of its own, every paper its share of them.

import crypto from 'node:crypto';

/** @typedef {import('./client.mjs').Room} Room @typedef {import('./world.mjs').User} User */
/** @typedef {{user: User, room: Room}} Seat */

export const prefix = 'load-';

/** @param {number} connections @param {number} rooms @returns {Seat[]} */
export function seats(connections, rooms) {
	const run = crypto.randomBytes(8).toString('hex');
	return Array.from({ length: connections }, (_, i) => ({
		user: { id: `${prefix}u${i}`, name: `Load ${i}`, email: `${prefix}${i}@example.org`, session: `${prefix}${run}-${i}` },
		room: { kind: 'submission', id: `${prefix}room-${String(i % rooms).padStart(4, '0')}` },
	}));
}

/** Also takes away what an earlier run left. @param {Seat[]} all @returns {string} SQL */
export function insertSql(all) {
	const rooms = new Map(all.map(({ room }) => [room.id, all.filter((seat) => seat.room.id === room.id)]));
	const rows = (/** @type {string[][]} */ values) => values.map((row) => `(${row.map((text) => `'${text}'`).join(',')})`).join(',');
	return `${removeSql()};
		insert into users (id, name, email, user_type) values
			${rows(all.map(({ user }) => [user.id, user.name, user.email, 'Reviewer']))};
		insert into sessions (id, user_id, expires_at) select id, user_id, now() + interval '1 day' from
			(values ${rows(all.map(({ user }) => [user.session, user.id]))}) as row (id, user_id);
		insert into submissions (id, title, submitted_by, required_approvers) select id, 'a load', by, string_to_array(emails, ' ') from
			(values ${rows([...rooms].map(([id, of]) => [id, of[0].user.id, of.map(({ user }) => user.email).join(' ')]))}) as row (id, by, emails)`;
}

/** @returns {string} SQL */
export function removeSql() {
	const own = ['sessions', 'submissions', 'users'].map((table) => `delete from ${table} where id like '${prefix}%'`);
	return [...own, `delete from event where room like 'submission:${prefix}%'`].join(';');
}
