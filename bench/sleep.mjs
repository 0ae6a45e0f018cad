// SPDX-License-Identifier: Apache-2.0
/**
 * Rooms in which nothing happens (docs/performance.md): so many are entered once and left idle with people in
 * them; what is left of them in their shards, how fast they wake, what is left after a gateway was killed.
 *
 *   ./dev bench sleep [--rooms N] [--sockets N]
 */
import { parseArgs } from 'node:util';
import { packages } from '../tests/steps.mjs';

const { values } = parseArgs({ options: { rooms: { type: 'string', default: '100000' }, sockets: { type: 'string', default: '15000' } } });
await packages();
const { Sleepers } = await import('../tests/lib/sleepers.mjs');
const size = { rooms: Number(values.rooms), sockets: Number(values.sockets), pairs: Math.min(1_000, Math.floor(Number(values.sockets) / 4)) };
const sleepers = await Sleepers.open(size, (text) => console.error(text));
try {
	const empty = sleepers.memory();
	await sleepers.enter();
	const full = sleepers.memory();
	await sleepers.fallAsleep();
	const asleep = sleepers.memory();
	console.log(`| shard | empty | ${size.rooms} rooms awake | all asleep | more than empty |\n|---|---|---|---|---|`);
	for (const [i, bytes] of empty.entries())
		console.log(`| ${i} | ${mib(bytes)} | ${mib(full[i])} | ${mib(asleep[i])} | ${(100 * (asleep[i] / bytes - 1)).toFixed(1)} % |`);
	console.log(`\n${await sleepers.gateways('moot_rooms_asleep')} of ${await sleepers.gateways('moot_rooms')} rooms of the gateways asleep, ${size.sockets} sockets; told to clients meanwhile: ${sleepers.heard().length} messages; closed: ${[...new Set(sleepers.closed)].map((why) => `${sleepers.closed.filter((one) => one === why).length} with ${why}`).join(', ') || 'none'}`);
	const took = await sleepers.wake();
	console.log(`woken by a cast, until the other gateway's client hears it: p50 ${took.at(0.5).toFixed(1)} ms, p99 ${took.at(0.99).toFixed(1)} ms of ${took.count}`);
	await sleepers.fallAsleep();
	console.log(`a gateway killed while all sleep: the last ghost left after ${((await sleepers.killGateway()) / 1_000).toFixed(1)} s, 3 s of them grace`);
} finally {
	await sleepers.close();
}

/** @param {number} bytes */
function mib(bytes) {
	return `${(bytes / (1 << 20)).toFixed(1)} MiB`;
}
