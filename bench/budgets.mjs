// SPDX-License-Identifier: Apache-2.0
/**
 * What a cluster may cost, in figures that do not depend on the machine where that is possible: ratios to a bare
 * broadcaster and to one with a second process behind ZeroMQ, in turns under the same load (docs/performance.md).
 *
 *   ./dev bench budgets [--rounds N] [casts|room|storm|idle|saturate|events|start ...]
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Cluster } from '../deploy/local/cluster.mjs';
import { metric } from '../tests/lib/metrics.mjs';
import { packages } from '../tests/steps.mjs';
import { figuresOf, median, show } from './figures.mjs';
import { memoryOf, splitOf } from './processes.mjs';
import { runOnCluster, runOnLimit } from './run.mjs';

/** @typedef {import('./run.mjs').RunPlan} RunPlan */
/** @typedef {ReturnType<typeof figuresOf>} Figures */
/** @typedef {{bare: Figures[], hop: Figures[], ours: Figures[]}} Sides */
/** @typedef {Omit<Partial<RunPlan>, 'options'> & {beside?: ('bare' | 'hop')[], set?: string[]}} Load */

const ONE_OF_EACH = { gateways: 1, shards: 1 };
const ROOMS = 20_000, SOCKETS = 400; // of `start`: as many rooms as of two shards each has a half of
/** @type {Record<string, () => Promise<void>>} */
const PARTS = { casts, room, storm, idle, saturate, events, start };

const { values, positionals } = parseArgs({ allowPositionals: true, options: { rounds: { type: 'string', default: '5' } } });
const rounds = Number(values.rounds);
const parts = positionals.length ? positionals : Object.keys(PARTS);
const stranger = parts.find((part) => !(part in PARTS));
if (stranger || !(Number.isInteger(rounds) && rounds >= 1)) {
	console.error(stranger ? `bench budgets: there is no part "${stranger}", only ${Object.keys(PARTS).join(' ')}` : `bench budgets: --rounds takes a number from 1, not "${values.rounds}"`);
	process.exit(2);
}
await packages();
console.log('| | median (all) | budget | |\n|---|---|---|---|');
let isGood = true;
for (const part of parts)
	await PARTS[part]();
process.exitCode = isGood ? 0 : 1;

/** Small rooms: one gateway and one shard, on a Unix socket, as the broadcaster with a hop is two processes and has one; then over TCP. */
async function casts() {
	/** @type {import('./processes.mjs').Split[]} */
	const splits = [];
	const alike = { ...ONE_OF_EACH, unix: true };
	const sides = await inTurns('fanout-small', { ...alike, beside: ['bare', 'hop'], act: splitOf((split) => splits.push(split)) });
	const cost = ratios(sides.ours, sides.hop, 'cpuPerDelivery');
	say('400 rooms of 5, 2,000 casts/s, over a Unix socket: CPU per delivery, of the one with a hop\'s', cost, 0.75);
	say('... of the bare one\'s', ratios(sides.ours, sides.bare, 'cpuPerDelivery'));
	say('... in us', sides.ours.map(({ cpuPerDelivery }) => cpuPerDelivery));
	const whole = (/** @type {number} */ i) => Object.values(splits[i]).reduce((all, us) => all + us, 0);
	for (const what of /** @type {(keyof import('./processes.mjs').Split)[]} */ (Object.keys(splits[0])))
		say(`... of which the ${what}`, splits.map((split, i) => sides.ours[i].cpuPerDelivery * split[what] / whole(i)));
	say('... p50 in ms', sides.ours.map(({ p50 }) => p50 / 1_000), 1.2);
	const slow = await inTurns('fanout-small', { ...alike, beside: ['hop'], set: ['say.cast=200'] });
	say('the same at 200 casts/s: p50, of the one with a hop\'s', ratios(slow.ours, slow.hop, 'p50'), 1.5);
	const tcp = await inTurns('fanout-small', { ...ONE_OF_EACH, beside: ['hop'] });
	say('over TCP, 2,000 casts/s: CPU per delivery, of the one with a hop\'s', ratios(tcp.ours, tcp.hop, 'cpuPerDelivery'));
	say('... p50 in ms', tcp.ours.map(({ p50 }) => p50 / 1_000));
}

async function room() {
	const { ours, bare } = await inTurns('fanout-large', { beside: ['bare'] });
	say('one room of 1,000, 20 casts/s: CPU per delivery, of the bare one\'s', ratios(ours, bare, 'cpuPerDelivery'), 1.1);
}

