// SPDX-License-Identifier: Apache-2.0
// Opens the links that ./dev run has printed, each in a Chromium context of its own, and waits until
// each page shows that both people are there: `node links.mjs LINK LINK`.
import { chromium } from 'playwright-core';

const links = process.argv.slice(2);
const browser = await chromium.launch({
	executablePath: process.env.MOOT_CHROMIUM ?? '/usr/bin/chromium',
	args: ['--no-sandbox', '--disable-gpu', '--no-first-run'],
});
try {
	const pages = await Promise.all(links.map(async (link) => {
		const page = await (await browser.newContext()).newPage();
		await page.goto(link);
		return page;
	}));
	for (const page of pages)
		for (const user of ['ada_l', 'grace@example.org'])
			await page.locator(`#people [data-user="${user}"]`).waitFor({ timeout: 15000 });
	console.log('both see each other');
} finally {
	await browser.close();
}
