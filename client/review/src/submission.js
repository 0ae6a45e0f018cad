// SPDX-License-Identifier: Apache-2.0
// What the events of a room say about its submission. Pure. The vocabulary is that of the relay's
// application, so that what it sends and what this page publishes mean the same:
//
//   content_updated  {field: 'content', newValue}     the whole text; `content` is read, too
//                    {title?, status?, changes?}      from the application: what it stored
//   comment_added    {comment: {id, content}, title?}
//   approval_added   {approval: {status: 'APPROVED' | 'CHANGES_REQUESTED'}, submissionStatus?, title?}
//   status_changed   {status, title?}

/** @typedef {import('moothall').RoomEvent} RoomEvent */

/** The field whose text is edited here. */
export const field = 'content';
export const statuses = { DRAFT: 'Draft', IN_REVIEW: 'In review', APPROVED: 'Approved', REJECTED: 'Rejected', SENT: 'Sent' };
/** The kinds that the page has to know wholly, not only the newest. */
export const lasting = ['comment_added', 'approval_added', 'status_changed'];

/** @param {unknown} value */
const text = (value) => (typeof value === 'string' ? value : '');

/** @param {string} status */
export const statusName = (status) => statuses[/** @type {keyof typeof statuses} */ (status)] ?? (status.charAt(0) + status.slice(1).toLowerCase().replaceAll('_', ' '));

/** The text that an event saved, or null. @param {RoomEvent} event @returns {string | null} */
export function savedText({ event, data }) {
	if (event !== 'content_updated' || data?.field !== field)
		return null;
	const saved = data.newValue ?? data.content;
	return typeof saved === 'string' ? saved : null;
}

/** @param {any} data of a comment_added */
export function commentText(data) {
	const comment = data?.comment ?? data;
	return text(comment) || text(comment?.content) || text(comment?.text);
}

/** @param {any} data of an approval_added */
export function isApproval(data) {
	const status = text(data?.approval?.status).toUpperCase();
	return status === '' || status.startsWith('APPROV');
}

/** @typedef {{title: string, status: {name: string, seq: number}, saved: {text: string, seq: number, by: string, at: string} | null,
 *   comments: RoomEvent[], approvals: RoomEvent[]}} Submission  approvals: the last word of each */

/** @param {readonly RoomEvent[]} events in order @returns {Submission} */
export function read(events) {
	let title = '';
	let status = { name: '', seq: 0 };
	/** @type {Submission['saved']} */
	let saved = null;
	/** @type {RoomEvent[]} */
	const comments = [];
	/** @type {Map<string, RoomEvent>} */
	const approvals = new Map();
	for (const event of events) {
		const { data, seq, from, at } = event;
		const words = savedText(event);
		title = text(data?.title) || title;
		if (words !== null)
			saved = { text: words, seq, by: from.name, at };
		if (event.event === 'comment_added')
			comments.push(event);
		if (event.event === 'approval_added')
			approvals.set(from.id, event);
		if (event.event === 'status_changed')
			status = { name: text(data?.status), seq };
		else if (text(data?.submissionStatus))
			status = { ...status, name: data.submissionStatus };
	}
	return { title, status, saved, comments, approvals: [...approvals.values()] };
}

/** What somebody did, after the name. @param {RoomEvent} event */
export function sentence(event) {
	const { data } = event;
	switch (event.event) {
	case 'content_updated':
		return savedText(event) === null ? 'updated the submission' : 'saved the text';
	case 'comment_added':
		return 'commented';
	case 'approval_added':
		return isApproval(data) ? 'approved' : 'asked for changes';
	case 'status_changed':
		return `set the status to ${statusName(text(data?.status) || 'unknown')}`;
	default:
		return `sent ${event.event.replaceAll('_', ' ')}`;
	}
}

/** Of one author, one after the other: several saves are one line. @param {readonly RoomEvent[]} events in order
 * @returns {{event: RoomEvent, times: number}[]} the newest first */
export function grouped(events) {
	/** @type {{event: RoomEvent, times: number}[]} */
	const lines = [];
	for (const event of events) {
		const last = lines.at(-1);
		if (last && savedText(event) !== null && savedText(last.event) !== null && last.event.from.id === event.from.id)
			lines[lines.length - 1] = { event, times: last.times + 1 };
		else
			lines.push({ event, times: 1 });
	}
	return lines.reverse();
}
