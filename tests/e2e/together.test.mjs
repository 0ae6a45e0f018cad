// SPDX-License-Identifier: Apache-2.0
// The people of a room at one gateway, behind real balancers that are set up as the files in deploy say:
// those of both dialects, also when their gateway has left; and what is no preference of theirs: nobody has
// to be there, one gateway does not get everything, and whoever says no room goes anywhere.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import WebSocket from 'ws';
import { createClient } from '../../client/src/index.js';
import { makeCertificate } from '../../deploy/local/certificate.mjs';
import { Client, socketUrl } from '../lib/client.mjs';
import { eventually } from '../lib/eventually.mjs';
import { upgrade } from '../lib/http.mjs';
import { metric } from '../lib/metrics.mjs';
import { Proxy } from '../lib/ways.mjs';
import { World } from '../lib/world.mjs';

const rooms = 16;
const each = 3; // of each dialect, in each room
const roomless = 120; // enough that a gateway's share is more than a few rooms
const hot = 100;
const full = 200; // connections of a gateway
const boundPercent = 150;

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'moothall-together-'));
/** @type {World} */ let world;
/** @type {import('../../deploy/local/certificate.mjs').Pair} */ let pair;
before(async () => {
	fs.chmodSync(dir, 0o755);
	pair = await makeCertificate(dir);
	world = await World.open({
		gateways: 3, shards: 1,
		gatewayEnv: { MOOT_PROXY_TRUSTED: '127.0.0.1', MOOT_DRAIN_SETTLE: '3s', MOOT_DRAIN_SPREAD: '2s', MOOT_LIMITS_CONNECTIONS: String(full), MOOT_PRESENCE_GRACE: '300ms', MOOT_PRESENCE_RELOAD: '300ms' },
	});
});
after(async () => {
	await world?.close();
	fs.rmSync(dir, { recursive: true, force: true });
});

const trust = () => ({ ca: fs.readFileSync(pair.certificate), servername: 'localhost' });
/** Of each gateway that runs. @param {string} name @returns {Promise<number[]>} */
const ofEach = (name) => Promise.all(world.cluster.gateways.map((one, i) => (one.isRunning ? metric(name, world.cluster.internalUrls[i]) : 0)));
const sum = (/** @type {number[]} */ numbers) => numbers.reduce((so, one) => so + one, 0);
/** How many connections each has, once they are so many. @param {number} count */
async function spread(count) {
	/** @type {number[]} */ let now = [];
	await eventually(async () => sum(now = await ofEach('moot_connections')) === count, () => `${count} connections, not ${now}`, 20_000);
	return now;
}

/** The same ones for every balancer, so that what a hash makes of them is the same in each run. @param {number} i @returns {import('../lib/client.mjs').Room} */
const roomOf = (i) => ({ kind: i % 2 ? 'document' : 'submission', id: `room_${String(i).padStart(6, '0')}` });

/** @typedef {{room?: import('../lib/client.mjs').Room, leave: () => unknown}} Person */

/** Everybody behind one balancer. */
class People {
	/** @type {Person[]} */ all = [];

	/** @param {string} url */
	constructor(url) {
		this.url = url;
	}

	/** By the SDK. @param {import('../lib/client.mjs').Room} [room] @param {number} [user] */
	async joinNative(room, user = 0) {
		const client = createClient({
			url: this.url, auth: world.users[user].session,
			WebSocket: /** @type {any} */ (class extends WebSocket {
				/** @param {string} url @param {string} protocol */
				constructor(url, protocol) {
					super(url, protocol, trust());
				}
			}),
		});
		this.all.push({ room, leave: () => client.close() });
		if (room)
			await client.join(`${room.kind}:${room.id}`).ready;
		else
			client.connect();
		await eventually(() => client.status.state === 'connected', 'a welcome');
	}

	/** Who comes back when the connection ends. @param {import('../lib/client.mjs').Room} room @param {number} user */
	async joinRelayed(room, user) {
		let client = await this.visit(room, user);
		let stays = true;
		this.all.push({
			room,
			leave() {
				stays = false;
				return client.leave();
			},
		});
		(async () => {
			for (await client.closed; stays; await client.closed)
				await eventually(() => this.visit(room, user).then((again) => (client = again, true), () => !stays), 'a way back');
		})();
	}

	/** @param {import('../lib/client.mjs').Room} room @param {number} user */
	async visit(room, user) {
		const client = new Client(new WebSocket(socketUrl(this.url, room, world.users[user]), { perMessageDeflate: false, ...trust() }), room, world.users[user]);
		await once(client.socket, 'open');
		await client.next('connected');
		return client;
	}

