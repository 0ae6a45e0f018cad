// SPDX-License-Identifier: Apache-2.0
// The others' cursors and selections: the same text, invisible, behind the text field, with marks in it.
// It also gives the sheet its height.
import { carried } from './difference.js';
import { tinted } from './person.jsx';
import { rangeOf } from './presence.js';
import { field } from './submission.js';

/** @param {{text: string, base: string, cursors: ReturnType<typeof import('moothall/react').useCursors>['cursors']}} props */
export function Marks({ text, base, cursors }) {
	const marks = cursors.flatMap(({ session, member, cursor }) => {
		const range = rangeOf(cursor, base, field); // the others see what is stored
		return range ? [{ session, name: member.name, id: member.id, from: carried(range.from, base, text), to: carried(range.to, base, text) }] : [];
	});
	const ends = [...new Set([0, text.length, ...marks.flatMap(({ from, to }) => [from, to])])].sort((a, b) => a - b);
	return (
		<div className="marks" aria-hidden="true">
			{ends.map((at, i) => (
				<span key={at}>
					{marks.filter(({ to }) => to === at).map(({ session, id, name }) => (
						<span key={`${session} ${at}`} className="caret" data-cursor={id} style={tinted(id)}><b>{name.split(' ')[0]}</b></span>
					))}
					<Piece text={text.slice(at, ends[i + 1] ?? at)} mark={marks.find(({ from, to }) => from <= at && at < to)} />
				</span>
			))}
			{'\u200b'}
		</div>
	);
}

/** @param {{text: string, mark?: {id: string}}} props */
function Piece({ text, mark }) {
	if (!mark)
		return text;
	return <span className="selected" data-selection={mark.id} style={tinted(mark.id)}>{text}</span>;
}
