// SPDX-License-Identifier: Apache-2.0
// The review page in a real Chromium, against a real cluster: what people do together, and that both
// dialects meet. With MOOT_SCREENSHOTS=1 the pictures of docs/images are made again.

import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { Client } from '../lib/client.mjs';
import { accessible, desktop, letter, person, phone, picture, Stage, status } from './stage.mjs';

/** @type {Stage} */
let stage;
before(async () => {
	stage = await Stage.open({ MOOT_PRESENCE_LIST: '3' });
});
after(() => stage?.close());
afterEach(() => stage?.clear());

/** @param {import('playwright-core').Page} page */
const text = (page) => page.locator('#text');

/** @param {import('playwright-core').Page} page @param {string | RegExp} words */
const saved = (page, words = /^Saved$/) => page.locator('#saved', { hasText: words }).waitFor();

/** @param {import('playwright-core').Page} page @param {string} words */
const shows = (page, words) => page.waitForFunction((wanted) => /** @type {HTMLTextAreaElement} */ (document.getElementById('text')).value.includes(wanted), words);

/** @param {import('playwright-core').Page} page @param {string} words */
const toast = (page, words) => page.locator('.toast', { hasText: words }).first().waitFor();

test('three reviewers at two gateways: who is there, who edits, cursors, comments, approvals, status', async () => {
	await stage.publish('submission:spring-letter', 'status_changed', { status: 'IN_REVIEW', title: 'Spring letter to all members' });
	await stage.publish('submission:spring-letter', 'content_updated', { field: 'content', newValue: letter });
	const ada = await stage.visit('demo-ada', { base: stage.publicUrls[0] });
	const grace = await stage.visit('demo-grace', { base: stage.publicUrls[1], look: phone });
	const zoe = await stage.visit('demo-zoe', { look: { ...desktop, colorScheme: 'dark' } });
	for (const page of [ada, grace, zoe]) {
		await status(page);
		await page.locator('#people-count', { hasText: '3' }).waitFor();
		await shows(page, 'Dear members');
		await page.locator('h1', { hasText: 'Spring letter to all members' }).waitFor();
		assert.equal(new URL(page.url()).search.includes('session'), false, 'the address does not tell the session');
	}
	assert.match(await person(ada, 'ada_l').innerText(), /Ada Lovelace \(you\)/);
	await toast(ada, 'Zoë Ångström joined');
	assert.equal(await ada.locator('.toast', { hasText: 'Ada' }).count(), 0, 'nobody is told of what they do themselves');

	await grace.locator('#edit').click();
	await ada.locator('#holder', { hasText: 'Grace Brewster Hopper is editing' }).waitFor();
	assert.equal(await ada.locator('#edit').count(), 0);
	assert.equal(await text(ada).getAttribute('readonly'), '');
	await person(ada, 'grace@example.org').locator('.pill', { hasText: 'editing' }).waitFor();
	await grace.evaluate(() => /** @type {HTMLTextAreaElement} */ (document.getElementById('text')).setSelectionRange(12, 12));
	await grace.keyboard.type(', friends and neighbours');
	await ada.locator('#typing', { hasText: 'Grace Brewster Hopper is typing' }).waitFor();
	await saved(grace);
	await shows(ada, 'friends and neighbours');
	await ada.locator('.caret[data-cursor="grace@example.org"]', { hasText: 'Grace' }).waitFor({ state: 'attached' });
	await toast(ada, 'Grace Brewster Hopper saved the text');

	await zoe.locator('#text').focus();
	await zoe.evaluate(() => /** @type {HTMLTextAreaElement} */ (document.getElementById('text')).setSelectionRange(61, 79));
	await ada.locator('[data-selection="u-3"]').first().waitFor();
	const marked = (await ada.locator('[data-selection="u-3"]').allInnerTexts()).join('');
	assert.equal(marked, (await text(ada).inputValue()).slice(61, 79), 'the same words are marked');
	await grace.locator('#text').focus();
	await grace.keyboard.type(', big and small');
	await shows(zoe, 'big and small');
	await ada.waitForFunction((words) => [...document.querySelectorAll('[data-selection="u-3"]')].map((one) => one.textContent).join('') === words, marked);
	const [from, to] = await text(zoe).evaluate((area) => [/** @type {HTMLTextAreaElement} */ (area).selectionStart, /** @type {HTMLTextAreaElement} */ (area).selectionEnd]);
	assert.equal((await text(zoe).inputValue()).slice(from, to), marked, 'what others write does not move a reader off his words');

	await zoe.locator('#comment').fill('Should the date be in the first sentence?');
	await zoe.keyboard.press('Control+Enter');
	await grace.locator('#ask-changes').click();
	await zoe.locator('#approve').click();
	await zoe.locator('#approve[aria-pressed="true"]', { hasText: 'Approved' }).waitFor();
	for (const page of [ada, grace, zoe]) {
		await page.locator('#comments li', { hasText: 'Should the date' }).waitFor();
		await page.locator('#approvals [data-approved="true"]', { hasText: 'Zoë' }).waitFor();
		await page.locator('#approvals [data-approved="false"]', { hasText: 'Grace' }).waitFor();
		await page.locator('#activity li', { hasText: 'Zoë Ångström approved' }).waitFor();
	}
	for (const page of [ada, zoe, grace])
		while (await page.locator('.toast button').count() > 0)
			await page.locator('.toast button').last().click({ timeout: 1_000 }).catch(() => {}); // it goes by itself, too
	await picture(ada, 'review-desktop.png');
	await picture(zoe, 'review-desktop-dark.png');
	await grace.evaluate(() => scrollTo(0, 0));
	await picture(grace, 'review-phone.png');
	await accessible(ada, 'light');
	await accessible(zoe, 'dark');
	await accessible(grace, 'phone');
	const [inner, content] = await grace.evaluate(() => [innerWidth, document.documentElement.scrollWidth]);
	assert.ok(content <= inner, `nothing is wider than the phone: ${content} of ${inner}`);

	await ada.locator('#take-over').click();
	await grace.locator('#holder', { hasText: 'Ada Lovelace is editing' }).waitFor();
	await ada.keyboard.press('Escape');
	await grace.locator('#edit').waitFor();
	await ada.locator('#status-choice').selectOption('APPROVED');
	await grace.waitForFunction(() => /** @type {HTMLSelectElement} */ (document.getElementById('status-choice')).value === 'APPROVED');
	await grace.locator('#theme').click();
	await grace.locator('#theme').click();
	await grace.evaluate(() => scrollTo(0, 0));
	await picture(grace, 'review-phone-dark.png');
	await zoe.getByRole('button', { name: 'Leave' }).click();
	await toast(ada, 'Zoë Ångström left');
	assert.deepEqual(stage.complaints, []);
});

