// SPDX-License-Identifier: Apache-2.0
/**
 * `./dev bench`: the standard set of scenarios, each on a fresh cluster of release builds, the casts also on
 * moot-limit, the bare broadcaster, alone and with a second process behind it. Prints a table, and keeps the reports under build/bench.
 */
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { build } from '../deploy/local/build.mjs';
import { ROOT } from '../deploy/local/settings.mjs';
import { compare } from './compare.mjs';
import { middle, show, verdict } from './figures.mjs';
import { runOnCluster, runOnLimit, SCENARIOS } from './run.mjs';

/** @typedef {import('./run.mjs').Result} Result */

const STANDARD = ['fanout-small', 'fanout-large', 'storm', 'idle', 'review', 'slow', 'sleep', 'reconnect', 'roll'];
const QUICK = ['fanout-small', 'review'];
const BESIDE_LIMIT = ['fanout-small', 'fanout-large'];
const HEAD = '| scenario | | p50 | p99 | CPU per delivery | of the bare one\'s | of the one with a hop\'s | CPU per connection | bytes per connection | checked |\n|---|---|---|---|---|---|---|---|---|---|';

const HELP = `./dev bench [SCENARIO ...] [--quick] [--rounds N] [--set SECTION.ROW=VALUE] [--durable]
./dev bench --compare REV [SCENARIO ...] [--rounds N] ...

Runs moot-bench (release builds, 2 gateways, 2 shards, a PostgreSQL of its own) and says what it measured,
beside moot-limit, a bare broadcaster. Every run is checked: it ends with 1 when anything was lost,
duplicated, reordered or falsely shown. The reports are kept in build/bench/latest.

  SCENARIO       a file, or one of
                 ${fs.readdirSync(SCENARIOS).map((name) => name.replace('.ini', '')).join(' ')}
                 default: ${STANDARD.join(' ')}
  --quick        ${QUICK.join(' ')}
  --rounds N     medians of so many (default 1)
  --set ROW      changes a row of every scenario; may come several times
  --durable      PostgreSQL syncs to disk
  --compare REV  the servers of that revision and of this tree, in turns (default: ${QUICK.join(' ')},
                 3 rounds)

./dev bench commit|sleep|arrivals: see ./dev --help. build/release/bench/moot-bench --help: the tool alone.
`;

process.exitCode = await main(process.argv.slice(2));

/** @param {string[]} args */
async function main(args) {
	const text = /** @type {const} */ ({ type: 'string' });
	const flag = /** @type {const} */ ({ type: 'boolean' });
	const { values, positionals } = parseArgs({
		args, allowPositionals: true,
		options: { help: flag, quick: flag, durable: flag, rounds: text, compare: text, set: { type: 'string', multiple: true } },
	});
	const rounds = Number(values.rounds ?? (values.compare ? 3 : 1));
	if (values.help || !(rounds >= 1)) {
		console.log(HELP.trimEnd());
		return values.help ? 0 : 2;
	}
	await build('release', (line) => console.error(line));
	const names = positionals.length ? positionals : values.quick || values.compare ? QUICK : STANDARD;
	const plan = { rounds, durable: values.durable ?? false, options: (values.set ?? []).flatMap((row) => ['--set', row]) };
	return values.compare ? compare(values.compare, names, plan) : standard(names, plan);
}

/** @param {string[]} names @param {{rounds: number, durable: boolean, options: string[]}} plan @returns {Promise<number>} exit code */
async function standard(names, { rounds, durable, options }) {
	const dir = openReports();
	const rows = [];
	let isGood = true;
	for (const name of names) {
		/** @type {Result[]} */
		const bare = [], hop = [], ours = [];
		for (let round = 1; round <= rounds; round++) {
			const html = path.join(dir, `${path.basename(name, '.ini')}-${round}.html`);
			if (BESIDE_LIMIT.includes(name)) {
				bare.push(await runOnLimit({ scenario: name, options, label: 'moot-limit' }));
				hop.push(await runOnLimit({ scenario: name, options, label: 'moot-limit with a hop' }, ['hop']));
			}
			ours.push(await runOnCluster({ scenario: name, options, durable, html, label: '2 gateways, 2 shards' }));
			fs.appendFileSync(path.join(dir, 'results.jsonl'), `${JSON.stringify(ours.at(-1))}\n`);
		}
		isGood &&= ours.every((one) => one.is_good);
		rows.push(row(name, bare, hop, ours));
	}
	const table = [HEAD, ...rows].join('\n');
	fs.writeFileSync(path.join(dir, 'table.md'), `${table}\n`);
	console.log(`\n${table}\n\nreports: ${path.relative(process.cwd(), dir)}`);
	return isGood ? 0 : 1;
}

/** @param {string} name @param {Result[]} bare @param {Result[]} hop @param {Result[]} ours */
function row(name, bare, hop, ours) {
	const is = middle(ours);
	const ratio = (/** @type {Result[]} */ to) => show(to.length ? is.cpuPerDelivery / middle(to).cpuPerDelivery : NaN, '');
	return `| ${name} | ${is.main} | ${show(is.p50 / 1_000, 'ms')} | ${show(is.p99 / 1_000, 'ms')} | ${show(is.cpuPerDelivery, 'us')} | ${ratio(bare)} | ${ratio(hop)}`
		+ ` | ${show(is.cpuPerConnection, 'us')} | ${show(is.bytesPerConnection, '')} | ${verdict(ours)} |`;
}

/** A folder of its own for each time, and `latest`. @returns {string} */
function openReports() {
	const all = path.join(ROOT, 'build', 'bench');
	const dir = path.join(all, new Date().toISOString().slice(0, 19).replaceAll(':', ''));
	fs.mkdirSync(dir, { recursive: true });
	fs.rmSync(path.join(all, 'latest'), { force: true });
	fs.symlinkSync(path.basename(dir), path.join(all, 'latest'));
	return dir;
}
