// SPDX-License-Identifier: Apache-2.0
// What can be sent by hand: a button for every message that a client of the v0 dialect may send,
// and for what the application says to a room over REST. One row per button.

import { types } from './protocol.js';

/** @typedef {import('./connection.js').Connection} Connection */

/**
 * @typedef {object} Action
 * @property {string} label
 * @property {string} type                    on the wire
 * @property {(c: Connection) => object} [data]
 * @property {(c: Connection) => object} [more]  keys beside `data`
 */

const now = () => new Date().toISOString();
const me = (/** @type {Connection} */ c) => ({ userId: c.user?.userId, userName: c.user?.userName, timestamp: now() });

const caret = { line: 3, column: 14 };
const sample = 'The council approves the text as it stands.';

/** @typedef {{title: string, actions: readonly Action[]}} Group */

/** @type {readonly Group[]} */
const known = [
	{
		title: 'Presence',
		actions: [
			{ label: 'Editing started', type: 'editing_started', data: () => ({ field: 'content' }) },
			{ label: 'Editing stopped', type: 'editing_stopped', data: () => ({ field: 'content' }) },
			{ label: 'Typing start', type: 'typing_start', data: me },
			{ label: 'Typing stop', type: 'typing_stop', data: me },
			{
				label: 'Cursor position',
				type: 'cursor_position',
				data: (c) => ({
					...me(c),
					position: { ...caret, type: 'cursor', anchor: caret, focus: caret },
				}),
			},
			{ label: 'User presence', type: 'user_presence', data: () => ({ status: 'here' }) },
		],
	},
	{
		title: 'Content',
		actions: [
			{
				label: 'Content updated',
				type: 'content_updated',
				data: () => ({ field: 'richTextContent', oldValue: '', newValue: sample }),
			},
			{
				label: 'Realtime update',
				type: 'realtime_content_update',
				data: (c) => ({ content: sample, cursorPosition: caret, ...me(c), isRealTime: true }),
			},
			{
				label: 'Text operation',
				type: 'text_operation',
				data: () => ({ type: 'insert', position: 0, content: 'Draft: ', version: 1 }),
			},
			{
				label: 'Request cursor refresh',
				type: 'request_cursor_refresh',
				more: (c) => ({ targetUserId: c.user?.userId }),
			},
			{
				label: 'Request all cursors',
				type: 'request_cursor_refresh_all',
				data: (c) => ({
					requesterId: c.user?.userId,
					requesterName: c.user?.userName,
					timestamp: now(),
					reason: 'demo',
				}),
			},
		],
	},
	{
		title: 'Connection and tests',
		actions: [
			{ label: 'Ping', type: 'ping' },
			{ label: 'Pong', type: 'pong' },
			{ label: 'Heartbeat', type: 'heartbeat' },
			{
				label: 'Send Test Message',
				type: 'content_updated',
				data: () => ({ test: true, message: 'Hello from the demo page' }),
			},
			{
				label: 'Request Room State',
				type: 'content_updated',
				data: () => ({ requestRoomState: true, timestamp: now() }),
			},
		],
	},
];

const covered = new Set(known.flatMap(({ actions }) => actions.map(({ type }) => type)));
const others = Object.entries(types)
	.filter(([type, row]) => row.from !== 'server' && !covered.has(type))
	.map(([type]) => ({ label: type, type }));

/** With what the protocol has and the rows above do not know. @type {readonly Group[]} */
export const groups = others.length ? [...known, { title: 'Others', actions: others }] : known;

/** What an application tells the room once it has stored something; a browser may not send these.
 * @type {readonly {label: string, type: string, data: object}[]} */
export const fromApplication = [
	{ label: 'Comment added', type: 'comment_added', data: { comment: { content: 'Looks good to me' }, title: 'Demo' } },
	{ label: 'Approval added', type: 'approval_added', data: { approval: { status: 'APPROVED' }, title: 'Demo' } },
	{ label: 'Status changed', type: 'status_changed', data: { status: 'APPROVED', title: 'Demo' } },
];
