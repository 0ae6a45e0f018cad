// SPDX-License-Identifier: Apache-2.0
/**
 * `./dev disconnects`: connections of the SDK are cut a thousand times, and how long it takes to be back.
 */
import { parseArgs } from 'node:util';
import { build } from '../deploy/local/build.mjs';
import { packages } from './steps.mjs';

const HELP = `./dev disconnects [--cuts N] [--people N]

People with the SDK (client/) talk in one room of a cluster of two gateways and two shards, while their
connections are reset, cut within a frame, closed, frozen, and gateways and shards end under them. Prints
how many came back, and the median and the worst time from the loss to everything missed being there.

  --cuts N    default 1000
  --people N  default 10

Ends with 1, and says what differs, when an event was lost, doubled or reordered. How often somebody was
shown as gone is said: that is possible here, where all that knew of him may end within seconds.
`;

process.exitCode = await main(process.argv.slice(2));

/** @param {string[]} args */
async function main(args) {
	const text = /** @type {const} */ ({ type: 'string' });
	const { values } = parseArgs({ args, options: { cuts: text, people: text, help: { type: 'boolean' } } });
	if (values.help) {
		console.log(HELP.trimEnd());
		return 0;
	}
	await packages();
	await build('debug', (line) => console.log(line));
	const { World } = await import('./lib/world.mjs');
	const { describe, disconnect } = await import('./lib/disconnects.mjs');
	const world = await World.open({ gatewayEnv: { MOOT_PRESENCE_GRACE: '30s', MOOT_PRESENCE_RELOAD: '30s' }, shardEnv: { MOOT_PRESENCE_GRACE: '30s' } });
	try {
		let at = 0;
		const report = await disconnect(world, {
			cuts: Number(values.cuts ?? 1000), people: Number(values.people ?? 10), frozen: 5, processes: true,
			say: (line) => void (++at % 100 || console.log(line)),
		});
		console.log([describe(report), ...report.faults].join('\n'));
		return report.faults.length > 0 ? 1 : 0;
	} finally {
		await world.close();
	}
}