async function storm() {
	const { ours, bare } = await inTurns('storm', { beside: ['bare'] });
	say('2,000 connect at once: CPU per connection in us', ours.map(({ cpuPerConnection }) => cpuPerConnection), 150);
	say('... of the bare one\'s', ratios(ours, bare, 'cpuPerConnection'));
	say('... p99 until they are in, in ms', ours.map(({ p99 }) => p99 / 1_000), 100);
}

async function idle() {
	/** @type {number[]} */
	const asleep = [];
	let empty = 0;
	const bytes = (/** @type {Cluster} */ { gateways }) => memoryOf(gateways.map(({ pid }) => pid));
	class Weighed extends Cluster {
		/** @param {Parameters<typeof Cluster.start>[0]} plan */
		static async start(plan) {
			const cluster = await Cluster.start(plan);
			empty = bytes(cluster);
			return /** @type {any} */ (cluster);
		}
	}
	const { ours } = await inTurns('idle', {
		Cluster: Weighed, set: ['time.quiet=15s', 'server.hibernate=3s'],
		act: async ({ cluster }) => void asleep.push((bytes(cluster) - empty) / 10_000),
	});
	say('10,000 have just connected: bytes per connection, gateways and shards', ours.map(({ bytesPerConnection }) => bytesPerConnection));
	say('... their rooms are asleep: in the gateways', asleep, 2_300);
	say('... and do nothing: CPU per connection and second, in us', ours.map(({ cpuIdle }) => cpuIdle));
}

async function saturate() {
	const { ours, hop } = await inTurns('saturate', { ...ONE_OF_EACH, unix: true, beside: ['hop'] });
	say('rooms of 5, p99 within 50 ms, over a Unix socket: deliveries a second', ours.map(({ found }) => found));
	say('... of the one with a hop\'s', ratios(ours, hop, 'found'), 0.85, true);
}

/** With one gateway and one shard, as the other small rooms, and with two of each, in turns. */
async function events() {
	const sizes = [1, 2].map((processes) => ({ processes, rates: /** @type {number[]} */ ([]), halves: /** @type {{p50: number, p99: number, cpu: number}[]} */ ([]) }));
	for (let round = 1; round <= rounds; round++)
		for (const { processes, rates, halves } of sizes) {
			console.error(`saturate-events: round ${round} of ${rounds}, ${processes} of each`);
			const plan = { scenario: 'saturate-events', quiet: true, durable: true, gateways: processes, shards: processes };
			const most = checked(await runOnCluster(plan));
			const half = Math.round(most.found_rate / 2);
			const { load, counts, latency_us: { ack } } = checked(await runOnCluster({ ...plan, options: options('search.on=false', `say.comment=${half}`) }));
			const bare = await runOnLimit({ scenario: 'fanout-small', quiet: true, options: options('people.count=1000', `say.cast=${Math.round(half * 5 / 4)}`) });
			rates.push(most.found_rate);
			halves.push({ p50: ack.p50 / 1_000, p99: ack.p99 / 1_000, cpu: (load.servers_cpu_us - load.delivered * figuresOf(bare).cpuPerDelivery) / counts.publishes });
		}
	for (const { processes, rates, halves } of sizes) {
		say(`events in rooms of 5, ${processes} of each, p99 within 100 ms: stored and shown to each a second`, rates, 20_000, true);
		say('... at half of that: publish to ack, p50 in ms', halves.map(({ p50 }) => p50), 5);
		say('... p99 in ms', halves.map(({ p99 }) => p99), 25);
		say('... CPU of gateways and shards per event, less what its deliveries cost the bare one, in us', halves.map(({ cpu }) => cpu), 60);
	}
}

