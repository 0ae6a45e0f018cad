// SPDX-License-Identifier: Apache-2.0
// Which models are checked, in which bounds, and what must come out. A bound that is not named has the
// value in the model. The mutants run in the smallest bounds that show them.

/**
 * @typedef {object} Run
 * @property {string} model    of proto/model
 * @property {string} name     what it shows
 * @property {string} defines  switches and bounds, as `-D` takes them
 * @property {'holds' | 'violated'} expect
 * @property {Claim} [claim]   violated: the assertion that must be, and no other
 * @property {Search} search
 *
 * @typedef {'exhaustive' | 'compressed' | 'bitstate'} Search  bitstate is a sample: check.mjs
 * @typedef {keyof typeof CLAIMS} Claim
 */

/** What the assertions say, by a piece of each that no other has. */
export const CLAIMS = {
	'who commits owns the slot': 'row_epoch==append',
	'the owner knows where the log ends': 'head==stored',
	'events are stored once, in the order of their producer': 'log_pseq[(stored-1)]==stored',
	'what was acknowledged is stored': '==value))||',
	'nobody is shown as gone who is not': 'shows[g]',
	'in the end everybody shows what is true': 'shows[0]==',
	'every cast is shown': 'shown==',
	'relay numbers grow': 'second>number',
	'reached': 'violated 0 ',
};

/** @type {Run[]} */
export const SHORT = [
	holds('slot', 'two assignments and a crash', 'UNKNOWNS=0'),
	holds('slot', 'a crash, an unknown outcome, a link lost', 'ASSIGNS=1 LINK_LOSSES=1'),
	holds('slot', 'somebody listens', 'ASSIGNS=1 CRASHES=0 UNKNOWNS=0 LISTENERS=1'),
	violated('slot', 'NO_SHARE', 'who commits owns the slot', 'ASSIGNS=1 CRASHES=0'),
	violated('slot', 'NO_EPOCH', 'who commits owns the slot', 'ASSIGNS=1 CRASHES=0'),
	violated('slot', 'NO_TAKE', 'the owner knows where the log ends', 'ASSIGNS=1 CRASHES=0'),
	violated('slot', 'EARLY_HEAD', 'the owner knows where the log ends', 'ASSIGNS=1 CRASHES=0'),
	violated('slot', 'ACK_EARLY', 'what was acknowledged is stored', 'ASSIGNS=1 CRASHES=0'),
	violated('slot', 'NO_KEY', 'events are stored once, in the order of their producer', 'ASSIGNS=1 CRASHES=0'),
	violated('slot', 'REACH', 'reached', 'LINK_LOSSES=1 LISTENERS=1'),

	holds('presence', 'an assignment, a room in a hurry', 'ASSIGNS=1 CRASHES=0'),
	holds('presence', 'the same, watched at both gateways', 'ASSIGNS=1 CRASHES=0 WATCHERS=2'),
	holds('presence', 'a crash, a link lost', 'ASSIGNS=0 HURRIES=0 LINK_LOSSES=1 WATCHERS=2'),
	holds('presence', 'a slot taken again, a link lost', 'ASSIGNS=0 CRASHES=0 TAKES=1 LINK_LOSSES=1 WATCHERS=2'),
	violated('presence', 'NO_COVERAGE', 'nobody is shown as gone who is not', 'ASSIGNS=1 CRASHES=0'),
	violated('presence', 'NO_SOLICIT', 'in the end everybody shows what is true', 'ASSIGNS=1 CRASHES=0'),
	violated('presence', 'ASK_ONCE', 'in the end everybody shows what is true', 'ASSIGNS=1 CRASHES=0'),
	violated('presence', 'NO_CONN_GEN', 'nobody is shown as gone who is not', 'ASSIGNS=1 CRASHES=0'),
	violated('presence', 'OLD_HOME', 'nobody is shown as gone who is not', 'ASSIGNS=1 CRASHES=0'),
	violated('presence', 'LEFT_UNCOVERED', 'nobody is shown as gone who is not', 'ASSIGNS=1 CRASHES=0 WATCHERS=2'),
	violated('presence', 'LOST_LEAVE', 'in the end everybody shows what is true', 'ASSIGNS=1 CRASHES=0'),
	violated('presence', 'OLD_ATTACH', 'in the end everybody shows what is true', 'CRASHES=0 HURRIES=0'),
	violated('presence', 'REACH', 'reached', 'ASSIGNS=1 CRASHES=0'),

	holds('move', 'there and back'),
	violated('move', 'NO_HOLD', 'every cast is shown', 'MOVES=1'),
	violated('move', 'NO_HELD', 'every cast is shown', 'CASTS=1 MOVES=1'),
	violated('move', 'ONE_HOLD', 'every cast is shown', 'MOVES=1'),
	violated('move', 'MOVE_SHUT', 'every cast is shown'),
	violated('move', 'NO_SHUT', 'every cast is shown'),
	violated('move', 'NEW_NUMBERS', 'relay numbers grow'),
	violated('move', 'REACH', 'reached'),
];

/** What the larger search adds. @type {Run[]} */
export const LARGE = [
	holds('slot', 'two assignments, a crash, an unknown outcome'),
	holds('slot', 'somebody listens, an unknown outcome', 'ASSIGNS=1 CRASHES=0 LISTENERS=1'),
	holds('slot', 'somebody listens, a crash', 'ASSIGNS=1 UNKNOWNS=0 LISTENERS=1'),
	holds('slot', 'all of it but listeners', 'LINK_LOSSES=1', 'compressed'),
	holds('slot', 'all of it', 'LINK_LOSSES=1 LISTENERS=1', 'bitstate'),
	holds('presence', 'an assignment, a link lost', 'ASSIGNS=1 CRASHES=0 HURRIES=0 LINK_LOSSES=1'),
	holds('presence', 'an assignment, a slot taken again', 'ASSIGNS=1 CRASHES=0 HURRIES=0 TAKES=1', 'compressed'),
	holds('presence', 'an assignment, a crash', 'ASSIGNS=1 HURRIES=0', 'compressed'),
	holds('presence', 'two assignments', 'CRASHES=0 HURRIES=0', 'compressed'),
	holds('presence', 'all of it, watched at both gateways', 'TAKES=1 LINK_LOSSES=1 WATCHERS=2', 'bitstate'),
	holds('move', 'five casts, four moves', 'CASTS=5 MOVES=4'),
];

/** @param {string} model @param {string} name @param {string} [defines] @param {Search} [search] @returns {Run} */
function holds(model, name, defines = '', search = 'exhaustive') {
	return { model, name, defines, search, expect: 'holds' };
}

/** @param {string} model @param {string} mutant its switch @param {Claim} claim @param {string} [bounds] @returns {Run} */
function violated(model, mutant, claim, bounds = '') {
	return { model, name: mutant, defines: `${mutant} ${bounds}`.trim(), search: 'exhaustive', expect: 'violated', claim };
}
