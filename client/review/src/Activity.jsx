// SPDX-License-Identifier: Apache-2.0
// What happened: the events of the log, and between them what is not kept (who came and went).
import { Avatar, Time } from './person.jsx';
import { commentText, grouped, sentence } from './submission.js';

/** @param {{page: import('./ledger.js').Page | null, notes: readonly import('./Toasts.jsx').Note[], onEarlier?: () => void}} props */
export function Activity({ page, notes, onEarlier }) {
	const feed = page ? page.events.filter(({ seq }) => seq >= page.feedFrom) : [];
	const lines = [
		...grouped(feed).map(({ event, times }) => ({
			key: `e${event.seq}`, seq: event.seq, id: event.from.id, by: event.from.name || 'The application', at: Date.parse(event.at),
			text: sentence(event) + (times > 1 ? `, ${times} times` : ''),
			quote: event.event === 'comment_added' ? commentText(event.data) : '', isPassing: false,
		})),
		...notes.map((note) => ({ ...note, key: `n${note.key}`, seq: undefined, quote: '', isPassing: true })),
	].sort((a, b) => b.at - a.at);
	return (
		<section className="activity card" aria-labelledby="activity-title">
			<h2 id="activity-title">Activity</h2>
			<ol id="activity" tabIndex={0} aria-label="Activity, the newest first">
				{lines.map(({ key, seq, id, by, text, at, quote, isPassing }) => (
					<li key={key} data-seq={seq} data-passing={isPassing}>
						{id ? <Avatar id={id} name={by} small /> : <span className="avatar small none" aria-hidden="true" />}
						<span><span className="name">{by}</span> {text}{quote ? <q>{quote}</q> : null}</span>
						<Time at={at} />
					</li>
				))}
			</ol>
			{page?.failed ? <p className="problem" role="alert">The history could not be read: {page.failed}</p> : null}
			{page?.hasEarlier ? <button type="button" className="quiet" id="earlier" onClick={onEarlier} disabled={page.loading}>Show earlier</button> : null}
			{page?.ready && !page.hasEarlier ? <p className="hint">{lines.length > 0 ? 'That is all there is.' : 'Nothing has happened yet.'}</p> : null}
		</section>
	);
}
