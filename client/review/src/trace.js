// SPDX-License-Identifier: Apache-2.0
// What passed over the connections, for the debug panel: the newest messages, and the life of each
// connection. Bounded; tokens are taken out by the SDK before it comes here.

const messagesMax = 60;
const tracesMax = 8;
const linesMax = 30;

/** @typedef {{id: number, at: number, sent: boolean, message: any}} Passed */
/** @typedef {{id: number, session: string, lines: {at: number, text: string}[]}} Connection */
/** @typedef {{messages: readonly Passed[], connections: readonly Connection[], sent: number, received: number}} Traced */

/** @param {import('moothall').Client} client */
export function createTrace(client) {
	/** @type {Traced} */
	let traced = { messages: [], connections: [], sent: 0, received: 0 };
	/** @type {Set<() => void>} */
	const listeners = new Set();
	let id = 0;

	/** @param {Partial<Traced>} part */
	const become = (part) => {
		traced = { ...traced, ...part };
		for (const listener of listeners)
			listener();
	};
	/** @param {string} text */
	const note = (text) => {
		const [newest = { id: ++id, session: '', lines: [] }, ...older] = traced.connections;
		become({ connections: [{ ...newest, lines: [...newest.lines, { at: Date.now(), text }].slice(-linesMax) }, ...older] });
	};

	client.on('frame', ({ sent, message }) => {
		become({
			messages: [{ id: ++id, at: Date.now(), sent, message }, ...traced.messages].slice(0, messagesMax),
			[sent ? 'sent' : 'received']: traced[sent ? 'sent' : 'received'] + 1,
		});
		if (sent && message.type === 'hello')
			become({ connections: [{ id: ++id, session: '', lines: [{ at: Date.now(), text: 'opened, said hello' }] }, ...traced.connections].slice(0, tracesMax) });
		if (!sent && message.type === 'draining')
			note('the gateway is leaving');
	});
	client.on('welcome', ({ session, resumed }) => {
		const [newest, ...older] = traced.connections;
		become({ connections: [{ ...newest, session }, ...older] });
		note(resumed ? 'welcomed again, the same session' : 'welcomed, a new session');
	});
	client.on('status', ({ state, reason, code }) => note([state, reason === 'none' ? '' : reason, code].filter(Boolean).join(' · ')));
	client.on('error', ({ code, trace }) => note(`${code} · trace ${trace}`));

	return {
		get: () => traced,
		/** @param {() => void} listener */
		subscribe(listener) {
			listeners.add(listener);
			return () => void listeners.delete(listener);
		},
	};
}

/** @typedef {ReturnType<typeof createTrace>} Trace */
