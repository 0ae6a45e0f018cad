// SPDX-License-Identifier: Apache-2.0
// The people and rooms of deploy/local/demo.sql. Offered on a developer's own machine only.

export const people = [
	{ id: 'ada_l', name: 'Ada Lovelace', session: 'demo-ada' },
	{ id: 'grace@example.org', name: 'Grace Brewster Hopper', session: 'demo-grace' },
	{ id: 'u-3', name: 'Zoë Ångström', session: 'demo-zoe' },
	{ id: 'mary_k_2', name: 'Mary Kenneth Keller', session: 'demo-mary' },
	{ id: 'u-5', name: 'Alan', session: 'demo-alan' },
	{ id: 'root_admin', name: 'Margaret Hamilton', session: 'demo-margaret' },
	{ id: 'u-7', name: 'Sam Stranger', session: 'demo-sam' },
];

export const rooms = ['submission:spring-letter', 'submission:press_2', 'submission:annual-report', 'document:minutes', 'document:style_guide'];
