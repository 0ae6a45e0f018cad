// SPDX-License-Identifier: Apache-2.0
// What the browser says about the network and the page: the moments at which waiting longer would be
// wrong. Elsewhere (Node) there is nothing to hear.

/** @param {{wake: () => void, doubt: () => void}} on @returns {() => void} how to stop */
export function watchSurroundings({ wake, doubt }) {
	const { document: page, window } = globalThis;
	const visible = () => page.visibilityState === 'visible' && wake();
	/** @type {[EventTarget | undefined, string, () => void][]} */
	const heard = [
		[window, 'online', wake],
		[window, 'offline', doubt],
		[window, 'pageshow', wake],
		[page, 'visibilitychange', visible],
	];
	for (const [target, name, handler] of heard)
		target?.addEventListener(name, handler);
	return () => {
		for (const [target, name, handler] of heard)
			target?.removeEventListener(name, handler);
	};
}
