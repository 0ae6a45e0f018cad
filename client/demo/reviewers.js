// SPDX-License-Identifier: Apache-2.0
// Who can be picked on the page: the same sessions, submissions and documents that
// deploy/local/demo.sql puts into the database. Tokens of a real installation are never listed.

/**
 * @typedef {object} Reviewer
 * @property {string} name
 * @property {string} session  token of the demo session
 * @property {string} about    what this reviewer may do
 */

/** @type {readonly Reviewer[]} */
export const reviewers = Object.freeze([
	{ name: 'Ada Lovelace', session: 'demo-ada', about: 'approves spring-letter and annual-report, wrote press_2' },
	{ name: 'Grace Brewster Hopper', session: 'demo-grace', about: 'approves spring-letter and press_2, wrote annual-report' },
	{ name: 'Zoë Ångström', session: 'demo-zoe', about: 'approves spring-letter and press_2' },
	{ name: 'Mary Kenneth Keller', session: 'demo-mary', about: 'approves spring-letter and annual-report' },
	{ name: 'Alan', session: 'demo-alan', about: 'wrote spring-letter' },
	{ name: 'Margaret Hamilton', session: 'demo-margaret', about: 'administrator: may enter every submission' },
	{ name: 'Sam Stranger', session: 'demo-sam', about: 'may enter nothing' },
]);

/** @type {Readonly<Record<'submission' | 'document', readonly string[]>>} */
export const rooms = Object.freeze({
	submission: ['spring-letter', 'press_2', 'annual-report'],
	document: ['minutes', 'style_guide'],
});