	/** All of one room, or all. @param {import('../lib/client.mjs').Room} [room] */
	async leave(room) {
		const is = (/** @type {Person} */ one) => !room || one.room?.id === room.id;
		await Promise.all(this.all.filter(is).map((one) => one.leave()));
		this.all = this.all.filter((one) => !is(one));
	}
}

for (const { kind, isBounded } of [{ kind: 'haproxy', isBounded: true }, { kind: 'compose', isBounded: true }, { kind: 'nginx', isBounded: false }])
	describe(`behind ${kind}`, { concurrency: false }, () => {
		/** @type {Proxy} */ let proxy;
		/** @type {People} */ let people;
		/** Of each room, its gateway. @type {number[]} */ const homes = [];
		const all = roomless + rooms * 2 * each;
		before(async () => {
			await spread(0);
			proxy = await Proxy.open(kind, world.cluster.gateways, pair, path.join(dir, kind));
			people = new People(proxy.url);
		});
		after(async () => {
			await people?.leave();
			await proxy?.close();
		});

		test('who says no room goes anywhere', async () => {
			await Promise.all(Array.from({ length: roomless }, () => people.joinNative()));
			const at = await spread(roomless);
			assert.ok(at.every((count) => count >= roomless / 12), `${at}`);
		});

		test('all of a room are at one gateway, whichever dialect they speak, and rooms at several', { timeout: 60_000 }, async () => {
			for (let i = 0; i < rooms; i++) {
				const was = await ofEach('moot_connections');
				const users = Array.from({ length: 2 * each }, (_, user) => user + 3);
				await Promise.all(users.map((user) => (user % 2 ? people.joinNative(roomOf(i), user) : people.joinRelayed(roomOf(i), user))));
				const now = await spread(roomless + (i + 1) * 2 * each);
				homes[i] = now.findIndex((count, gateway) => count === was[gateway] + 2 * each);
				assert.notEqual(homes[i], -1, `room ${i}: ${was} > ${now}`);
			}
			assert.ok(new Set(homes).size > 1, `${homes}`);
		});

		if (isBounded)
			test('a hot room spreads: no gateway gets more than half more than its share', { timeout: 60_000 }, async () => {
				const before = await ofEach('moot_connections');
				const crowd = await Promise.all(Array.from({ length: hot }, (_, i) => people.visit(roomOf(0), 20 + i)));
				const at = await spread(all + hot);
				assert.ok(Math.max(...at) <= Math.ceil((all + hot) * boundPercent / 100 / 3), `${at}`);
				assert.ok(at.filter((count, i) => count > before[i]).length > 1, `${before} > ${at}`);
				await Promise.all(crowd.map((client) => client.leave()));
				await spread(all);
			});

		if (!isBounded)
			test('a hot room fills its gateway: who comes then is let in at another, at the first try', { timeout: 60_000 }, async () => {
				const before = await ofEach('moot_connections');
				const more = 10;
				const crowd = await Promise.all(Array.from({ length: full - before[homes[0]] }, (_, i) => people.visit(roomOf(0), 20 + i)));
				for (let i = 0; i < more; i++)
					crowd.push(await people.visit(roomOf(0), 10 + i));
				const at = await spread(all + crowd.length);
				assert.equal(at[homes[0]], full);
				await Promise.all(crowd.map((client) => client.leave()));
				await spread(all);
			});

		test('their gateway leaves: they come back elsewhere, together; it comes back: who comes then goes there', { timeout: 90_000 }, async () => {
			const home = homes[0];
			const ends = world.cluster.stopProcess(world.cluster.gateways[home]);
			await eventually(() => upgrade(socketUrl(world.cluster.publicUrls[home], roomOf(0), world.users[50])).then(({ status }) => status === 503, () => true), 'it lets nobody in');
			await (await people.visit(roomOf(0), 50)).leave(); // at the first try
			await ends;
			const without = await spread(all);
			assert.equal(without[home], 0);
			await world.cluster.startProcess(world.cluster.gateways[home]);
			await eventually(async () => {
				const one = await people.visit(roomOf(0), 50);
				const now = await spread(all + 1);
				await one.leave();
				await spread(all);
				return now[home] === 1;
			}, 'a new one at the gateway of before');
			assert.deepEqual(await ofEach('moot_connections'), without, 'nobody else moved');

			for (let i = 0; i < rooms; i++) {
				const was = await ofEach('moot_connections');
				await people.leave(roomOf(i));
				const now = await spread(all - (i + 1) * 2 * each);
				assert.ok(now.some((count, gateway) => count === was[gateway] - 2 * each), `room ${i}: ${was} > ${now}`);
			}
		});

		test('their gateway is killed: who comes is let in elsewhere, at the first try', async () => {
			const one = world.cluster.gateways[homes[0]];
			one.kill('KILL');
			await one.ended();
			await (await people.visit(roomOf(0), 50)).leave();
			await world.cluster.startProcess(one);
		});
	});
