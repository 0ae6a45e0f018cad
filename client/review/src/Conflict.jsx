// SPDX-License-Identifier: Apache-2.0
// Somebody saved while this was being written. Nothing is lost: both are shown, and a person decides.
import { useEffect, useRef } from 'react';

/** @param {{draft: import('./draft.js').Draft, view: import('./draft.js').DraftView}} props */
export function Conflict({ draft, view }) {
	const heading = useRef(/** @type {HTMLHeadingElement | null} */ (null));
	useEffect(() => heading.current?.focus(), []);
	if (!view.conflict)
		return null;
	return (
		<section className="conflict" id="conflict" aria-labelledby="conflict-title">
			<h3 id="conflict-title" ref={heading} tabIndex={-1}>{view.conflict.by || 'Somebody'} saved while you were writing</h3>
			<p>Your version is not stored. Choose one; you can also copy from either, or go on editing yours below and keep it then.</p>
			<div className="versions">
				<Version name="mine" title="Yours" text={view.text} other={view.conflict.text} onKeep={draft.keepMine} keep="Keep mine" />
				<Version name="theirs" title="Theirs, stored" text={view.conflict.text} other={view.text} onKeep={draft.takeTheirs} keep="Use theirs" />
			</div>
		</section>
	);
}

/** @param {{name: string, title: string, text: string, other: string, onKeep: () => void, keep: string}} props */
function Version({ name, title, text, other, onKeep, keep }) {
	const [from, to] = difference(text, other);
	return (
		<div className="version" data-version={name}>
			<h4>{title}</h4>
			<p className="words" tabIndex={0} role="region" aria-label={title}>{text.slice(0, from)}<mark>{text.slice(from, to)}</mark>{text.slice(to)}</p>
			<button type="button" onClick={onKeep}>{keep}</button>
		</div>
	);
}

/** The part of `text` between the beginning and the end that both have. @param {string} text @param {string} other */
function difference(text, other) {
	const most = Math.min(text.length, other.length);
	let from = 0;
	while (from < most && text[from] === other[from])
		from++;
	let end = 0;
	while (end < most - from && text[text.length - 1 - end] === other[other.length - 1 - end])
		end++;
	return [from, text.length - end];
}
