// SPDX-License-Identifier: Apache-2.0
// How long to wait before the next attempt: anything from nothing to a ceiling that doubles, so that
// thousands who lost one gateway do not come back in step. There is no last attempt.

const firstMs = 250;
const mostMs = 20_000;
/** A connection that held for so long was a good one. */
export const steadyMs = 10_000;
/** One that did not hold had a server that works, all the same: as if after so many attempts, at most. */
export const afterWelcome = 2;

/** @param {number} attempt 0, 1, 2 ... @param {() => number} random 0 to 1 @param {number} [atLeastMs] as the server asked @returns {number} ms */
export function pause(attempt, random, atLeastMs = 0) {
	return atLeastMs + random() * Math.min(mostMs, firstMs * 2 ** attempt);
}