/** From the start of a process until it says that it is ready; and from the death of a shard until its rooms are back. */
async function start() {
	const cluster = await Cluster.start({ gateways: 2, shards: 2, build: 'release', demo: false, gatewayEnv: { MOOT_LIMITS_USER_RATE: '0', MOOT_LIMITS_RATE: '0' } });
	const { Native } = await import('../tests/lib/native.mjs');
	try {
		const shards = [], gateways = [];
		for (let round = 0; round < rounds; round++) {
			shards.push(await startOf(cluster, cluster.shards[1]));
			gateways.push(await startOf(cluster, cluster.gateways[1]));
		}
		say('moot-roomd: from its start until it is ready, in ms', shards, 300);
		say('moot-gateway: the same', gateways, 300);
		await cluster.sql(`
			insert into users (id, name, email, user_type) select 'u_' || i, 'User ' || i, 'u' || i || '@example.org', 'Reviewer' from generate_series(0, ${SOCKETS - 1}) i;
			insert into sessions (id, user_id, expires_at) select 's_' || i, 'u_' || i, now() + interval '1 day' from generate_series(0, ${SOCKETS - 1}) i;
			insert into submissions (id, title, submitted_by, required_approvers) select 'r_' || i, 'a paper', 'u_' || i % ${SOCKETS}, '{}' from generate_series(0, ${ROOMS - 1}) i`);
		await Promise.all(Array.from({ length: SOCKETS }, async (_, user) => {
			const client = new Native({ id: `u_${user}`, name: '', email: '', session: `s_${user}` }, { keeps: ({ type }) => type === 'welcome' || type === 'joined' });
			await client.connect(cluster.publicUrls[user & 1]);
			for (let one = user; one < ROOMS; one += SOCKETS)
				await client.join(`submission:r_${one}`);
		}));
		const took = [];
		for (let round = 0; round < rounds; round++)
			took.push(await failover(cluster));
		say(`a shard with half of ${ROOMS.toLocaleString('en')} rooms is killed: until all of them are in the other one, in ms`, took, 500);
	} finally {
		await cluster.stop();
	}
}

/** @param {Cluster} cluster @param {Cluster['shards'][number]} one */
async function startOf(cluster, one) {
	await cluster.stopProcess(one);
	const from = performance.now();
	await cluster.startProcess(one);
	return performance.now() - from;
}

/** @param {Cluster} cluster */
async function failover(cluster) {
	const [dies, stays] = cluster.shards;
	const url = cluster.internalUrls[cluster.gateways.length + 1];
	const has = async () => (await metric('moot_rooms', url));
	for (let last = -1; (await has()) !== last; last = await has())
		await sleep(2_000); // until rooms have stopped moving
	const from = performance.now();
	dies.kill('KILL');
	while ((await has()) < ROOMS) {
		if (performance.now() - from > 30_000)
			throw new Error(`${await has()} of ${ROOMS} rooms are in ${stays.name} after 30 s`);
		await sleep(10);
	}
	const took = performance.now() - from;
	await dies.ended();
	await cluster.startProcess(dies);
	return took;
}

/** Each round: the bare one, that with a hop, ours. @param {string} scenario @param {Load} how @returns {Promise<Sides>} */
async function inTurns(scenario, { beside = [], set = [], ...plan }) {
	/** @type {Sides} */
	const sides = { bare: [], hop: [], ours: [] };
	for (let round = 1; round <= rounds; round++) {
		console.error(`${scenario}${set.length ? ` (${set.join(', ')})` : ''}: round ${round} of ${rounds}`);
		for (const side of beside)
			sides[side].push(figuresOf(await runOnLimit({ scenario, options: options(...set), quiet: true }, side === 'hop' ? ['hop'] : [])));
		sides.ours.push(figuresOf(checked(await runOnCluster({ scenario, options: options(...set), quiet: true, ...plan }))));
	}
	return sides;
}

/** @param {string[]} set */
function options(...set) {
	return set.flatMap((row) => ['--set', row]);
}

/** @param {import('./run.mjs').Result} result */
function checked(result) {
	isGood &&= result.is_good;
	if (!result.is_good)
		console.error(result.complaints);
	return result;
}

/** Round by round. @param {Figures[]} ours @param {Figures[]} theirs @param {'cpuPerDelivery' | 'cpuPerConnection' | 'p50' | 'found'} figure */
function ratios(ours, theirs, figure) {
	return ours.map((one, i) => one[figure] / theirs[i][figure]);
}

/** @param {string} what @param {number[]} all @param {number} [budget] @param {boolean} [atLeast] */
function say(what, all, budget = NaN, atLeast = false) {
	const is = median(all);
	const isMet = Number.isNaN(budget) || (atLeast ? is >= budget : is <= budget);
	isGood &&= isMet;
	console.log(`| ${what} | ${show(is, '')}(${[...all].sort((a, b) => a - b).map((one) => show(one, '').trim()).join(', ')}) | ${Number.isNaN(budget) ? '' : `${atLeast ? 'at least' : 'at most'} ${budget.toLocaleString('en')}`} | ${Number.isNaN(budget) ? '' : isMet ? 'met' : '**not met**'} |`);
}
