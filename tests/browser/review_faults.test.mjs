// SPDX-License-Identifier: Apache-2.0
// The review page while things break: the network, the machine it runs on, gateways, a shard. Whatever it
// is, no event is lost or shown twice, nobody flickers out of the list, and what the page says is true.

import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { accessible, countSockets, graceMs, letter, person, picture, seen, Stage, status, watch } from './stage.mjs';

const room = 'submission:spring-letter';

/** @type {Stage} */
let stage;
before(async () => {
	stage = await Stage.open();
	await stage.publish(room, 'content_updated', { field: 'content', newValue: letter, title: 'Spring letter to all members' });
});
after(() => stage?.close());
afterEach(() => stage?.clear());

/** @param {import('playwright-core').Page} page @param {string} words */
async function say(page, words) {
	await page.locator('#comment').fill(words);
	await page.locator('.comments button[type="submit"]').click();
}

/** Everything that was said, as the page shows it: in the order of the log, each once.
 * @param {import('playwright-core').Page} page @param {string[]} words */
async function shown(page, words) {
	for (const one of words)
		await page.locator('#comments [data-seq]', { hasText: one }).waitFor();
	const all = await page.locator('#comments [data-seq] .words').allInnerTexts();
	for (const one of words)
		assert.equal(all.filter((text) => text === one).length, 1, `${one} is shown once`);
	assert.equal(await page.locator('#comments .pending').count(), 0);
	const rows = await stage.cluster.sql(`select body from event where room = '${room}' and type = 'comment_added' order by seq`);
	assert.deepEqual(all, rows.map(({ body }) => JSON.parse(body ?? '').comment?.content ?? JSON.parse(body ?? '').data.comment.content));
}

/** Whether the page would have the browser ask before it goes. @param {import('playwright-core').Page} page */
const asks = (page) => page.evaluate(() => !dispatchEvent(new Event('beforeunload', { cancelable: true })));

/** Two people who see each other; the first one is watched. @param {{base?: string}} [how] */
async function two({ base } = {}) {
	const ada = await stage.visit('demo-ada', { base, prepare: countSockets });
	const grace = await stage.visit('demo-grace', { base: stage.cluster.publicUrls[1] });
	await status(ada);
	await status(grace);
	await person(ada, 'grace@example.org').waitFor();
	await person(grace, 'ada_l').waitFor();
	await ada.locator('#edit:not([disabled])').waitFor();
	await watch(ada);
	return { ada, grace };
}

test('the network is cut and comes back: said at once, what was written waits and is stored once', async () => {
	const { ada, grace } = await two();
	await watch(grace);
	await ada.locator('#edit').click();
	await grace.locator('#holder').waitFor();
	await ada.context().setOffline(true);
	await status(ada, /this device is offline/);
	await say(ada, 'written without a network');
	assert.equal(await ada.locator('#saved').innerText(), 'Saved', 'the text is');
	await ada.locator('#text').fill(`${letter}\n\nPS: bring your friends.`);
	await ada.locator('#saved', { hasText: 'Not saved yet: waits for the connection' }).waitFor();
	await ada.locator('#comments .pending', { hasText: /Waits for the connection/ }).waitFor();
	await say(grace, 'said meanwhile');
	await status(ada, /^Not connected/);
	await ada.locator('#people[data-stale="true"]').waitFor();
	assert.equal(await asks(ada), true, 'who goes now is asked: something is not stored');
	await picture(ada, 'review-offline.png');
	await accessible(ada, 'offline');
	await ada.context().setOffline(false);
	await status(ada);
	for (const page of [ada, grace])
		await shown(page, ['written without a network', 'said meanwhile']);
	await ada.locator('.toast', { hasText: 'Back again: one thing happened meanwhile' }).waitFor();
	await ada.locator('#saved', { hasText: /^Saved$/ }).waitFor();
	await grace.waitForFunction(() => /** @type {HTMLTextAreaElement} */ (document.getElementById('text')).value.endsWith('friends.'));
	assert.equal(await asks(ada), false);
	assert.equal((await seen(grace)).people, 0, 'nobody left or came');
	assert.equal((await seen(ada)).people, 0);
});

