// SPDX-License-Identifier: Apache-2.0
// Who is in the room and what each is doing, from the messages of the room alone. Pure: no DOM,
// no clock, no network.

/**
 * @typedef {object} Person
 * @property {string} id
 * @property {string} name
 * @property {string} email
 * @property {string} connectedAt  ISO time
 * @property {boolean} editing
 * @property {boolean} typing
 * @property {{line: number, column: number} | null} cursor
 */

export class Roster {
	/** @type {Map<string, Person>} in the order of the server */ #people = new Map();

	get size() {
		return this.#people.size;
	}

	/** @returns {Person[]} */
	list() {
		return [...this.#people.values()];
	}

	/** @param {string} id */
	has(id) {
		return this.#people.has(id);
	}

	clear() {
		this.#people.clear();
	}

	/** Take in one message of the server; true when something that is shown changed.
	 * @param {any} message */
	apply(message) {
		const change = changes[/** @type {keyof typeof changes} */ (message.type)];
		if (message.type === 'room_state')
			return this.#replace(message.users ?? []);
		if (message.type === 'user_left')
			return this.#people.delete(message.userId);
		if (message.type === 'user_joined' || message.type === 'connected')
			return this.#add(message, message.timestamp);
		const person = this.#people.get(message.userId);
		if (!change || !person)
			return false;
		change(person, message);
		return true;
	}

	/** What somebody is doing outlives the new list: only leaving ends it. @param {any[]} users */
	#replace(users) {
		const before = this.#people;
		this.#people = new Map();
		for (const user of users) {
			const known = before.get(user.userId);
			this.#people.set(user.userId, { ...(known ?? blank(user)), connectedAt: user.connectedAt });
		}
		return true;
	}

	/** @param {any} user @param {string} connectedAt */
	#add(user, connectedAt) {
		if (this.#people.has(user.userId))
			return false;
		this.#people.set(user.userId, { ...blank(user), connectedAt });
		return true;
	}
}

/** @param {any} user @returns {Person} */
function blank(user) {
	return {
		id: user.userId,
		name: user.userName,
		email: user.userEmail,
		connectedAt: user.connectedAt ?? '',
		editing: false,
		typing: false,
		cursor: null,
	};
}

const changes = {
	/** @param {Person} person */
	editing_started: (person) => { person.editing = true; },
	/** @param {Person} person */
	editing_stopped: (person) => { person.editing = false; },
	/** @param {Person} person */
	typing_start: (person) => { person.typing = true; },
	/** @param {Person} person */
	typing_stop: (person) => { person.typing = false; },
	/** @param {Person} person @param {any} message */
	cursor_position: (person, message) => {
		const { line, column } = message.data?.position ?? {};
		person.cursor = Number.isFinite(line) && Number.isFinite(column) ? { line, column } : null;
	},
};

/** "Ada is typing", "Ada and Grace are typing", "Ada, Grace, Linus and 2 others are typing".
 * @param {string[]} names */
export function typingLine(names) {
	if (names.length === 0)
		return '';
	const shown = names.slice(0, 3);
	const more = names.length - shown.length;
	if (more > 0)
		shown.push(more === 1 ? '1 other' : `${more} others`);
	const last = shown.pop();
	const list = shown.length ? `${shown.join(', ')} and ${last}` : last;
	return `${list} ${names.length === 1 ? 'is' : 'are'} typing`;
}
