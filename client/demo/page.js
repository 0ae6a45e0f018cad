// SPDX-License-Identifier: Apache-2.0
// The demo page: puts one connection, the roster, the feed, the draft and the log on the screen and
// wires the form and the buttons to them. All state is theirs; this file only shows it.

import { Activity } from './activity.js';
import { fromApplication, groups } from './actions.js';
import { avatar, clock } from './avatar.js';
import { Connection } from './connection.js';
import { Draft } from './draft.js';
import { Log } from './log.js';
import { reviewers, rooms } from './reviewers.js';
import { Roster, typingLine } from './roster.js';
import { askRoom, broadcast, readRoom } from './wire.js';

/** @template {HTMLElement} T @param {string} id @returns {T} */
const el = (id) => /** @type {T} */ (document.getElementById(id));

/** The words people read; nothing else says how the connection is.
 * @type {Record<import('./connection.js').State, string>} */
const words = {
	idle: 'Disconnected',
	checking: 'Connecting...',
	opening: 'Connecting...',
	waiting: 'Connecting...',
	open: 'Connected',
	unsteady: 'Connection Unstable',
	expired: 'Session Expired',
	refused: 'Connection Error',
};

const connection = new Connection();
const roster = new Roster();
const activity = new Activity(el('activity'));
const log = new Log(el('log'));
const draft = new Draft(el('note'), connection);
const form = {
	kind: /** @type {HTMLSelectElement} */ (el('kind')),
	room: /** @type {HTMLInputElement} */ (el('room-id')),
	session: /** @type {HTMLInputElement} */ (el('session')),
	host: /** @type {HTMLInputElement} */ (el('host')),
};

buildReviewers();
buildActions();
listRooms();
listen();
startFromAddress();
setInterval(showDetails, 1_000);

function listen() {
	form.kind.addEventListener('change', () => {
		listRooms();
		form.room.value = rooms[roomKind()][0];
	});
	form.session.addEventListener('input', showPicked);
	el('connect').addEventListener('submit', (event) => {
		event.preventDefault();
		connect();
	});
	el('disconnect').addEventListener('click', () => connection.disconnect());
	el('clear').addEventListener('click', () => log.clear());
	connection.addEventListener('state', onState);
	connection.addEventListener('sent', (event) => log.add('out', /** @type {CustomEvent} */ (event).detail));
	connection.addEventListener('received', (event) => onReceived(/** @type {CustomEvent} */ (event).detail));
}

/** `/?room=submission:demo-1&session=demo-ada` opens ready. */
function startFromAddress() {
	const query = new URLSearchParams(location.search);
	const room = readRoom(query.get('room') ?? '') ?? { kind: 'submission', id: rooms.submission[0] };
	form.kind.value = room.kind;
	listRooms();
	form.room.value = room.id;
	form.session.value = query.get('session') ?? reviewers[0].session;
	form.host.value = query.get('host') ?? '';
	showPicked();
	showStatus();
	showDetails();
	if (query.has('session'))
		connect();
}

