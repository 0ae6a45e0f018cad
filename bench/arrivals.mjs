// SPDX-License-Identifier: Apache-2.0
/**
 * A room that many enter within two seconds (docs/performance.md): how often each is told of the others, and what
 * a join costs as rooms grow.
 *
 *   ./dev bench arrivals [--members 250,500,1000,2000]
 */
import { parseArgs } from 'node:util';
import { packages } from '../tests/steps.mjs';

const { values } = parseArgs({ options: { members: { type: 'string', default: '250,500,1000,2000' } } });
const sizes = values.members.split(',').map(Number);
if (sizes.length === 0 || sizes.some((size) => !(size >= 2 && size <= 5_000))) {
	console.error(`bench arrivals: --members takes numbers from 2 to 5000, separated by commas, not "${values.members}"`);
	process.exit(2);
}
await packages();
const { Arrivals } = await import('../tests/lib/arrivals.mjs');
console.error('a cluster of release builds starts');
const arrivals = await Arrivals.open('release', Math.max(...sizes));
let faults = 0;
try {
	console.log('| members | messages to each, at most | bytes per join | per join and member | CPU per join | per join and member | all know all, after the last join |\n|---|---|---|---|---|---|---|');
	for (const size of sizes) {
		console.error(`${size} enter`);
		const one = await arrivals.enter(size);
		console.log(`| ${size} | ${one.messages} | ${Math.round(one.bytesPerJoin)} | ${(one.bytesPerJoin / size).toFixed(1)} | ${Math.round(one.cpuUsPerJoin)} us | ${(one.cpuUsPerJoin / size).toFixed(2)} us | ${one.lastMs} ms |`);
		for (const fault of one.faults.slice(0, 5))
			console.error(fault);
		faults += one.faults.length;
	}
} finally {
	await arrivals.close();
}
process.exitCode = faults ? 1 : 0;
