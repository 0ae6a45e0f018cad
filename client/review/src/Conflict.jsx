// SPDX-License-Identifier: Apache-2.0
// Somebody saved while this was being written. Nothing is lost: both are shown, and a person decides. It is
// announced and takes no focus: whoever writes goes on.
import { pieces } from './difference.js';

/** @param {{draft: import('./draft.js').Draft, view: import('./draft.js').DraftView}} props */
export function Conflict({ draft, view }) {
	if (!view.conflict)
		return null;
	return (
		<section className="conflict" id="conflict" aria-labelledby="conflict-title">
			<div role="alert">
				<h3 id="conflict-title">{view.conflict.by || 'Somebody'} saved while you were writing</h3>
			</div>
			<p>Yours is not stored. Keep one of them, or go on writing in yours below and keep it then; nothing is overwritten until you say so.</p>
			<div className="versions">
				<Version name="mine" title="Yours" text={view.text} other={view.conflict.text} onKeep={draft.keepMine} keep="Keep mine" />
				<Version name="theirs" title="Theirs, stored" text={view.conflict.text} other={view.text} onKeep={draft.takeTheirs} keep="Use theirs" />
			</div>
		</section>
	);
}

/** @param {{name: string, title: string, text: string, other: string, onKeep: () => void, keep: string}} props */
function Version({ name, title, text, other, onKeep, keep }) {
	return (
		<div className="version" data-version={name}>
			<h4>{title}</h4>
			<p className="words" tabIndex={0} role="region" aria-label={title}>{pieces(text, other).map((one, i) => (one.differs ? <mark key={i}>{one.text}</mark> : one.text))}</p>
			<button type="button" onClick={onKeep}>{keep}</button>
		</div>
	);
}
