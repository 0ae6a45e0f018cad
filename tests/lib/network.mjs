// SPDX-License-Identifier: Apache-2.0
// A network of its own for single processes of a cluster: each in a network namespace, all on one
// bridge, so that a test can cut one way between two of them and nothing else. Needs root and iproute2.
// Everything is gone when the test is, also when it fails.

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';

const prefix = 'moot';

export class Network {
	#id = process.pid;
	#net = `10.${200 + (process.pid % 50)}.${(process.pid >> 6) % 250}`;
	#hosts = 1;
	/** @type {string[]} */ #spaces = [];
	/** @type {net.Server[]} */ #servers = [];
	/** @type {Set<net.Socket>} */ #sockets = new Set();

	constructor() {
		if (process.getuid?.() !== 0)
			throw new Error('this test makes network namespaces: run it as root');
		clearLeftovers();
		process.once('exit', () => this.close());
		ip('link', 'add', this.#bridge, 'type', 'bridge');
		this.own = this.address();
		ip('link', 'set', this.#bridge, 'up');
	}

	get #bridge() {
		return `${prefix}${this.#id}b`;
	}

	/** One more address of this side. @returns {string} */
	address() {
		const address = `${this.#net}.${this.#hosts++}`;
		ip('address', 'add', `${address}/24`, 'dev', this.#bridge);
		return address;
	}

	/** A namespace with an address of its own. */
	space() {
		const n = this.#spaces.length;
		const name = `${prefix}${this.#id}n${n}`;
		const link = `${prefix}${this.#id}v${n}`;
		const address = `${this.#net}.${this.#hosts++}`;
		ip('netns', 'add', name);
		this.#spaces.push(name);
		ip('link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
		ip('link', 'set', link, 'master', this.#bridge, 'up');
		ip('-n', name, 'link', 'set', 'lo', 'up');
		ip('-n', name, 'address', 'add', `${address}/24`, 'dev', 'eth0');
		ip('-n', name, 'link', 'set', 'eth0', 'up');
		return {
			address,
			/** @param {string[]} command */
			inside: (command) => ['ip', 'netns', 'exec', name, ...command],
			/** Nothing that is sent to this address arrives. @param {string} to */
			cut: (to) => ip('-n', name, 'route', 'add', 'blackhole', `${to}/32`),
			/** @param {string} to */
			heal: (to) => ip('-n', name, 'route', 'del', 'blackhole', `${to}/32`),
		};
	}

	/** What comes to this address is passed on to a port of this machine. @param {string} address @param {number} port */
	async forward(address, port) {
		const server = net.createServer((socket) => {
			const onward = net.connect(port, '127.0.0.1');
			for (const one of [socket, onward]) {
				this.#sockets.add(one);
				one.on('error', () => {}).once('close', () => {
					this.#sockets.delete(one);
					socket.destroy();
					onward.destroy();
				});
			}
			socket.pipe(onward).pipe(socket);
		});
		this.#servers.push(server);
		await new Promise((resolve) => server.listen(port, address, () => resolve(undefined)));
	}

	close() {
		for (const socket of this.#sockets)
			socket.destroy();
		for (const server of this.#servers.splice(0))
			server.close();
		for (const name of this.#spaces.splice(0))
			remove('netns', 'del', name);
		remove('link', 'del', this.#bridge);
	}
}

/** Of tests that were killed. */
function clearLeftovers() {
	const isOver = (/** @type {string} */ name) => {
		const pid = new RegExp(`^${prefix}(\\d+)[bn]`).exec(name)?.[1];
		return pid !== undefined && !fs.existsSync(`/proc/${pid}`);
	};
	for (const name of ip('netns', 'list').split('\n').map((line) => line.split(' ')[0]).filter(isOver))
		remove('netns', 'del', name);
	for (const name of fs.readdirSync('/sys/class/net').filter(isOver))
		remove('link', 'del', name);
}

/** @param {...string} args */
function ip(...args) {
	return execFileSync('ip', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** @param {...string} args */
function remove(...args) {
	try {
		ip(...args);
	} catch {
		// it was not there
	}
}
