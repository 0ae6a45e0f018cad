// SPDX-License-Identifier: Apache-2.0
// Who is there, and what each does. Above a size the server tells the number alone: so does this.
import { useSelf } from 'moothall/react';
import { useCrowd } from './hooks.js';
import { Avatar } from './person.jsx';
import { doingOf } from './presence.js';

/** @param {{isIn: boolean}} props */
export function People({ isIn }) {
	const { members, count, listed } = useCrowd();
	const me = useSelf()?.user.id;
	return (
		<section className="card people-card" aria-labelledby="people-title">
			<h2 id="people-title">Here now <span className="count" id="people-count">{count}</span></h2>
			{count > 0 && !isIn ? <p className="hint">As it was when the connection was lost.</p> : null}
			{members.length > 0 ? (
				<ul id="people" className="people" data-stale={!isIn}>
					{members.map((member) => <Person key={member.id} member={member} doing={doingOf(member)} isMe={member.id === me} />)}
				</ul>
			) : null}
			{!listed && count > members.length ? <p className="hint" id="people-unlisted">{crowdWords(count, members.length)}</p> : null}
			{count === 0 ? <p className="hint">Nobody is shown until you are connected.</p> : null}
		</section>
	);
}

/** @param {number} count @param {number} shown */
function crowdWords(count, shown) {
	if (shown > 0)
		return `and ${(count - shown).toLocaleString()} more, whose names are on their way`;
	return `${count.toLocaleString()} people are here: too many to be listed.`;
}

/** @param {{member: import('moothall').Member, doing: string, isMe: boolean}} props */
function Person({ member, doing, isMe }) {
	const { id, name, connections } = member;
	return (
		<li data-user={id}>
			<Avatar id={id} name={name} />
			<span className="who">
				<span className="name">{name}{isMe ? <span className="you"> (you)</span> : null}</span>
				<small>{doing || (connections.length > 1 ? `reading, in ${connections.length} tabs` : 'reading')}</small>
			</span>
			{doing === 'editing' ? <span className="pill">editing</span> : null}
		</li>
	);
}
