// SPDX-License-Identifier: Apache-2.0
// A gateway that has no file descriptors left: it goes on serving those it has, keeps nobody from calling
// again by turning him away, says so once, and lets in who waits as soon as there is room.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { Client, fence } from '../lib/client.mjs';
import { eventually } from '../lib/eventually.mjs';
import { request } from '../lib/http.mjs';
import { metric } from '../lib/metrics.mjs';
import { World } from '../lib/world.mjs';

const run = promisify(execFile);
const reserve = 64; // FD_RESERVE of gateway/listener.c
const places = 10;
const callers = 25;

/** @type {World} */
let world;

before(async () => {
	world = await World.open({ gateways: 1, shards: 1 });
});
after(() => world?.close());

/** @param {number} limit */
async function limitDescriptors(limit) {
	await run('prlimit', ['--pid', String(world.cluster.gateways[0].pid), `--nofile=${limit}:`]);
}

/** Below this number so many are free: each new one gets the lowest. @param {number} free */
function numberAbove(free) {
	const taken = new Set(fs.readdirSync(`/proc/${world.cluster.gateways[0].pid}/fd`).map(Number));
	let number = 0;
	for (let left = free; left > 0; number++)
		left -= taken.has(number) ? 0 : 1;
	return number;
}

const isShort = async () => await metric('moot_descriptors_short', world.cluster.internalUrls[0]) === 1;

/** @param {string} event */
const said = (event) => world.cluster.log(world.cluster.gateways[0]).split(event).length - 1;

test('who calls a full gateway waits, and those who are in notice nothing', async () => {
	const room = world.room('submission', 0);
	const pair = [await world.join(room, 0), await world.join(room, 1)];
	await limitDescriptors(numberAbove(places) + reserve);

	/** @type {Client[]} */
	const entered = [];
	let failed = 0;
	const calls = Array.from({ length: callers }, async (_, i) => {
		const client = await Client.join(world.cluster.publicUrls[0], room, world.users[2 + i]).catch(() => undefined);
		if (client)
			entered.push(client);
		else
			failed++;
	});
	await eventually(isShort, 'a gateway that is short of descriptors');
	await eventually(async () => entered.length >= places - 2, 'those for whom there is room');
	assert.ok(entered.length < callers, 'the others wait');
	await fence(pair[0], [pair[1]]);
	await fence(pair[1], [pair[0]]);
	assert.equal((await request(`${world.cluster.internalUrls[0]}/readyz`)).status, 200);
	assert.equal(said('descriptors_short'), 1);

	const before = entered.length;
	for (const client of entered.slice(0, 3))
		client.socket.close();
	await eventually(async () => entered.length >= before + 3, 'three more in the place of three');
	assert.ok(entered.length < callers, 'the others wait');

	await limitDescriptors(4096);
	await Promise.all(calls);
	assert.equal(failed, 0, 'nobody was turned away');
	assert.equal(entered.length, callers);
	await eventually(async () => !(await isShort()), 'a gateway that has descriptors again');
	assert.equal(said('descriptors_short'), 1);
	assert.equal(said('descriptors_free_again'), 1);
	await fence(pair[0], [pair[1], entered[callers - 1]]);
	for (const client of entered)
		client.socket.terminate();
});
