// SPDX-License-Identifier: Apache-2.0
// Who is there, and what each does. Above a size the server tells the number alone: so does this.
import { useMembers, useSelf } from 'moothall/react';
import { useCrowd } from './hooks.js';
import { Avatar, Time } from './person.jsx';
import { isEditing, isTyping } from './presence.js';

const facesMax = 6;

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
					{members.map((member) => <Person key={member.id} member={member} isMe={member.id === me} />)}
				</ul>
			) : null}
			{!listed && count > members.length ? <p className="hint" id="people-unlisted">{crowdWords(count, members.length)}</p> : null}
			{count === 0 ? <p className="hint">Nobody is shown until you are connected.</p> : null}
		</section>
	);
}

/** At a glance, beside the title; the list has the names. */
export function Faces() {
	const members = useMembers();
	return (
		<p className="faces" aria-hidden="true">
			{members.slice(0, facesMax).map(({ id, name }) => <Avatar key={id} id={id} name={name} small />)}
			{members.length > facesMax ? <span className="count">+{members.length - facesMax}</span> : null}
		</p>
	);
}

/** @param {number} count @param {number} shown */
function crowdWords(count, shown) {
	if (shown > 0)
		return `and ${(count - shown).toLocaleString()} more, whose names are on their way`;
	return `${count.toLocaleString()} people are here: too many to be listed.`;
}

/** @param {{member: import('moothall').Member, isMe: boolean}} props */
function Person({ member, isMe }) {
	const { id, name, connections } = member; // also those of before a reload, for some seconds
	return (
		<li data-user={id}>
			<Avatar id={id} name={name} />
			<span className="who">
				<span className="name">{name}{isMe ? <span className="you"> (you)</span> : null}</span>
				<small>{isTyping(member) ? 'typing' : <>here since <Time at={connections.map(({ since }) => since).sort()[0] ?? ''} /></>}</small>
			</span>
			{isEditing(member) ? <span className="pill">editing</span> : null}
		</li>
	);
}
