// SPDX-License-Identifier: Apache-2.0
// The plain page at /test in a real Chromium: two reviewers open the two links and see each other. With
// MOOT_SCREENSHOTS=1 the pictures of the README are made again.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import { reviewers, rooms } from '../../client/demo/reviewers.js';
import { types } from '../../client/src/protocol.js';
import { Cluster } from '../../deploy/local/cluster.mjs';
import { ROOT } from '../../deploy/local/settings.mjs';

const desktop = { viewport: { width: 1280, height: 940 } };
const phone = { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };
const room = 'submission:spring-letter';
const waitMs = 10_000;

/** @type {Cluster} */
let cluster;
/** @type {import('playwright-core').Browser} */
let browser;
/** @type {string[]} what the pages complained of */
let complaints = [];

before(async () => {
	cluster = await Cluster.start({
		gateways: 2, shards: 2, demo: true,
		// Chromium starts beside it: a shard that gets no processor for 600 ms would be declared dead.
		gatewayEnv: { MOOT_DRAIN_SPREAD: '300ms', MOOT_PRESENCE_GRACE: '3s', MOOT_LINK_SILENCE: '2s' },
		shardEnv: { MOOT_PRESENCE_GRACE: '3s' },
	});
	browser = await chromium.launch({
		executablePath: process.env.MOOT_CHROMIUM ?? '/usr/bin/chromium',
		headless: true,
		args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
			'--disable-component-update', '--disable-sync'],
	});
});
after(async () => {
	await browser?.close();
	await cluster?.stop();
});
afterEach(async () => {
	for (const context of browser?.contexts() ?? [])
		await context.close();
	complaints = [];
});

/** One reviewer with a browser of its own. @param {string} session
 * @param {{gateway?: number, room?: string, look?: import('playwright-core').BrowserContextOptions}} [how] */
async function open(session, { gateway = 0, room: where = room, look = desktop } = {}) {
	const context = await browser.newContext(look);
	const page = await context.newPage();
	page.setDefaultTimeout(waitMs);
	page.on('pageerror', (error) => complaints.push(`${session}: ${error.message}`));
	page.on('console', (line) => line.type() === 'error' && complaints.push(`${session}: ${line.text()}`));
	const base = cluster.publicUrls[gateway];
	await page.goto(`${base}/test?room=${encodeURIComponent(where)}&session=${session}`);
	return page;
}

/** @param {import('playwright-core').Page} page @param {string} words */
const status = (page, words) => page.locator('#status-text', { hasText: new RegExp(`^${words}$`) }).waitFor();

/** @param {import('playwright-core').Page} page @param {string} user */
const person = (page, user) => page.locator(`#people [data-user="${user}"]`);

/** @param {import('playwright-core').Page} page @param {string} text */
const news = (page, text) => page.locator('#activity li', { hasText: text }).first().waitFor();

/** @param {import('playwright-core').Page} page @param {string} name */
async function picture(page, name) {
	if (process.env.MOOT_SCREENSHOTS !== '1')
		return;
	const dir = path.join(ROOT, 'docs', 'images');
	fs.mkdirSync(dir, { recursive: true });
	await page.screenshot({ path: path.join(dir, name) });
}

test('two reviewers on different gateways see each other and what they do', async () => {
	const ada = await open('demo-ada', { gateway: 0 });
	await status(ada, 'Connected');
	const grace = await open('demo-grace', { gateway: 1, look: phone });
	await status(grace, 'Connected');
	for (const page of [ada, grace]) {
		await person(page, 'ada_l').waitFor();
		await person(page, 'grace@example.org').waitFor();
		assert.equal(await page.locator('#people-count').textContent(), '2');
		assert.match(await page.locator('#status').innerText(), /\(2 users connected\)/);
	}
	assert.match(await person(ada, 'ada_l').innerText(), /Ada Lovelace\s*\(you\)/);
	assert.match(await person(grace, 'grace@example.org').innerText(), /\(you\)/);
	await news(ada, 'Grace Brewster Hopper joined');

	await grace.locator('#note').fill('The council approves the text as it stands.');
	await person(ada, 'grace@example.org').locator('.pill', { hasText: 'editing' }).waitFor();
	await ada.locator('#typing', { hasText: 'Grace Brewster Hopper is typing' }).waitFor();
	await news(ada, 'Grace Brewster Hopper started editing');
	await ada.waitForFunction(() => /** @type {HTMLTextAreaElement} */ (document.getElementById('note')).value.startsWith('The council'));
	await person(ada, 'grace@example.org').locator('small', { hasText: 'line 1, column' }).waitFor();

	const zoe = await open('demo-zoe', { gateway: 0 });
	await person(zoe, 'grace@example.org').locator('.pill').waitFor();
	await zoe.locator('#actions [data-type="comment_added"]').click();
	for (const page of [ada, grace, zoe])
		await news(page, 'Zoë Ångström added a comment');

	await picture(ada, 'plain-desktop.png');
	await picture(grace, 'plain-phone.png');
	const [inner, content] = await grace.evaluate(() => [innerWidth, document.documentElement.scrollWidth]);
	assert.ok(content <= inner, `nothing is wider than the phone: ${content} of ${inner}`);

	await grace.locator('#note').blur();
	await person(ada, 'grace@example.org').locator('.pill').waitFor({ state: 'detached' });
	await zoe.locator('#connect-card summary').click();
	await zoe.locator('#disconnect').click();
	await status(zoe, 'Disconnected');
	await news(ada, 'Zoë Ångström left');
	assert.deepEqual(complaints, []);
});

