// SPDX-License-Identifier: Apache-2.0
// The raw log: every message in and out, as it was on the wire, newest last. Holds the last ones
// only, and never an address with a token (connection.js does not hand one out).

const kept = 400;
const shownChars = 4_000;

export class Log {
	/** @param {HTMLOListElement} list */
	constructor(list) {
		this.list = list;
	}

	/** @param {'in' | 'out' | 'note'} way @param {string} text */
	add(way, text) {
		const follow = this.list.scrollTop + this.list.clientHeight >= this.list.scrollHeight - 8;
		const row = document.createElement('li');
		row.dataset.way = way;
		const time = document.createElement('time');
		time.textContent = new Date().toISOString().slice(11, 23);
		const arrow = document.createElement('span');
		arrow.className = 'arrow';
		arrow.textContent = { in: '←', out: '→', note: '·' }[way];
		arrow.setAttribute('aria-label', { in: 'received', out: 'sent', note: 'note' }[way]);
		const body = document.createElement('code');
		body.textContent = text.length > shownChars ? `${text.slice(0, shownChars)}… (${text.length} characters)` : text;
		row.append(time, arrow, body);
		this.list.append(row);
		while (this.list.childElementCount > kept)
			this.list.firstElementChild?.remove();
		if (follow)
			this.list.scrollTop = this.list.scrollHeight;
	}

	clear() {
		this.list.replaceChildren();
	}
}
