// SPDX-License-Identifier: Apache-2.0
// The status, and who approved.
import { usePublish } from 'moothall/react';
import { useState } from 'react';
import { Avatar, Time } from './person.jsx';
import { isApproval, statuses, statusName } from './submission.js';

/** @param {{submission: import('./submission.js').Submission, title: string, mayWrite: boolean}} props */
export function Decision({ submission, title, mayWrite }) {
	const publish = usePublish();
	const [problem, setProblem] = useState('');
	const { status, approvals } = submission;
	const say = async (/** @type {string} */ event, /** @type {any} */ data, /** @type {{base?: number}} */ how = {}) => {
		setProblem('');
		try {
			await publish(event, { ...data, title }, how);
		} catch (cause) {
			const { code, reason } = /** @type {any} */ (cause);
			setProblem(code === 'conflict' ? 'Somebody changed the status just before you: look again.' : `Not stored: ${reason}`);
		}
	};
	const current = status.name || 'DRAFT';
	return (
		<section className="card" aria-labelledby="decision-title">
			<h2 id="decision-title">Decision</h2>
			<label className="status-choice">Status
				<select id="status-choice" value={current} disabled={!mayWrite}
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
			{approvals.length === 0 ? <p className="hint">Nobody has decided yet.</p> : null}
			{mayWrite ? (
				<div className="row">
					<button type="button" className="main" id="approve" onClick={() => say('approval_added', { approval: { status: 'APPROVED' } })}>Approve</button>
					<button type="button" id="ask-changes" onClick={() => say('approval_added', { approval: { status: 'CHANGES_REQUESTED' } })}>Ask for changes</button>
				</div>
			) : null}
			{problem ? <p className="problem" role="alert">{problem}</p> : null}
		</section>
	);
}