test('somebody saved in between: mine and theirs are shown, and nothing is overwritten until one decides', async () => {
	const room = 'submission:press_2';
	await stage.publish(room, 'content_updated', { field: 'content', newValue: 'The hall opens in May.' });
	const ada = await stage.visit('demo-ada', { room });
	const grace = await stage.visit('demo-grace', { room, base: stage.publicUrls[1] });
	await shows(ada, 'May');
	await ada.locator('#edit').click();
	await grace.locator('#holder').waitFor();
	for (const [decide, left] of [['Keep mine', 'The hall opens in June.'], ['Use theirs', 'The hall opens in September, says Grace.']]) {
		await ada.context().setOffline(true);
		await text(ada).fill('The hall opens in June.' + (decide === 'Use theirs' ? ' At last.' : ''));
		await saved(ada, 'Not saved yet');
		await grace.locator('#take-over').or(grace.locator('#edit')).first().click();
		await text(grace).fill(decide === 'Keep mine' ? 'The hall opens in July, says Grace.' : left);
		await saved(grace);
		await grace.keyboard.press('Escape');
		await ada.context().setOffline(false);
		await ada.locator('#conflict').waitFor();
		await saved(ada, 'Not saved: somebody saved in between');
		assert.equal(await ada.evaluate(() => document.activeElement?.id), 'text', 'whoever writes goes on');
		assert.match(await ada.locator('[data-version="mine"]').innerText(), /June/);
		assert.match(await ada.locator('[data-version="theirs"]').innerText(), /says Grace/);
		await shows(grace, 'says Grace');
		if (decide === 'Keep mine') {
			await picture(ada, 'review-conflict.png');
			await accessible(ada, 'conflict');
		}
		await ada.getByRole('button', { name: decide }).click();
		await saved(ada);
		for (const page of [ada, grace])
			await page.waitForFunction((words) => /** @type {HTMLTextAreaElement} */ (document.getElementById('text')).value === words, left);
		if (decide === 'Keep mine' && await ada.locator('#edit').count())
			await ada.locator('#edit').click();
	}
	const log = await stage.cluster.sql(`select body from event where room = '${room}' order by seq`);
	assert.deepEqual(log.map(({ body }) => /(May|July|June|September)/.exec(body ?? '')?.[1]), ['May', 'July', 'June', 'September'], 'each save is stored once');
	assert.deepEqual(stage.complaints, []);
});

