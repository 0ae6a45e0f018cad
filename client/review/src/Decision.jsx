// SPDX-License-Identifier: Apache-2.0
// The status, and who approved.
import { useConnection, usePublish, useSelf } from 'moothall/react';
import { useState } from 'react';
import { Avatar, Time } from './person.jsx';
import { isApproval, statuses, statusName } from './submission.js';

/** @param {{submission: import('./submission.js').Submission, title: string, mayWrite: boolean, isReady: boolean}} props */
export function Decision({ submission, title, mayWrite, isReady }) {
	const publish = usePublish();
	const me = useSelf()?.user.id;
	const isConnected = useConnection().state === 'connected';
	const [problem, setProblem] = useState('');
	const [asked, setAsked] = useState(/** @type {{event: string, status?: string}[]} */ ([])); // not stored yet
	const { status, approvals } = submission;
	const say = async (/** @type {string} */ event, /** @type {any} */ data, /** @type {{base?: number}} */ how = {}) => {
		const one = { event, status: data.status };
		setProblem('');
		setAsked((all) => [...all, one]);
		try {
			await publish(event, { ...data, title }, how);
		} catch (cause) {
			const { code, reason } = /** @type {any} */ (cause);
			setProblem(code === 'conflict' ? 'Somebody changed the status just before you: look again.' : `Not stored: ${reason}`);
		}
		setAsked((all) => all.filter((other) => other !== one));
	};
	const current = asked.findLast((one) => one.status)?.status ?? (status.name || 'DRAFT');
	const mine = approvals.find(({ from }) => from.id === me);
	const decide = (/** @type {boolean} */ approve) => {
		if (!mine || isApproval(mine.data) !== approve)
			say('approval_added', { approval: { status: approve ? 'APPROVED' : 'CHANGES_REQUESTED' } });
	};
	return (
		<section className="card" aria-labelledby="decision-title">
			<h2 id="decision-title">Decision</h2>
			<label className="status-choice">Status
				<select id="status-choice" value={current} disabled={!mayWrite || !isReady}
					onChange={(event) => say('status_changed', { status: event.target.value }, { base: status.seq })}>
					{[...new Set([...Object.keys(statuses), current])].map((one) => <option key={one} value={one}>{statusName(one)}</option>)}
				</select>
			</label>
			<ul className="approvals" id="approvals">
				{approvals.map(({ seq, from, data, at }) => (
					<li key={seq} data-approved={isApproval(data)}>
						<Avatar id={from.id} name={from.name} small />
						<span className="who"><span className="name">{from.name || 'The application'}</span><small>{isApproval(data) ? 'approved' : 'asked for changes'}, <Time at={at} /></small></span>
						<span className="sign" aria-hidden="true">{isApproval(data) ? '✓' : '↺'}</span>
					</li>
				))}
			</ul>
			{isReady && approvals.length === 0 ? <p className="hint">Nobody has decided yet.</p> : null}
			{mayWrite ? (
				<div className="row">
					<button type="button" className="main" id="approve" disabled={!isReady} aria-pressed={!!mine && isApproval(mine.data)} onClick={() => decide(true)}>
						{mine && isApproval(mine.data) ? 'Approved' : 'Approve'}</button>
					<button type="button" id="ask-changes" disabled={!isReady} aria-pressed={!!mine && !isApproval(mine.data)} onClick={() => decide(false)}>Ask for changes</button>
				</div>
			) : null}
			{asked.length > 0 ? <p className="hint" role="status">{isConnected ? 'Sending' : 'Not stored yet: waits for the connection'}</p> : null}
			{problem ? <p className="problem" role="alert">{problem}</p> : null}
		</section>
	);
}