test('each message of a client has a button, and each is passed on or answered', async () => {
	const ada = await open('demo-ada', { gateway: 0, room: 'document:minutes' });
	await status(ada, 'Connected');
	const grace = await open('demo-grace', { gateway: 1, room: 'document:minutes' });
	await status(grace, 'Connected');
	await person(ada, 'grace@example.org').waitFor();
	const buttons = await ada.locator('#actions [data-type]').evaluateAll((all) => all.map((one) => /** @type {HTMLElement} */ (one).dataset.type));
	for (const [type, { from, action }] of Object.entries(types)) {
		if (from === 'server')
			continue;
		assert.ok(buttons.includes(type), `a button for ${type}`);
		await ada.locator(`#actions [data-type="${type}"]`).first().click();
		if (action === 'relay')
			await grace.locator('#log [data-way="in"]', { hasText: `"type":"${type}"` }).first().waitFor();
	}
	for (const answer of ['pong', 'heartbeat_response'])
		await ada.locator('#log [data-way="in"]', { hasText: `"type":"${answer}"` }).first().waitFor();
	for (const type of ['comment_added', 'approval_added', 'status_changed']) {
		await ada.locator(`#actions [data-type="${type}"]`).click();
		for (const page of [ada, grace])
			await page.locator('#log [data-way="in"]', { hasText: `"type":"${type}"` }).first().waitFor();
	}
	assert.equal(await ada.locator('#activity [data-type="error"]').count(), 0);
	const log = await ada.locator('#log').innerText();
	const shown = await ada.locator('#details').innerText();
	assert.ok(!`${log}${shown}`.includes('demo-ada'), 'the session token is never shown');
	await ada.locator('#clear').click();
	assert.equal(await ada.locator('#log li').count(), 0);
	assert.deepEqual(complaints, []);
});

test('a gateway restarts: the page says so, comes back by itself, and the others see nothing', async () => {
	const ada = await open('demo-ada', { gateway: 0 });
	const grace = await open('demo-grace', { gateway: 1 });
	await Promise.all([ada, grace].map((page) => status(page, 'Connected')));
	await person(ada, 'grace@example.org').waitFor();
	const restarted = cluster.restart(cluster.gateways[1]);
	await status(grace, 'Connecting...');
	await restarted;
	await status(grace, 'Connected');
	await grace.locator('#actions [data-type="user_presence"]').click();
	await news(ada, 'Grace Brewster Hopper sent a presence message');
	assert.equal(await ada.locator('#activity li', { hasText: 'left' }).count(), 0);
});

test('who may not enter is told why; who is not signed in too', async () => {
	const sam = await open('demo-sam');
	await status(sam, 'Connection Error');
	await sam.locator('#status-why', { hasText: 'Access denied' }).waitFor();
	const nobody = await open('no-such-session');
	await status(nobody, 'Session Expired');
});

test('the page knows the same reviewers and rooms as the demo database', async () => {
	const sessions = await cluster.sql('select s.id, u.name from sessions s join users u on u.id = s.user_id order by 1');
	assert.deepEqual(reviewers.map(({ session, name }) => ({ id: session, name })).sort((a, b) => (a.id < b.id ? -1 : 1)), sessions);
	for (const [kind, ids] of Object.entries(rooms)) {
		const rows = await cluster.sql(`select id from ${kind}s order by 1`);
		assert.deepEqual([...ids].sort(), rows.map((row) => row.id));
	}
});

test('works by keyboard, names its controls, and follows the dark scheme', async () => {
	const page = await open('demo-ada', { look: { ...desktop, colorScheme: 'dark' } });
	await status(page, 'Connected');
	const dark = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
	assert.match(dark, /^rgb\((\d|[1-4]\d), (\d|[1-4]\d), (\d|[1-4]\d)\)$/);
	const nameless = await page.locator('input, select, textarea, button').evaluateAll((all) => all
		.filter((one) => !(/** @type {HTMLInputElement} */ (one).labels?.length || one.textContent?.trim())).map((one) => one.outerHTML));
	assert.deepEqual(nameless, []);
	assert.equal(await page.locator('#status').getAttribute('role'), 'status');
	await page.locator('#note').focus();
	await page.keyboard.press('Tab');
	assert.equal(await page.evaluate(() => document.activeElement?.matches('button, [tabindex], ol, ul')), true);
});
