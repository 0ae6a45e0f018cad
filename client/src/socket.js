// SPDX-License-Identifier: Apache-2.0
// One WebSocket, from opening to its end. Once it is closed here it says nothing more: an old socket
// can never be taken for the present one.

import { protocol } from './protocol.js';

/** @typedef {{type: string, [member: string]: any}} Message */
/**
 * @typedef {object} SocketLike  what of a WebSocket is used
 * @property {((event: any) => void) | null} onopen
 * @property {((event: any) => void) | null} onmessage
 * @property {((event: any) => void) | null} onclose
 * @property {((event: any) => void) | null} onerror
 * @property {(text: string) => void} send
 * @property {(code?: number, reason?: string) => void} close
 * @property {number} readyState
 * @typedef {new (url: string, protocol: string) => SocketLike} SocketClass
 *
 * @typedef {object} Socket
 * @property {(message: Message) => void} send
 * @property {(code?: number) => void} close
 */

/**
 * @param {object} how
 * @param {SocketClass} how.WebSocket
 * @param {string} how.url
 * @param {() => void} how.onOpen
 * @param {(message: Message) => void} how.onMessage
 * @param {(code: number) => void} how.onClose   not after `close`
 * @param {(sent: boolean, message: Message) => void} how.onFrame
 * @returns {Socket}
 */
export function openSocket({ WebSocket, url, onOpen, onMessage, onClose, onFrame }) {
	const socket = new WebSocket(url, protocol);
	let open = true;
	socket.onopen = () => open && onOpen();
	socket.onmessage = ({ data }) => {
		const message = open && read(data);
		if (message) {
			onFrame(false, message);
			onMessage(message);
		}
	};
	socket.onerror = () => {}; // onclose follows and says more
	socket.onclose = ({ code }) => {
		if (open) {
			open = false;
			onClose(code);
		}
	};
	return {
		send(message) {
			if (!open || socket.readyState !== 1)
				return;
			onFrame(true, message);
			socket.send(JSON.stringify(message));
		},
		close(code = 1000) {
			open = false;
			socket.close(code);
		},
	};
}

/** @param {any} data @returns {Message | null} */
function read(data) {
	try {
		const message = JSON.parse(data);
		return typeof message?.type === 'string' ? message : null;
	} catch {
		return null;
	}
}
