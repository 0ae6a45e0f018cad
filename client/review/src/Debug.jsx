// SPDX-License-Identifier: Apache-2.0
// For developers, on this machine only (or with #debug in the address): what is true inside.
import { useCast, useClient, useConnection, useRoom, useSelf } from 'moothall/react';
import { useState } from 'react';
import { useCrowd, useStore } from './hooks.js';

/** @param {{trace: import('./trace.js').Trace, visit: import('./visit.js').Visit}} props */
export function Debug({ trace, visit }) {
	const [isOpen, setOpen] = useState(false);
	return (
		<details className="debug card" id="debug" onToggle={(event) => setOpen(event.currentTarget.open)}>
			<summary>Debug</summary>
			{isOpen ? <Panel trace={trace} visit={visit} /> : null}
		</details>
	);
}

/** @param {{trace: import('./trace.js').Trace, visit: import('./visit.js').Visit}} props */
function Panel({ trace, visit }) {
	const client = useClient();
	const cast = useCast();
	const [answer, setAnswer] = useState('');
	const { messages, connections } = useStore(trace);
	const sendTest = () => setAnswer(cast('content_updated', { test: true, message: 'Hello from the review page' }) ? 'Test message sent.' : 'Not in the room: nothing was sent.');
	const askRoom = async () => setAnswer(await roomState(visit));
	return (
		<>
			<div className="row">
				<button type="button" onClick={sendTest}>Send Test Message</button>
				<button type="button" onClick={askRoom}>Request Room State</button>
				<button type="button" onClick={client.reconnect}>Reconnect</button>
			</div>
			<p className="hint" role="status" id="debug-answer">{answer}</p>
			<Facts sent={trace.get().sent} received={trace.get().received} />
			<h3>Connections</h3>
			<ol className="trace" id="trace" tabIndex={0} aria-label="Connections, the newest first">
				{connections.map(({ id, session, lines }) => (
					<li key={id}><b>{session || 'not welcomed'}</b>
						<ul>{lines.map(({ at, text }, i) => <li key={i}><code>{clock(at)}</code> {text}</li>)}</ul>
					</li>
				))}
			</ol>
			<h3>Last messages</h3>
			<ol className="messages" id="messages" tabIndex={0} aria-label="Last messages, the newest first">
				{messages.map(({ id, at, sent, message }) => (
					<li key={id} data-way={sent ? 'out' : 'in'} data-type={message.type}><code>{clock(at)} {sent ? '→' : '←'} {JSON.stringify(message).slice(0, 600)}</code></li>
				))}
			</ol>
		</>
	);
}

/** @param {{sent: number, received: number}} props */
function Facts({ sent, received }) {
	const { state, reason, attempt, code } = useConnection();
	const self = useSelf();
	const room = useRoom();
	const { count, listed } = useCrowd();
	const facts = {
		User: self?.user.id, Session: self?.session, Room: room?.key, Role: self?.role,
		State: [state, reason === 'none' ? '' : reason, code].filter(Boolean).join(' · '), 'In the room': room?.status.state,
		Attempts: attempt, 'Last seq': room?.seq, People: `${count}${listed ? '' : ', not listed'}`, 'My state': JSON.stringify(self?.state ?? {}),
		Messages: `${sent} sent, ${received} received`,
	};
	return <dl className="facts">{Object.entries(facts).map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{String(value ?? '–')}</dd></div>)}</dl>;
}

/** @param {import('./visit.js').Visit} visit */
async function roomState({ room, session }) {
	try {
		const reply = await fetch(`/v1/rooms/${encodeURIComponent(room)}`, { headers: { Authorization: `Bearer ${session}` } });
		return `${reply.status} ${(await reply.text()).slice(0, 2_000)}`;
	} catch {
		return 'The server cannot be reached.';
	}
}

/** @param {number} at */
const clock = (at) => new Date(at).toISOString().slice(11, 23);