test('a client of the relay and this page see each other in one room', async () => {
	const room = 'submission:annual-report';
	const ada = await stage.visit('demo-ada', { room });
	await status(ada);
	const mary = await Client.open(stage.publicUrls[1], { kind: 'submission', id: 'annual-report' },
		{ id: 'mary_k_2', name: 'Mary Kenneth Keller', email: 'mary@example.org', session: 'demo-mary' });
	await person(ada, 'mary_k_2').waitFor();
	mary.send('editing_started', { data: { field: 'content' } });
	mary.send('cursor_position', { data: { position: { line: 1, column: 1, type: 'cursor' } } });
	await person(ada, 'mary_k_2').locator('.pill').waitFor();
	await ada.locator('.notice', { hasText: 'editing in another application' }).waitFor();
	await ada.locator('.caret[data-cursor="mary_k_2"]').waitFor({ state: 'attached' });
	mary.send('editing_stopped', { data: { field: 'content' } });
	await person(ada, 'mary_k_2').locator('.pill').waitFor({ state: 'detached' });
	await ada.locator('#edit').click();
	await text(ada).fill('All went well.');
	await mary.next((/** @type {any} */ m) => m.type === 'editing_started' && m.userId === 'ada_l');
	await mary.next((/** @type {any} */ m) => m.type === 'content_updated' && m.data.newValue === 'All went well.' && m.userName === 'Ada Lovelace');
	await ada.locator('#comment').fill('For the printer');
	await ada.locator('.comments button[type="submit"]').click();
	await mary.next((/** @type {any} */ m) => m.type === 'comment_added' && m.data.comment.content === 'For the printer');
	const reply = await fetch(`${stage.publicUrls[0]}/api/ws/submissions/annual-report/broadcast`, {
		method: 'POST', headers: { Authorization: 'Bearer demo-mary', 'Content-Type': 'application/json' },
		body: JSON.stringify({ type: 'approval_added', data: { approval: { status: 'APPROVED' }, submissionStatus: 'APPROVED', title: 'Annual report 1888' } }),
	});
	assert.equal(reply.status, 200);
	await ada.locator('#approvals [data-approved="true"]', { hasText: 'Mary' }).waitFor();
	await ada.locator('h1', { hasText: 'Annual report 1888' }).waitFor();
	mary.socket.close();
	assert.deepEqual(stage.complaints, []);
});

test('the history goes back to the first event, each once; a viewer reads and does not write', async () => {
	const room = 'document:minutes';
	await stage.cluster.sql(`select publish_event('${room}', 'minute_taken', jsonb_build_object('n', n), actor => 'ada_l') from generate_series(1, 70) n`);
	const mary = await stage.visit('demo-mary', { room });
	await status(mary);
	await mary.locator('#activity [data-seq="70"]').waitFor();
	assert.ok(await mary.locator('#activity [data-seq]').count() <= 30);
	while (await mary.locator('#earlier').count() > 0) {
		const before = await mary.locator('#activity [data-seq]').count();
		await mary.locator('#earlier').click();
		await mary.waitForFunction((n) => document.querySelectorAll('#activity [data-seq]').length > n, before);
	}
	const seqs = await mary.locator('#activity [data-seq]').evaluateAll((all) => all.map((one) => Number(/** @type {HTMLElement} */ (one).dataset.seq)));
	assert.deepEqual(seqs, Array.from({ length: 70 }, (_, i) => 70 - i));
	assert.equal(await mary.locator('#edit, #comment, #approve').count(), 0);
	await mary.getByText('You may read here, not write.').waitFor();
});

test('a room that is told as a number shows the number, and no names', async () => {
	const room = 'submission:spring-letter';
	const guests = await Promise.all([['grace@example.org', 'demo-grace'], ['u-3', 'demo-zoe'], ['mary_k_2', 'demo-mary'], ['u-5', 'demo-alan']].map(([id, session]) =>
		Client.open(stage.publicUrls[0], { kind: 'submission', id: 'spring-letter' }, { id, name: id, email: id, session })));
	const ada = await stage.visit('demo-ada', { room });
	await ada.locator('#people-unlisted', { hasText: '5 people are here: too many to be listed.' }).waitFor();
	assert.equal(await ada.locator('#people-count').innerText(), '5');
	assert.equal(await ada.locator('#people li').count(), 0);
	for (const guest of guests)
		guest.socket.close();
});

