// SPDX-License-Identifier: Apache-2.0
// The people and rooms of deploy/local/demo.sql. Offered on a developer's own machine only.

export const people = [
	{ name: 'Ada Lovelace', session: 'demo-ada' },
	{ name: 'Grace Brewster Hopper', session: 'demo-grace' },
	{ name: 'Zoë Ångström', session: 'demo-zoe' },
	{ name: 'Mary Kenneth Keller', session: 'demo-mary' },
	{ name: 'Alan', session: 'demo-alan' },
	{ name: 'Margaret Hamilton', session: 'demo-margaret' },
	{ name: 'Sam Stranger', session: 'demo-sam' },
];

export const rooms = ['submission:spring-letter', 'submission:press_2', 'submission:annual-report', 'document:minutes', 'document:style_guide'];
