// SPDX-License-Identifier: Apache-2.0
// The golden conversations, played with this client in the place of each of theirs: what a client said
// there is asked for by a call, and has to go out the same; what it was told is told.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readTranscript } from '../golden/transcript.mjs';
import { settled, Stage } from './fakes.mjs';

/** @typedef {import('../golden/transcript.mjs').Line} Line */
/** @typedef {import('../../client/src/index.js').Room} Room */

/** What no client of this kind says: scenes of other clients' mistakes go on without these lines. */
const foreign = ['a number too far ahead is owed, and then sent again', 'messages that are refused', 'a stranger'];
const native = readTranscript('transcript_moot.v1.jsonl');
const scenes = native.filter(({ scene }) => !foreign.includes(scene));

class Player {
	/** @type {Map<string, Room>} */ rooms = new Map();

	constructor() {
		this.stage = new Stage({ auth: () => this.token });
		this.token = 'session';
		/** @type {string[]} */
		this.seen = [];
	}

	/** @param {any} message */
	async say(message) {
		const { type, room: key } = message;
		if (type === 'hello') {
			this.token = message.token;
			if (this.stage.client.status.state === 'waiting')
				await this.stage.clock.pass(this.stage.clock.nextIn);
			else if (this.stage.client.status.state !== 'connected')
				this.stage.client.connect();
			await settled();
			this.stage.socket.open();
			return;
		}
		const room = this.rooms.get(key);
		if (type === 'join' && !room) {
			const joined = this.stage.client.join(key, { since: message.since, state: message.state });
			joined.on('event', ({ seq }) => this.seen.push(`${key} ${seq}`));
			this.rooms.set(key, joined);
		} else if (type === 'publish') {
			room?.publish(message.event, message.data, { base: message.base }).catch(() => {});
		} else if (type === 'cast') {
			room?.cast(message.key, message.data, { to: message.to });
		} else if (type === 'state') {
			room?.state.set(message.data);
		} else if (type === 'read') {
			const { type: _, room: __, ...question } = message;
			room?.history(question).catch(() => {});
		} else if (type === 'leave') {
			room?.leave();
			this.rooms.delete(key);
		} else if (type === 'auth') {
			this.token = message.token;
			this.stage.client.refresh().catch(() => {});
		}
		await this.stage.clock.pass(40);
	}
}

for (const { scene, lines } of scenes)
	test(scene, async () => {
		/** @type {Map<string, Player>} */
		const players = new Map();
		const of = (/** @type {string} */ name) => {
			const player = players.get(name.replace(/\d+$/, '')) ?? new Player();
			players.set(name.replace(/\d+$/, ''), player);
			return player;
		};
		for (const line of lines)
			await play(line, of);
		for (const { seen } of players.values())
			assert.equal(new Set(seen).size, seen.length, 'nothing is applied twice');
		assert.ok(players.size > 0);
	});

/** @param {Line} line @param {(name: string) => Player} of */
async function play(line, of) {
	if (line.from && !line.error) {
		const player = of(line.from);
		const expected = JSON.parse(line.text);
		if (expected.type === 'ping')
			return; // asked in its own time
		const socket = player.stage.socket;
		const wasSaid = () => (player.stage.socket?.sent ?? []).some((one) => same(one, expected));
		if (!socket || !wasSaid())
			await player.say(expected);
		assert.ok(wasSaid(), `${line.text} is not among ${JSON.stringify(player.stage.socket.sent)}`);
	} else if (line.to) {
		const message = JSON.parse(line.text);
		const { stage } = of(line.to);
		if (!stage.socket) { // the scene begins when it is there already
			stage.client.join(message.room ?? 'submission:s-1');
			stage.client.connect();
			await stage.welcome();
		}
		stage.socket.say(message);
		await settled();
	} else if (line.lost || line.closed) {
		of(String(line.lost ?? line.closed)).stage.socket.drop(line.code ?? 1006);
		await settled();
	}
}

/** @param {any} a @param {any} b */
function same(a, b) {
	try {
		assert.deepEqual(a, b);
		return true;
	} catch {
		return false;
	}
}
