// SPDX-License-Identifier: Apache-2.0
// What people said about the submission. One's own shows at once, and says so until it is stored.
import { useConnection, usePublish, useSelf } from 'moothall/react';
import { useRef, useState } from 'react';
import { Avatar, Time } from './person.jsx';
import { commentText } from './submission.js';

/** @typedef {{id: string, content: string, error: string}} Pending */

const newId = () => globalThis.crypto.randomUUID?.() ?? Math.random().toString(36).slice(2);

/** @param {{comments: import('moothall').RoomEvent[], title: string, mayWrite: boolean,
 *   page: import('./ledger.js').Page | null, onEarlier?: () => void}} props */
export function Comments({ comments, title, mayWrite, page, onEarlier }) {
	const publish = usePublish();
	const isConnected = useConnection().state === 'connected';
	const me = useSelf()?.user;
	const [text, setText] = useState('');
	const [pending, setPending] = useState(/** @type {Pending[]} */ ([]));
	const form = useRef(/** @type {HTMLFormElement | null} */ (null));
	const change = (/** @type {string} */ id, /** @type {Partial<Pending> | null} */ part) =>
		setPending((all) => all.flatMap((one) => (one.id !== id ? [one] : part ? [{ ...one, ...part }] : [])));

	const say = async (/** @type {Pending} */ comment) => {
		const { id, content } = comment;
		setPending((all) => [...all.filter((one) => one.id !== id), { ...comment, error: '' }]);
		try {
			await publish('comment_added', { comment: { id, content }, title });
			change(id, null);
		} catch (cause) {
			change(id, { error: /** @type {any} */ (cause).reason ?? 'it could not be stored' });
		}
	};
	return (
		<section className="comments" aria-labelledby="comments-title">
			<h2 id="comments-title">Comments {page?.ready ? <span className="count">{comments.length}{page.hasEarlierComments ? '+' : ''}</span> : null}</h2>
			{page?.hasEarlierComments ? <button type="button" className="quiet" onClick={onEarlier} disabled={page.loading}>Earlier comments</button> : null}
			<ol id="comments">
				{comments.map(({ seq, from, data, at }) => (
					<li key={seq} data-seq={seq}>
						<Avatar id={from.id} name={from.name} />
						<div><p className="meta"><span className="name">{from.name || 'The application'}</span> <Time at={at} /></p><p className="words">{commentText(data)}</p></div>
					</li>
				))}
				{pending.map((one) => (
					<li key={one.id} className="pending">
						<Avatar id={me?.id ?? ''} name={me?.name ?? ''} />
						<div>
							<p className="meta"><span className="name">{me?.name}</span> {one.error ? `Not stored: ${one.error}` : isConnected ? 'Sending' : 'Waits for the connection'}
								{one.error ? <button type="button" className="quiet" onClick={() => say(one)}>Try again</button> : null}</p>
							<p className="words">{one.content}</p>
						</div>
					</li>
				))}
			</ol>
			{page?.ready && comments.length + pending.length === 0 ? <p className="hint">No comments yet.</p> : null}
			{mayWrite ? (
				<form ref={form} onSubmit={(event) => {
					event.preventDefault();
					if (text.trim())
						say({ id: newId(), content: text.trim(), error: '' });
					setText('');
				}}>
					<label className="hidden" htmlFor="comment">Write a comment</label>
					<textarea id="comment" rows={2} value={text} placeholder="Write a comment" onChange={(event) => setText(event.target.value)}
						onKeyDown={(event) => event.key === 'Enter' && (event.ctrlKey || event.metaKey) && form.current?.requestSubmit()} />
					<p className="row"><small className="keys">Ctrl + Enter</small><button type="submit" className="main" disabled={!text.trim()}>Comment</button></p>
				</form>
			) : null}
		</section>
	);
}
