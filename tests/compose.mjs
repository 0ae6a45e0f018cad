// SPDX-License-Identifier: Apache-2.0
/**
 * `./dev compose-test`: the images and the stack of deploy/compose.yaml, for real, under load.
 */
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { VAR } from '../deploy/local/settings.mjs';
import { Docker } from './lib/docker.mjs';
import { packages } from './steps.mjs';

const HELP = `./dev compose-test [--connections N] [--rooms N] [--writers N]

Builds the images of deploy/Dockerfile on a Debian made by debootstrap, brings deploy/compose.yaml up with
docker-compose, and lets clients work through its one published port while shards are scaled from 2 to 4 to 2,
every container is replaced by a new one, and the busiest shard is killed. What each client was shown, and
what was acknowledged, is held against what was said and against the table of events. Then the processes as
containers have them: ends in order, no root, one process, health, Prometheus.

It starts a dockerd of its own in a network namespace of its own, as root, and ends it. What it keeps for
the next run is in var/docker.

  --connections N  v0 clients (default 120)
  --rooms N        that they are in (default 30)
  --writers N      native clients that publish one event after the other, in a third as many rooms (default 30)

Ends with 1, and says what differs, when anything was lost, doubled or out of order, when anybody was shown
as gone, when a socket closed that need not, or when a container did not end in order.
`;

process.exitCode = await main(process.argv.slice(2));

/** @param {string[]} args */
async function main(args) {
	const text = /** @type {const} */ ({ type: 'string' });
	const { values } = parseArgs({ args, options: { connections: text, rooms: text, writers: text, help: { type: 'boolean' } } });
	if (values.help) {
		console.log(HELP.trimEnd());
		return 0;
	}
	const from = Date.now();
	const say = (/** @type {string} */ line) => console.log(`${String(Math.round((Date.now() - from) / 1000)).padStart(4)} s  ${line}`);
	const plan = { connections: Number(values.connections ?? 120), rooms: Number(values.rooms ?? 30), writers: Number(values.writers ?? 30) };
	await packages();
	const { Trial } = await import('./lib/trial.mjs'); // needs the packages
	const docker = await Docker.open({ dir: path.join(VAR, 'docker'), say });
	for (const signal of /** @type {NodeJS.Signals[]} */ (['SIGINT', 'SIGTERM', 'SIGHUP']))
		process.once(signal, () => docker.close().finally(() => process.exit(1)));
	try {
		await docker.makeBase();
		const trial = new Trial(docker, { ...plan, dir: path.join(VAR, 'compose'), say });
		const wrong = await trial.run();
		say(wrong.length === 0 ? 'no client noticed' : ['wrong:', ...wrong].join('\n  '));
		console.log(`${trial.passed} passed, ${wrong.length} failed`);
		return wrong.length === 0 ? 0 : 1;
	} finally {
		await docker.close();
		await sleep(0);
	}
}