function connect() {
	roster.clear();
	activity.clear();
	const typed = form.host.value.trim();
	connection.connect({
		room: { kind: roomKind(), id: form.room.value },
		session: form.session.value.trim(),
		host: typed.replace(/^\w+:\/\//, '').replace(/\/.*$/, '') || location.host,
		secure: typed ? /^(https|wss):/.test(typed) : location.protocol === 'https:',
	});
}

function roomKind() {
	return /** @type {'submission' | 'document'} */ (form.kind.value);
}

function onState() {
	const { state, why } = connection;
	if (state === 'open' || state === 'idle' || state === 'checking')
		log.add('note', `${words[state]} ${why}`.trim());
	else if (state !== 'opening')
		log.add('note', `${words[state]} (${why})`);
	if (state === 'open')
		/** @type {HTMLDetailsElement} */ (el('connect-card')).open = false;
	if (state === 'idle' || state === 'expired' || state === 'refused') {
		/** @type {HTMLDetailsElement} */ (el('connect-card')).open = true;
		roster.clear();
	}
	showStatus();
	showPeople();
	showDetails();
}

/** @param {{text: string, message: any}} received */
function onReceived({ text, message }) {
	log.add('in', text);
	const ownTab = message.userId === connection.user?.userId;
	if (roster.apply(message))
		showPeople();
	if (message.type !== 'connected')
		activity.add(message);
	if (!ownTab || message.type === 'realtime_content_update')
		draft.apply(message);
	showStatus();
	showDetails();
}

function showStatus() {
	const { state, why } = connection;
	const count = roster.size === 1 ? '(1 user connected)' : `(${roster.size} users connected)`;
	set('status-text', words[state]);
	set('status-count', roster.size ? count : '');
	set('status-why', why);
	el('status').dataset.state = state;
	const live = state === 'open' || state === 'unsteady';
	for (const control of document.querySelectorAll('[data-live]'))
		/** @type {HTMLButtonElement} */ (control).disabled = !live;
	/** @type {HTMLTextAreaElement} */ (el('note')).disabled = !live;
	/** @type {HTMLButtonElement} */ (el('disconnect')).disabled = state === 'idle';
	const room = connection.target ? `${connection.target.room.kind} ${connection.target.room.id}` : '';
	set('where', room || 'a room for reviewers');
	set('connect-short', connection.user ? `${connection.user.userName} · ${room}` : '');
	set('user-name', connection.user?.userName || '–');
	set('user-id', connection.user?.userId || '–');
	set('user-email', connection.user?.userEmail || '–');
}

function showPeople() {
	const people = roster.list();
	el('people').replaceChildren(...people.map(personRow));
	set('people-count', String(people.length));
	const typists = people.filter((person) => person.typing && person.id !== connection.user?.userId);
	set('typing', typingLine(typists.map((person) => person.name)));
}

/** @param {import('./roster.js').Person} person */
function personRow(person) {
	const row = document.createElement('li');
	const who = document.createElement('span');
	const name = document.createElement('b');
	const small = document.createElement('small');
	row.dataset.user = person.id;
	who.className = 'who-is';
	name.textContent = person.name;
	small.append('since ', clock(person.connectedAt));
	if (person.cursor)
		small.append(` · line ${person.cursor.line}, column ${person.cursor.column}`);
	who.append(name, person.id === connection.user?.userId ? ' (you)' : '', small);
	row.append(avatar(person.id, person.name), who);
	if (person.editing) {
		const pill = document.createElement('span');
		pill.className = 'pill';
		pill.textContent = 'editing';
		row.append(pill);
	}
	return row;
}

function showDetails() {
	const facts = {
		Address: connection.url || '–',
		'Ready state': connection.readyState,
		'Last type': connection.lastType || '–',
		'Last seq': String(connection.lastSeq ?? '–'),
		'Connected since': connection.since?.toLocaleTimeString() ?? '–',
		'Missed pongs': `${connection.missed} / 2`,
		Attempts: String(connection.attempts),
	};
	el('details').replaceChildren(...Object.entries(facts).flatMap(([name, value]) => {
		const dt = document.createElement('dt');
		const dd = document.createElement('dd');
		dt.textContent = name;
		dd.textContent = value;
		return [dt, dd];
	}));
}

/** @param {string} id @param {string} text */
function set(id, text) {
	const node = el(id);
	if (node.textContent !== text) // a live region must not speak again for nothing
		node.textContent = text;
}

function listRooms() {
	el('room-ids').replaceChildren(...rooms[roomKind()].map((id) => new Option(id, id)));
}

function buildReviewers() {
	el('reviewers').append(...reviewers.map((reviewer) => {
		const button = document.createElement('button');
		button.type = 'button';
		button.className = 'pick';
		button.title = reviewer.about;
		button.dataset.session = reviewer.session;
		button.append(avatar(reviewer.session, reviewer.name), reviewer.name);
		button.addEventListener('click', () => {
			form.session.value = reviewer.session;
			showPicked();
		});
		return button;
	}));
}

function showPicked() {
	for (const button of el('reviewers').querySelectorAll('button'))
		button.setAttribute('aria-pressed', String(button.dataset.session === form.session.value));
}

function buildActions() {
	for (const { title, actions } of groups) {
		const row = buildGroup(title);
		for (const { label, type, data, more } of actions) {
			addButton(row, label, type, () => connection.send(type, {
				...(more ? more(connection) : {}),
				...(data ? { data: data(connection) } : {}),
			}));
		}
	}
	addButton(/** @type {HTMLElement} */ (el('actions').lastElementChild?.lastElementChild), 'Reconnect', 'reconnect',
		() => connection.reconnect());
	const row = buildGroup('As the application (REST)');
	for (const { label, type, data } of fromApplication)
		addButton(row, label, type, () => rest(() => broadcast(target(), { type, data }), type));
	addButton(row, 'Who is in the room', 'room', () => rest(() => askRoom(target()), 'room'));
}

function target() {
	return /** @type {import('./wire.js').Target} */ (connection.target);
}

/** @param {() => Promise<Response>} ask @param {string} what */
async function rest(ask, what) {
	log.add('out', `REST ${what}`);
	try {
		const answer = await ask();
		log.add('in', `REST ${answer.status} ${await answer.text()}`);
	} catch {
		log.add('note', 'REST: the server cannot be reached');
	}
}

/** @param {string} title @returns {HTMLElement} the row its buttons go into */
function buildGroup(title) {
	const group = document.createElement('div');
	const heading = document.createElement('h3');
	const row = document.createElement('div');
	group.className = 'group';
	heading.textContent = title;
	row.className = 'row';
	group.append(heading, row);
	el('actions').append(group);
	return row;
}

/** @param {HTMLElement} row @param {string} label @param {string} type @param {() => void} act */
function addButton(row, label, type, act) {
	const button = document.createElement('button');
	button.type = 'button';
	button.textContent = label;
	button.dataset.type = type;
	button.dataset.live = '';
	button.addEventListener('click', act);
	row.append(button);
}
