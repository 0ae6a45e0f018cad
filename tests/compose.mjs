// SPDX-License-Identifier: Apache-2.0
/**
 * `./dev compose-test`: the images and the stack of deploy/compose.yaml, for real, under load.
 */
import path from 'node:path';
import { parseArgs } from 'node:util';
import { build } from '../deploy/local/build.mjs';
import { VAR } from '../deploy/local/settings.mjs';
import { Docker } from './lib/docker.mjs';
import { packages } from './steps.mjs';

const HELP = `./dev compose-test [--people N]

Builds the images of deploy/Dockerfile on a Debian made by debootstrap, brings deploy/compose.yaml up with
docker-compose, and runs moot-bench's scenario review through its one published port while shards are scaled
from 2 to 4 to 2, every container is replaced by a new one, and the busiest shard is killed. What everybody
was shown is held against what was said, and what was acknowledged against the table of events. Then the
processes as containers have them: ends in order, no root, one process, health, mootctl, Prometheus.

It starts a dockerd of its own in a network namespace of its own, as root, and ends it. What it keeps for
the next run is in var/docker; the report with plots is var/compose/report.html.

  --people N  who review, in rooms of five (default 500)

Ends with 1, and says what differs, when anything was lost, doubled or out of order, when anybody was falsely
shown as gone, when a socket closed that need not, or when a container did not end in order.
`;

process.exitCode = await main(process.argv.slice(2));

/** @param {string[]} args */
async function main(args) {
	const { values } = parseArgs({ args, options: { people: { type: 'string' }, help: { type: 'boolean' } } });
	if (values.help) {
		console.log(HELP.trimEnd());
		return 0;
	}
	const from = Date.now();
	const say = (/** @type {string} */ line) => console.log(`${String(Math.round((Date.now() - from) / 1000)).padStart(4)} s  ${line}`);
	await build('release', say);
	await packages();
	const { Trial } = await import('./lib/trial.mjs'); // needs the packages
	const docker = await Docker.open({ dir: path.join(VAR, 'docker'), say });
	for (const signal of /** @type {NodeJS.Signals[]} */ (['SIGINT', 'SIGTERM', 'SIGHUP']))
		process.once(signal, () => docker.close().finally(() => process.exit(1)));
	try {
		await docker.makeBase();
		const trial = new Trial(docker, { people: Number(values.people ?? 500), dir: path.join(VAR, 'compose'), say });
		const wrong = await trial.run();
		say(wrong.length === 0 ? 'no client noticed' : ['wrong:', ...wrong].join('\n  '));
		console.log(`${trial.passed} passed, ${wrong.length} failed`);
		return wrong.length === 0 ? 0 : 1;
	} finally {
		await docker.close();
	}
}
