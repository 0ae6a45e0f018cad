// SPDX-License-Identifier: Apache-2.0
// What the tests of the pages share: a cluster, a Chromium, and reviewers with a browser each.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { chromium } from 'playwright-core';
import { Cluster } from '../../deploy/local/cluster.mjs';
import { ROOT } from '../../deploy/local/settings.mjs';
import { Way } from '../lib/ways.mjs';

/** @typedef {import('playwright-core').Page} Page */

export const desktop = { viewport: { width: 1280, height: 940 } };
export const phone = { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };
const axe = fs.readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const waitMs = 15_000;
export const letter = `Dear members,

the spring meeting takes place on 14 March, at seven in the evening, in the old town hall. All members are welcome; guests may come along if they have been named by the end of February.

The council proposes to open the reading room on Saturdays. The costs were estimated at 4,200 a year, of which the town carries half.

With kind regards,
the council`;
export const graceMs = 30_000; // more than a busy machine takes to come back
const reloadMs = 3_000;

export class Stage {
	/** @type {string[]} what the pages complained of */ complaints = [];

	/** @param {Cluster} cluster @param {import('playwright-core').Browser} browser @param {Way} way by which browsers get in, as MOOT_WAY says */
	constructor(cluster, browser, way) {
		this.cluster = cluster;
		this.browser = browser;
		this.way = way;
	}

	/** One for each gateway. */
	get publicUrls() {
		return this.way.urls(this.cluster);
	}

	/** @param {Record<string, string>} [gatewayEnv] */
	static async open(gatewayEnv = {}) {
		const way = Way.chosen();
		const cluster = await Cluster.start({
			gateways: 2, shards: 2, demo: true, ...way.plan,
			gatewayEnv: { MOOT_DRAIN_SPREAD: '300ms', MOOT_PRESENCE_GRACE: `${graceMs}ms`, MOOT_PRESENCE_RELOAD: `${reloadMs}ms`, MOOT_LINK_SILENCE: '2s', ...way.plan.gatewayEnv, ...gatewayEnv },
			shardEnv: { MOOT_PRESENCE_GRACE: `${graceMs}ms` },
		});
		const browser = await chromium.launch({
			executablePath: process.env.MOOT_CHROMIUM ?? '/usr/bin/chromium',
			headless: true,
			args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
				'--disable-component-update', '--disable-sync'],
		});
		await way.open(cluster);
		return new Stage(cluster, browser, way);
	}

	async close() {
		await this.browser.close();
		await this.way.close();
		await this.cluster.stop();
	}

	/** All reviewers go. */
	async clear() {
		for (const context of this.browser.contexts())
			await context.close();
		this.complaints = [];
	}

	/** One reviewer with a browser of its own. @param {string} session
	 * @param {{base?: string, room?: string, look?: import('playwright-core').BrowserContextOptions, prepare?: (page: Page) => Promise<unknown>}} [how] */
	async visit(session, { base = this.publicUrls[0], room = 'submission:spring-letter', look = desktop, prepare } = {}) {
		const context = await this.browser.newContext({ ...look, ignoreHTTPSErrors: true });
		const page = await context.newPage();
		page.setDefaultTimeout(waitMs);
		page.on('pageerror', (error) => this.complaints.push(`${session}: ${error.message}`));
		page.on('console', (line) => line.type() === 'error' && !/WebSocket connection|net::ERR|404/.test(line.text()) && this.complaints.push(`${session}: ${line.text()}`));
		await prepare?.(page);
		await page.goto(`${base}/?room=${encodeURIComponent(room)}&session=${session}`);
		return page;
	}

	/** As the application does it. @param {string} room @param {string} event @param {unknown} data @param {string} [actor] */
	async publish(room, event, data, actor = 'u-5') {
		const quoted = (/** @type {string} */ text) => `'${text.replaceAll("'", "''")}'`;
		await this.cluster.sql(`select publish_event(${quoted(room)}, ${quoted(event)}, ${quoted(JSON.stringify(data))}, actor => ${quoted(actor)})`);
	}
}

/** Made again with MOOT_SCREENSHOTS=1. @param {Page} page @param {string} name @param {boolean} [fullPage] */
export async function picture(page, name, fullPage = false) {
	if (process.env.MOOT_SCREENSHOTS !== '1')
		return;
	const dir = path.join(ROOT, 'docs', 'images');
	fs.mkdirSync(dir, { recursive: true });
	await page.screenshot({ path: path.join(dir, name), fullPage });
}

/** As axe sees it, no violation of level A or AA. @param {Page} page @param {string} where */
export async function accessible(page, where) {
	await page.waitForTimeout(200); // what rises is half transparent until then
	await page.evaluate(axe);
	const { violations } = await page.evaluate(() => /** @type {any} */ (window).axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }));
	assert.deepEqual(violations.map((/** @type {any} */ one) => `${where}: ${one.id} ${one.nodes.map((/** @type {any} */ node) => `${node.target} ${node.any[0]?.message ?? ''}`).join('; ')}`), []);
}

/** @param {Page} page @param {string | RegExp} words */
export const status = (page, words = /^Connected$/) => page.locator('#status-text', { hasText: words }).waitFor();

/** @param {Page} page @param {string} user */
export const person = (page, user) => page.locator(`#people [data-user="${user}"]`);

/** Keeps what was seen meanwhile: the words of the connection, changes of the list of people, and how
 * many sockets were open at the least. @param {Page} page */
export async function watch(page) {
	await page.evaluate(() => {
		const seen = { words: /** @type {string[]} */ ([]), people: 0 };
		const words = /** @type {HTMLElement} */ (document.getElementById('status-text'));
		const people = /** @type {HTMLElement} */ (document.getElementById('people'));
		new MutationObserver(() => seen.words.push(words.textContent ?? '')).observe(words, { childList: true, characterData: true, subtree: true });
		new MutationObserver(() => seen.people++).observe(people, { childList: true });
		Object.assign(window, { seen });
	});
}

/** @param {Page} page @returns {Promise<{words: string[], people: number}>} */
export const seen = (page) => page.evaluate(() => /** @type {any} */ (window).seen);

/** Counts the sockets that are open, from before the page has any. @param {Page} page */
export const countSockets = (page) => page.addInitScript(() => {
	const Real = window.WebSocket;
	const sockets = { open: 0, least: Infinity, made: 0 };
	Object.assign(window, { sockets });
	window.WebSocket = class extends Real {
		/** @param {string} url @param {string[]} [protocols] */
		constructor(url, protocols) {
			super(url, protocols);
			sockets.made++;
			this.addEventListener('open', () => sockets.open++);
			const gone = () => {
				if (!(/** @type {any} */ (this).counted)) {
					Object.assign(this, { counted: true });
					sockets.open--;
					sockets.least = Math.min(sockets.least, sockets.open);
				}
			};
			const close = this.close.bind(this);
			this.close = (code, reason) => {
				if (this.readyState === 1)
					gone();
				close(code, reason);
			};
			this.addEventListener('close', () => gone());
		}
	};
});
