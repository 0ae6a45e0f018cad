// SPDX-License-Identifier: Apache-2.0
// The review page over https:// and wss:// in a real Chromium: at the gateway, and behind proxies.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { makeCertificate } from '../../deploy/local/certificate.mjs';
import { runAgain } from '../lib/again.mjs';

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'moothall-browser-tls-'));
before(async () => {
	fs.chmodSync(dir, 0o755);
	await makeCertificate(dir);
});
after(() => fs.rmSync(dir, { recursive: true, force: true }));

for (const way of ['tls', 'nginx', 'haproxy'])
	test(`three reviewers by ${way}`, { timeout: 120_000 }, () =>
		runAgain('browser/review.test.mjs', way, dir, { only: 'three reviewers', atLeast: 1 }));
