// SPDX-License-Identifier: Apache-2.0
// Waiting for what only asking can tell, with a deadline.

/** @param {() => boolean | Promise<boolean>} is @param {string | (() => string)} what */
export async function eventually(is, what, ms = 10_000) {
	for (const deadline = Date.now() + ms; !(await is());) {
		if (Date.now() > deadline)
			throw new Error(`waited ${ms} ms for ${typeof what === 'function' ? what() : what}`);
		await new Promise((resolve) => setTimeout(resolve, 50));
	}
}
