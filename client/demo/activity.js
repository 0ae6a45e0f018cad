// SPDX-License-Identifier: Apache-2.0
// What happened, in a sentence per message, and the list of the last ones. The list is polite: a
// repeated happening (every keystroke is a content update) counts up instead of filling it.

import { avatar, clock } from './avatar.js';

const kept = 40;
const merged = 4; // newest rows that a repetition is counted into

/** Sentences follow the name of whoever did it. @type {Record<string, string>} */
const sentences = {
	user_joined: 'joined',
	user_left: 'left',
	editing_started: 'started editing',
	editing_stopped: 'stopped editing',
	content_updated: 'updated the content',
	realtime_content_update: 'is changing the content',
	text_operation: 'sent a text operation',
	request_cursor_refresh: 'asked for a cursor',
	request_cursor_refresh_all: 'asked everybody for cursors',
	user_presence: 'sent a presence message',
	comment_added: 'added a comment',
	approval_added: 'added an approval',
	status_changed: 'changed the status',
};

/** @param {any} message @returns {string} '' for what is no news (cursors, pings, lists) */
export function sentence(message) {
	if (message.type === 'error')
		return `The server refused a message: ${message.data?.error ?? message.message}`;
	const did = sentences[message.type];
	return did ? `${message.userName} ${did}` : '';
}

export class Activity {
	/** The newest rows by their text, oldest first. @type {Map<string, {times: number, row: HTMLLIElement}>} */
	#recent = new Map();

	/** @param {HTMLOListElement} list */
	constructor(list) {
		this.list = list;
	}

	/** @param {any} message */
	add(message) {
		const text = sentence(message);
		if (text)
			this.#show(text, message);
	}

	/** Something about ourselves, not from the room. @param {string} text */
	note(text) {
		this.#show(text, null);
	}

	clear() {
		this.#recent.clear();
		this.list.replaceChildren();
	}

	/** @param {string} text @param {any} message */
	#show(text, message) {
		const same = this.#recent.get(text);
		if (same) {
			same.times++;
			same.row.querySelector('.times')?.replaceChildren(`× ${same.times}`);
			return;
		}
		const row = document.createElement('li');
		row.dataset.type = message?.type ?? 'note';
		row.append(message?.userId ? avatar(message.userId, message.userName) : bullet());
		row.append(words(text), times(), clock(message?.timestamp));
		this.list.prepend(row);
		this.#recent.set(text, { times: 1, row });
		if (this.#recent.size > merged)
			this.#recent.delete(this.#recent.keys().next().value ?? '');
		while (this.list.childElementCount > kept)
			this.list.lastElementChild?.remove();
	}
}

/** @param {string} text */
function words(text) {
	const span = document.createElement('span');
	span.className = 'words';
	span.textContent = text;
	return span;
}

function times() {
	const span = document.createElement('span');
	span.className = 'times';
	return span;
}

function bullet() {
	const span = document.createElement('span');
	span.className = 'bullet';
	return span;
}
