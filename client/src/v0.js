// SPDX-License-Identifier: Apache-2.0
// The names of the client of the relay that Moothall replaces, on top of the core: an application moves
// over by changing one import, and saying once where its API is.

import { configure } from './v0_home.js';
import { RelayRoom } from './v0_room.js';

export { configure };

/** @typedef {import('./v0_room.js').WebSocketMessage} WebSocketMessage */
/** @typedef {import('./v0_room.js').WebSocketEventHandler} WebSocketEventHandler */
/** @typedef {{apiUrl?: string}} Options */
/** @typedef {{type: string, position: number, content?: string, length?: number, attributes?: Record<string, any>, version: number}} TextOperation */

export class SubmissionWebSocketClient extends RelayRoom {
	/** @param {string} submissionId @param {string} userId @param {string} userName @param {string} userEmail @param {Options} [options] */
	constructor(submissionId, userId, userName, userEmail, { apiUrl } = {}) {
		super('submission', submissionId, { userId, userName, userEmail }, apiUrl);
	}

	/** Says that one edits. */
	notifyEditingStarted() {
		this.send({ type: 'editing_started', data: { field: 'content' } });
	}

	/** Says that one does not any more. */
	notifyEditingStopped() {
		this.send({ type: 'editing_stopped', data: { field: 'content' } });
	}

	/** Says what one changed. @param {any} changes */
	notifyContentUpdated(changes) {
		this.send({ type: 'content_updated', data: changes });
	}
}

export class CollaborativeWebSocketClient extends RelayRoom {
	#operations = 0;

	/** @param {string} documentId @param {string} userId @param {string} userName @param {string} userEmail @param {Options} [options] */
	constructor(documentId, userId, userName, userEmail, { apiUrl } = {}) {
		super('document', documentId, { userId, userName, userEmail }, apiUrl);
	}

	/** Says where one's cursor is. @param {any} position */
	sendCursorPosition(position) {
		this.send({ type: 'cursor_position', data: position });
	}

	/** Says one step of an edit, numbered. @param {TextOperation} operation */
	sendTextOperation(operation) {
		this.send({ type: 'text_operation', data: { ...operation, version: ++this.#operations } });
	}
}

/** One client for each room and user. */
export class WebSocketManager {
	/** @type {Map<string, RelayRoom>} */
	#clients = new Map();

	/** The client of this submission and user, always the same. @param {string} id @param {string} userId @param {string} userName @param {string} userEmail @returns {SubmissionWebSocketClient} */
	getSubmissionClient(id, userId, userName, userEmail) {
		return this.#get(`submission ${id} ${userId}`, () => new SubmissionWebSocketClient(id, userId, userName, userEmail));
	}

	/** The same of a document. @param {string} id @param {string} userId @param {string} userName @param {string} userEmail @returns {CollaborativeWebSocketClient} */
	getDocumentClient(id, userId, userName, userEmail) {
		return this.#get(`document ${id} ${userId}`, () => new CollaborativeWebSocketClient(id, userId, userName, userEmail));
	}

	/** Gives it, on its way. @param {string} id @param {string} userId @param {string} userName @param {string} userEmail */
	async connectToSubmission(id, userId, userName, userEmail) {
		const client = this.getSubmissionClient(id, userId, userName, userEmail);
		await client.connect();
		return client;
	}

	/** The same of a document. @param {string} id @param {string} userId @param {string} userName @param {string} userEmail */
	async connectToDocument(id, userId, userName, userEmail) {
		const client = this.getDocumentClient(id, userId, userName, userEmail);
		await client.connect();
		return client;
	}

	/** Disconnects and forgets it. @param {string} id @param {string} userId */
	disconnectFromSubmission(id, userId) {
		this.#drop(`submission ${id} ${userId}`);
	}

	/** The same of a document. @param {string} id @param {string} userId */
	disconnectFromDocument(id, userId) {
		this.#drop(`document ${id} ${userId}`);
	}

	/** Disconnects and forgets all. */
	disconnectAll() {
		for (const key of [...this.#clients.keys()])
			this.#drop(key);
	}

	/** @template {RelayRoom} T @param {string} key @param {() => T} make @returns {T} */
	#get(key, make) {
		const client = /** @type {T | undefined} */ (this.#clients.get(key)) ?? make();
		this.#clients.set(key, client);
		return client;
	}

	/** @param {string} key */
	#drop(key) {
		this.#clients.get(key)?.disconnect();
		this.#clients.delete(key);
	}
}

export const webSocketManager = new WebSocketManager();
