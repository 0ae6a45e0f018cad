// SPDX-License-Identifier: Apache-2.0
// Many who sit in a room and drop what they hear, in a thread of their own: so that reading costs the one
// that measures nothing.

import { once } from 'node:events';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { RawSocket } from './raw.mjs';

export class Listeners {
	/** @param {Worker} worker */
	constructor(worker) {
		this.worker = worker;
	}

	/** @param {string[]} urls of their sockets */
	static async open(urls) {
		const worker = new Worker(new URL(import.meta.url), { workerData: { urls } });
		await once(worker, 'message'); // or its error
		return new Listeners(worker);
	}

	async end() {
		await this.worker.terminate();
	}
}

if (!isMainThread && workerData?.urls) {
	for (const url of workerData.urls) {
		const { socket } = await RawSocket.open(url);
		socket.removeAllListeners('data');
		socket.resume();
	}
	parentPort?.postMessage('ready');
}
