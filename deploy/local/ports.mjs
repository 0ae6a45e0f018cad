// SPDX-License-Identifier: Apache-2.0
/**
 * Free TCP ports on the loopback address. They are taken from below the range the kernel uses for
 * outgoing connections: a process that restarts must find its own port free again.
 */
import net from 'node:net';

const FIRST = 20000;
const LAST = 31999;

/** Can this process listen there now? @param {number} port @param {string} [host] */
export function portIsFree(port, host = '127.0.0.1') {
	return new Promise((resolve) => {
		const server = net.createServer();
		server.once('error', () => resolve(false));
		server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
	});
}

/** @param {number} count @returns {Promise<number[]>} different free ports */
export async function freePorts(count) {
	/** @type {Set<number>} */
	const found = new Set();
	for (let tries = 0; found.size < count; tries++) {
		if (tries > 200 + 20 * count)
			throw new Error(`no ${count} free ports between ${FIRST} and ${LAST} on 127.0.0.1`);
		const port = FIRST + Math.floor(Math.random() * (LAST - FIRST + 1));
		if (!found.has(port) && (await portIsFree(port)))
			found.add(port);
	}
	return [...found];
}
