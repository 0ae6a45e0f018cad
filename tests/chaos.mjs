// SPDX-License-Identifier: Apache-2.0
/**
 * `./dev chaos`: minutes in which everything goes wrong that may, and the account of what clients saw.
 */
import { parseArgs } from 'node:util';
import { build } from '../deploy/local/build.mjs';
import { packages } from './steps.mjs';

const HELP = `./dev chaos [--seconds N] [--seed N] [--publishers N] [--rooms N]

Native clients publish to rooms, one event after the other, while shards and gateways are killed with
SIGKILL, PostgreSQL is stopped at once and started again, and ways of the network are cut: about one fault
every three seconds. What ends is started again. In the end everything that was answered, and everything
that each client was shown, is held against the table of events. Needs root: it makes network namespaces.

  --seconds N     of faults (default 600)
  --seed N        which fault comes when, and where; default: another one each time
  --publishers N  default 200
  --rooms N       default 50

Ends with 1, and says what differs, when an event that was acknowledged is missing, or was shown twice, out
of order, or without being stored, or when a process crashed.
`;

process.exitCode = await main(process.argv.slice(2));

/** @param {string[]} args */
async function main(args) {
	const text = /** @type {const} */ ({ type: 'string' });
	const { values } = parseArgs({ args, options: { seconds: text, seed: text, publishers: text, rooms: text, help: { type: 'boolean' } } });
	if (values.help) {
		console.log(HELP.trimEnd());
		return 0;
	}
	const plan = {
		seconds: Number(values.seconds ?? 600), seed: Number(values.seed ?? Date.now() % 2 ** 31),
		publishers: Number(values.publishers ?? 200), rooms: Number(values.rooms ?? 50),
		say: (/** @type {string} */ line) => console.log(line),
	};
	await packages();
	const { Chaos, describe } = await import('./lib/chaos.mjs'); // needs them
	await build('debug', plan.say);
	console.log(`${plan.publishers} publishers in ${plan.rooms} rooms, ${plan.seconds} s, seed ${plan.seed}`);
	const chaos = await Chaos.open(plan);
	try {
		await chaos.rage();
		const report = await chaos.settle();
		console.log([describe(report), ...report.flaws].join('\n'));
		return report.flaws.length > 0 ? 1 : 0;
	} finally {
		await chaos.close();
	}
}