test('notifications: asked for by a click, shown only while nobody looks', async () => {
	const room = 'document:style_guide';
	const ada = await stage.visit('demo-ada', { room, prepare: (page) => page.addInitScript(() => {
		const told = { asked: 0, shown: /** @type {string[]} */ ([]), visible: 'visible' };
		Object.assign(window, { told });
		window.Notification = /** @type {any} */ (class {
			static permission = 'default';
			static async requestPermission() {
				told.asked++;
				return (this.permission = 'granted');
			}
			/** @param {string} title */
			constructor(title) {
				told.shown.push(title);
			}
			close() {}
		});
		Object.defineProperty(document, 'visibilityState', { get: () => told.visible });
	}) });
	await status(ada);
	const told = () => ada.evaluate(() => /** @type {any} */ (window).told);
	assert.equal((await told()).asked, 0, 'nothing is asked unbidden');
	await ada.locator('#notify').click();
	await ada.locator('#notify', { hasText: 'Notifications on' }).waitFor();
	await stage.publish(room, 'comment_added', { comment: { content: 'while she looks' } }, 'grace@example.org');
	await toast(ada, 'while she looks');
	assert.equal(await ada.title(), 'Style guide · Moothall');
	await ada.evaluate(() => void (/** @type {any} */ (window).told.visible = 'hidden'));
	await stage.publish(room, 'comment_added', { comment: { content: 'while she is away' } }, 'grace@example.org');
	await ada.locator('#comments li', { hasText: 'while she is away' }).waitFor();
	assert.equal((await told()).shown.length, 1);
	assert.match((await told()).shown[0], /commented$/);
	assert.equal(await ada.title(), '(1) Style guide · Moothall');
	await ada.evaluate(() => {
		/** @type {any} */ (window).told.visible = 'visible';
		document.dispatchEvent(new Event('visibilitychange'));
	});
	await ada.waitForFunction(() => document.title === 'Style guide · Moothall');
});

test('the debug panel tells ids, state and messages, and never the session token', async () => {
	const ada = await stage.visit('demo-ada');
	const grace = await stage.visit('demo-grace');
	await status(ada);
	await status(grace);
	await ada.locator('#debug summary').click();
	await ada.locator('#debug').getByRole('button', { name: 'Send Test Message' }).click();
	await toast(grace, 'Ada Lovelace sent a test message');
	await ada.locator('#debug').getByRole('button', { name: 'Request Room State' }).click();
	await ada.locator('#debug-answer', { hasText: '"members"' }).waitFor();
	await ada.locator('#debug').getByRole('button', { name: 'Reconnect' }).click();
	await ada.locator('#trace > li', { hasText: 'the same session' }).first().waitFor();
	await ada.locator('#messages [data-type="joined"]').first().waitFor();
	const words = await ada.locator('#debug').innerText();
	assert.match(words, /submission:spring-letter/);
	assert.match(words, /ada_l/);
	assert.ok(!words.includes('demo-ada'), 'the token is never shown');
	await accessible(ada, 'debug');
	await ada.locator('#debug').scrollIntoViewIfNeeded();
	await picture(ada, 'review-debug.png');
	assert.deepEqual(stage.complaints, []);
});

test('who may not enter is told why; who is not signed in can sign in; all of it by keyboard', async () => {
	const sam = await stage.visit('demo-sam');
	await sam.locator('[role="alert"]', { hasText: 'this user may not enter the room' }).waitFor();
	assert.equal(await sam.locator('#status').getAttribute('data-state'), 'stopped');
	assert.equal(await sam.locator('#saved, #approve, #edit, #comment, #people').count(), 0, 'nothing is pretended');
	const nobody = await stage.visit('no-such-session', { room: 'submission:press_2' });
	await status(nobody, /you are not signed in any more/);
	await nobody.getByRole('button', { name: 'Choose another room' }).click();
	await nobody.locator('.sign-in').waitFor();
	await accessible(nobody, 'sign in');
	await nobody.locator('input[name="person"]').first().focus();
	await nobody.keyboard.press('Space');
	await nobody.keyboard.press('ArrowDown');
	await nobody.keyboard.press('Enter');
	await status(nobody);
	await person(nobody, 'grace@example.org').locator('.you').waitFor();
	await nobody.keyboard.press('Tab');
	assert.equal(await nobody.evaluate(() => document.activeElement?.textContent), 'Skip to the text');
	await nobody.locator('#edit').focus();
	await nobody.keyboard.press('Enter');
	await nobody.waitForFunction(() => document.activeElement?.id === 'text');
	await nobody.keyboard.press('Escape');
	await nobody.locator('#edit').waitFor();
});