// Before any gateway ends: for the grace after that the others cannot know that nobody else is where it was.
test('a page that is loaded again never left; a tab that is closed is gone long before the grace of a lost one', async () => {
	const { ada, grace } = await two();
	await watch(grace);
	await ada.reload();
	await status(ada);
	await ada.locator('#edit:not([disabled])').click();
	await grace.locator('#holder', { hasText: 'Ada Lovelace is editing' }).waitFor();
	assert.equal((await seen(grace)).people, 0, 'nobody left or came');
	await ada.locator('#text').fill('Written in the last moment.');
	const gone = ada.waitForEvent('close'); // it may ask first, and stays then
	await ada.close({ runBeforeUnload: true });
	await gone;
	const closed = Date.now();
	await person(grace, 'ada_l').waitFor({ state: 'detached', timeout: graceMs });
	assert.ok(Date.now() - closed < graceMs / 2, `gone after ${Date.now() - closed} ms`);
	assert.equal((await seen(grace)).people, 1, 'the connection of before the reload has ended meanwhile, and nothing showed');
	await grace.locator('#edit').waitFor();
	assert.equal(await grace.locator('#text').inputValue(), 'Written in the last moment.');
});

test('a laptop sleeps for ten minutes: it notices when it wakes, and catches up', async () => {
	const ada = await stage.visit('demo-ada', { prepare: async (page) => page.clock.install() });
	const grace = await stage.visit('demo-grace');
	await status(ada);
	await person(grace, 'ada_l').waitFor();
	await watch(ada);
	await ada.context().setOffline(true);
	await say(grace, 'while it slept');
	await grace.locator('#comments [data-seq]', { hasText: 'while it slept' }).waitFor();
	await ada.clock.fastForward(600_000);
	await ada.context().setOffline(false);
	await shown(ada, ['while it slept']);
	await status(ada);
	const { words, people } = await seen(ada);
	assert.ok(words.some((one) => one !== 'Connected'), `the page did not pretend: ${words}`);
	assert.equal(people, 0);
});

test('a gateway drains: at no moment without an open socket, and nobody notices', async () => {
	const { ada, grace } = await two({ base: stage.cluster.publicUrl });
	await watch(grace);
	const made = () => ada.evaluate(() => /** @type {any} */ (window).sockets.made);
	const said = [];
	for (const gateway of stage.cluster.gateways) {
		const restarted = stage.cluster.restart(gateway);
		for (let i = 0; i < 3; i++) {
			said.push(`drain ${said.length}`);
			await say(ada, said[said.length - 1]);
		}
		await restarted;
		await status(grace);
	}
	for (const page of [ada, grace])
		await shown(page, said);
	assert.ok(await made() >= 2, 'the page moved to another gateway');
	const { least, open } = await ada.evaluate(() => /** @type {any} */ (window).sockets);
	assert.ok(least >= 1, `open sockets at the least: ${least}`);
	assert.equal(open, 1);
	assert.deepEqual(await seen(ada), { words: [], people: 0 });
	assert.equal((await seen(grace)).people, 0);
});

test('both gateways are killed and start again: the page says so and comes back by itself', async () => {
	const { ada, grace } = await two();
	await Promise.all(stage.cluster.gateways.map((one) => one.kill('KILL')));
	await status(ada, /^Not connected: .*Trying again in \d+ s|^Reconnecting/);
	await say(ada, 'while no server was there');
	await Promise.all(stage.cluster.gateways.map((one) => stage.cluster.startProcess(one)));
	await status(ada);
	await status(grace);
	for (const page of [ada, grace])
		await shown(page, ['while no server was there']);
	await person(ada, 'grace@example.org').waitFor();
	assert.equal((await seen(ada)).people, 0, 'the list did not flicker');
});

test('a shard is killed: what is said meanwhile is stored once, and the list does not flicker', async () => {
	const { ada, grace } = await two();
	await watch(grace);
	const [{ name }] = await stage.cluster.sql(`select m.name from event e join slot s on s.slot = e.slot join member m on m.incarnation = s.owner where e.room = '${room}' limit 1`);
	const shard = stage.cluster.shards.find((one) => one.name === name);
	assert.ok(shard, `the owner is ${name}`);
	await say(ada, 'before the kill');
	await shard.kill('KILL');
	await say(ada, 'after the kill');
	await say(grace, 'and from the other side');
	for (const page of [ada, grace])
		await shown(page, ['before the kill', 'after the kill', 'and from the other side']);
	assert.equal((await seen(ada)).people, 0);
	assert.equal((await seen(grace)).people, 0);
	await stage.cluster.startProcess(shard);
	await status(ada);
});
