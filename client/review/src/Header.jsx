// SPDX-License-Identifier: Apache-2.0
// The bar on top: how the connection is, who one is, and what can be chosen.
import { useClient } from 'moothall/react';
import { useState } from 'react';
import { Avatar } from './person.jsx';
import { readNotify, toggleNotify } from './notify.js';
import { applyTheme, readTheme } from './theme.js';

const themes = /** @type {const} */ (['system', 'light', 'dark']);
const notifyWords = { on: 'Notifications on', off: 'Notify me', blocked: 'Notifications are blocked', unavailable: '' };

/** @param {{status: import('./hooks.js').HonestStatus, self: import('moothall').Self | null, onLeave: () => void}} props */
export function Header({ status, self, onLeave }) {
	const client = useClient();
	return (
		<header className="bar">
			<span className="brand">
				<svg viewBox="0 0 32 32" aria-hidden="true" focusable="false">
					<path d="M16 4 3 12.5V15h26v-2.5zM6 17h3.4v8H6zm8.3 0h3.4v8h-3.4zm8.3 0H26v8h-3.4zM3 26.5h26V29H3z" />
				</svg>
				<span>Moothall</span>
			</span>
			<div className="status" id="status" role="status" data-state={status.dot}>
				<span className="dot" aria-hidden="true" />
				<span id="status-text">{status.words}</span>
				{status.isWaiting ? <button type="button" className="quiet" id="try-now" onClick={client.connect}>Try now</button> : null}
			</div>
			<div className="choices">
				<Notify />
				<Theme />
				{self ? <span className="me"><Avatar id={self.user.id} name={self.user.name} small /><span className="name">{self.user.name}</span></span> : null}
				<button type="button" className="quiet" onClick={onLeave}>Leave</button>
			</div>
		</header>
	);
}

function Notify() {
	const [state, setState] = useState(readNotify);
	if (state === 'unavailable')
		return null;
	return (
		<button type="button" className="quiet" id="notify" aria-pressed={state === 'on'} disabled={state === 'blocked'}
			onClick={async () => setState(await toggleNotify())}>
			<svg viewBox="0 0 24 24" aria-hidden="true" focusable="false"><path d="M12 3a6 6 0 0 0-6 6v4l-2 3v1h16v-1l-2-3V9a6 6 0 0 0-6-6zM9.5 18.5a2.5 2.5 0 0 0 5 0z" /></svg>
			<span>{notifyWords[state]}</span>
		</button>
	);
}

function Theme() {
	const [theme, setTheme] = useState(readTheme);
	const next = themes[(themes.indexOf(theme) + 1) % themes.length];
	return (
		<button type="button" className="quiet" id="theme" aria-label={`Colours: ${theme}. Change to ${next}`}
			onClick={() => (applyTheme(next), setTheme(next))}>
			<span aria-hidden="true">{{ system: '◐', light: '☀', dark: '☾' }[theme]}</span>
		</button>
	);
}
