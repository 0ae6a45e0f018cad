// SPDX-License-Identifier: Apache-2.0
// The draft: one text area whose focus, typing, cursor and text go to the room, at the pace of the
// old client's editor. Shows what others write. Stores nothing.

/** @typedef {import('./connection.js').Connection} Connection */

const textEveryMs = 150;
const cursorAfterMs = 100;
const typingForMs = 2_000;

export class Draft {
	/** @type {Record<string, ReturnType<typeof setTimeout> | undefined>} */ #timers = {};

	/** @param {HTMLTextAreaElement} area @param {Connection} connection */
	constructor(area, connection) {
		this.area = area;
		this.connection = connection;
		area.addEventListener('focus', () => connection.send('editing_started', { data: { field: 'content' } }));
		area.addEventListener('blur', () => this.#left());
		area.addEventListener('input', () => this.#typed());
		area.addEventListener('keyup', () => this.#moved());
		area.addEventListener('pointerup', () => this.#moved());
	}

	/** @param {any} message from somebody else */
	apply(message) {
		const text = message.data?.content ?? message.data?.newValue;
		const types = ['realtime_content_update', 'content_updated'];
		if (!types.includes(message.type) || typeof text !== 'string' || text === this.area.value)
			return;
		const { selectionStart, selectionEnd } = this.area;
		this.area.value = text;
		if (document.activeElement === this.area)
			this.area.setSelectionRange(selectionStart, selectionEnd);
	}

	#typed() {
		if (!this.#timers.typing)
			this.connection.send('typing_start', { data: this.#me() });
		this.#after('typing', typingForMs, () => this.connection.send('typing_stop', { data: this.#me() }));
		this.#timers.text ??= setTimeout(() => this.#say(), textEveryMs);
		this.#moved();
	}

	#say() {
		this.#timers.text = undefined;
		this.connection.send('realtime_content_update', {
			data: { content: this.area.value, cursorPosition: this.#caret(), ...this.#me(), isRealTime: true },
		});
	}

	#moved() {
		this.#after('cursor', cursorAfterMs, () => {
			const { line, column } = this.#caret();
			const at = { line, column };
			this.connection.send('cursor_position', {
				data: { ...this.#me(), position: { ...at, type: 'cursor', anchor: at, focus: at } },
			});
		});
	}

	#left() {
		if (this.#timers.typing) {
			clearTimeout(this.#timers.typing);
			this.#timers.typing = undefined;
			this.connection.send('typing_stop', { data: this.#me() });
		}
		this.connection.send('editing_stopped', { data: { field: 'content' } });
	}

	#caret() {
		const lines = this.area.value.slice(0, this.area.selectionStart).split('\n');
		return { line: lines.length, column: (lines.at(-1) ?? '').length + 1 };
	}

	#me() {
		const { userId, userName } = this.connection.user ?? {};
		return { userId, userName, timestamp: new Date().toISOString() };
	}

	/** @param {string} name @param {number} ms @param {() => void} then */
	#after(name, ms, then) {
		clearTimeout(this.#timers[name]);
		this.#timers[name] = setTimeout(() => {
			this.#timers[name] = undefined;
			then();
		}, ms);
	}
}
