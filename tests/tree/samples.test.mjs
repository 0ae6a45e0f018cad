// SPDX-License-Identifier: Apache-2.0
// The sample settings under deploy/ are what the programs print: nobody edits them by hand.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { programs, ROOT } from '../../deploy/local/settings.mjs';

for (const program of Object.values(programs(process.env.MOOT_BUILD ?? 'debug'))) {
	const name = path.basename(program);
	test(`deploy/${name}.ini is what ${name} --print-sample prints`, () => {
		const printed = execFileSync(program, ['--print-sample'], { encoding: 'utf8' });
		assert.equal(fs.readFileSync(path.join(ROOT, 'deploy', `${name}.ini`), 'utf8'), printed);
	});
}
