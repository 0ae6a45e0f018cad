// SPDX-License-Identifier: Apache-2.0
// What is lost is replaced, although nothing here is started again by itself: a shard that is killed or
// frozen has its rooms served by the others within two seconds, and a database that stands still is no
// reason to declare anybody dead. Clients see a stall and nothing else; what was acknowledged is stored.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Cluster } from '../../deploy/local/cluster.mjs';
import { Client } from '../lib/client.mjs';
import { Crowd, sizeText } from '../lib/crowd.mjs';

/** @typedef {import('../../deploy/local/process.mjs').Process} Process @typedef {import('../lib/load.mjs').Figures} Figures */

const answerMs = 2_000; // promised
const graceMs = 8_000; // less than the freeze: ghosts would show
const visited = { kind: /** @type {const} */ ('submission'), id: 'load-visited' };

/** @type {Cluster} */
let cluster;
/** @type {Crowd} */
let crowd;

before(async () => {
	const env = { MOOT_PRESENCE_GRACE: `${graceMs}ms` };
	cluster = await Cluster.start({ gateways: 2, shards: 3, unixShards: 2, demo: false, gatewayEnv: env, shardEnv: env });
	// Who stored an event: the shard, and which of its connections.
	await cluster.sql("alter table event add column writer text default current_setting('application_name') || ' ' || pg_backend_pid()");
	crowd = await Crowd.open(cluster);
	const [host, guest] = crowd.load.members.map((member) => member.user);
	await cluster.sql(`insert into submissions (id, title, submitted_by, required_approvers)
		values ('${visited.id}', 'a paper', '${host.id}', array['${guest.email}'])`);
});
after(() => (crowd ? crowd.close() : cluster?.stop()));

describe(`${sizeText}: a lost shard`, { concurrency: false }, () => {
	test('killed and not started again: its rooms answer elsewhere; started at last, it has its share', async (t) => {
		const { load } = crowd;
		const calm = await load.during('nothing is lost', () => sleep(3_000)); // each room is published to through each gateway
		const shard = cluster.shards[0];
		const rooms = await crowd.roomsOf(shard);
		const killed = await load.during(`${shard.name} killed`, async () => {
			shard.kill('KILL');
			await load.flows(rooms);
		}, { casts: true, rooms });
		const back = await load.during(`${shard.name} started again`, async () => {
			await cluster.startProcess(shard);
			await crowd.sharesAreFair();
		});
		crowd.judge(t, [calm, killed, back]);
		assertAnswered(killed);
	});

	test('frozen for 10 s in the middle of its writes: they are fenced, and it ends when it finds itself dead', async (t) => {
		const { load } = crowd;
		const shard = cluster.shards[1];
		const rooms = await crowd.roomsOf(shard);
		const before = await heads();
		const gone = shard.ended();
		let [writer, thaw, lead] = [0, 0, 0];
		const frozen = await load.during(`${shard.name} frozen`, async () => {
			writer = await stopWriter(shard);
			const from = Date.now();
			await until(() => load.waiting(rooms) >= 3, 'it to have publishes under way');
			shard.allowed = 1;
			shard.pause();
			lead = Date.now() - from;
			thaw = Date.now() + 10_000;
			await load.flows(rooms);
		}, { casts: true, rooms });
		const thawed = await load.during(`${shard.name} stays frozen, then thaws`, async () => {
			await logStatements(async () => {
				send(writer, 'SIGCONT');
				await until(() => executedBy(writer).includes('moot_append'), 'what it had sent to the database to be executed');
			});
			await sleep(thaw - Date.now()); // the freeze is what is tested
			shard.resume();
			assert.equal((await gone).code, 1);
			await load.flows();
		});
		const log = cluster.log(shard);
		assert.equal(log.match(/ msg=declared_dead /g)?.length, 1, 'one line says why');
		const fenced = log.match(/ msg=slot_fenced /g)?.length ?? 0;
		t.diagnostic(`executed for it when others owned its slots: ${executedBy(writer)}; slots that it found fenced: ${fenced}`);
		if (executedBy(writer)[0] === 'moot_append') // else it read first that it was dead
			assert.ok(fenced > 0, 'it is told that what it wrote was fenced');
		await assertOneWriterAfterTheOther(before, `${shard.name} `);
		const back = await load.during(`${shard.name} started again`, async () => {
			await cluster.startProcess(shard);
			await crowd.sharesAreFair();
		});
		crowd.judge(t, [frozen, thawed, back]);
		assertAnswered(frozen, lead); // publishes began to wait before the freeze
	});
});

describe(`${sizeText}: a database that is away`, { concurrency: false }, () => {
	/** Name, what is done, ms, whether publishes may be refused: not while they can wait. @type {[string, Outage, number, boolean][]} */
	const outages = [
		['frozen', freeze, 3_500, false],
		['stopped', stop, 5_000, true],
		['stopped', stop, 8_000, true],
	];
	for (const [name, outage, lasts, refusals] of outages)
		test(`${name} for ${lasts / 1_000} s: presence and casts go on, nobody is declared dead`, async (t) => {
			const { load } = crowd;
			const members = await living();
			const visit = await comeToVisit();
			const away = await load.during(`database ${name} for ${lasts / 1_000} s`, async () => {
				await outage(lasts, () => visit.leaveAndComeBack());
				await load.flows();
			}, { refusals });
			await visit.end();
			// Time in which those who came back later could be found dead.
			const later = await load.during('after that', () => sleep(3_000));
			crowd.judge(t, [away, later]);
			assert.ok(away.stall < 1_500, `${away.stall} ms without a message`);
			if (lasts > 6_000)
				assert.ok(away.deferred > 0, 'nothing had to wait for longer than it can');
			assert.deepEqual(await living(), members);
		});

	test('what was acknowledged is in the table, once, in rooms numbered without a gap', (t) => crowd.settle(t));
});

/** @typedef {(ms: number, meanwhile: () => Promise<void>) => Promise<void>} Outage */

/** @type {Outage} */
async function freeze(ms, meanwhile) {
	const postmaster = cluster.postgres.process;
	postmaster.pause(); // first: then it has no more children than these
	const children = childrenOf(postmaster.pid ?? 0);
	children.forEach((pid) => send(pid, 'SIGSTOP'));
	await Promise.all([sleep(ms), meanwhile()]); // the outage is what is tested
	children.forEach((pid) => send(pid, 'SIGCONT'));
	postmaster.resume();
}

/** @type {Outage} */
async function stop(ms, meanwhile) {
	const back = Date.now() + ms;
	await cluster.stopProcess(cluster.postgres.process);
	await meanwhile();
	await sleep(back - Date.now()); // the outage is what is tested
	await cluster.startProcess(cluster.postgres.process);
}

/** Two in a room of their own, at different gateways. */
async function comeToVisit() {
	const [host, guest] = crowd.load.members.map((member) => member.user);
	const [near, far] = cluster.publicUrls;
	const watcher = await Client.join(near, visited, host);
	let visitor = await Client.join(far, visited, guest);
	await watcher.next('user_joined');
	return {
		async leaveAndComeBack() {
			await visitor.leave();
			assert.equal((await watcher.next('user_left')).userId, guest.id);
			visitor = await Client.join(far, visited, guest);
			assert.equal((await watcher.next('user_joined')).userId, guest.id);
		},
		end: () => Promise.all([watcher.leave(), visitor.leave()]),
	};
}

/** Who lives, and as which run: a process that was declared dead would be missing. */
function living() {
	return cluster.sql("select name, incarnation from member where state = 'active' order by 1, 2");
}

/** @param {Figures} figures @param {number} [leadMs] */
function assertAnswered({ name, stall, ack }, leadMs = 0) {
	assert.ok(stall < answerMs, `${name}: a room was silent for ${stall} ms`);
	assert.ok(ack.max - leadMs < answerMs, `${name}: a publish was answered after ${ack.max - leadMs} ms`);
}

/** The greatest number in each room. @returns {Promise<Map<string, number>>} */
async function heads() {
	const rows = await cluster.sql('select room, max(seq) as seq from event group by 1');
	return new Map(rows.map(({ room, seq }) => [String(room), Number(seq)]));
}

/** Stop the process that serves this shard in PostgreSQL, between two statements.
 * @param {Process} shard @returns {Promise<number>} its pid */
async function stopWriter({ name }) {
	const state = async () => (await cluster.sql(`select pid, state from pg_stat_activity where application_name = '${name}'`))[0];
	for (;;) {
		const pid = Number((await state()).pid);
		send(pid, 'SIGSTOP');
		if ((await state()).state === 'idle')
			return pid;
		send(pid, 'SIGCONT'); // in the middle of one, which may hold locks
	}
}

/** @param {() => Promise<void>} act */
async function logStatements(act) {
	const set = (/** @type {string} */ to) => cluster.sql(`alter system ${to}`).then(() => cluster.sql('select pg_reload_conf()'));
	await set("set log_statement = 'all'");
	for (;;) { // a server process that is started with it: the others have been told by then
		const [{ log_statement: now }] = await cluster.sql('show log_statement');
		if (now === 'all')
			break;
		await sleep(5);
	}
	await act();
	await set('reset log_statement');
}

/** Which of our functions, in order, as far as statements were logged. @param {number} pid */
function executedBy(pid) {
	return cluster.log(cluster.postgres.process).split('\n').flatMap((line) => (line.includes(`[${pid}] `) ? /moot_[a-z]+/.exec(line) ?? [] : [])).map(String);
}

/** In no room did it store anything after another one had. @param {Map<string, number>} from heads @param {string} writer how its name begins */
async function assertOneWriterAfterTheOther(from, writer) {
	const rows = (await cluster.sql('select room, seq, writer from event order by room, seq')).filter(({ room, seq }) => Number(seq) > (from.get(String(room)) ?? 0));
	const late = rows.filter((row, i) => row.writer?.startsWith(writer) && i > 0 && rows[i - 1].room === row.room && !rows[i - 1].writer?.startsWith(writer));
	assert.deepEqual(late, []);
	assert.ok(rows.some((row) => !row.writer?.startsWith(writer)), 'others stored what came after');
}

/** @param {() => boolean} is @param {string} what */
async function until(is, what, ms = 10_000) {
	for (const deadline = Date.now() + ms; !is(); await sleep(5))
		assert.ok(Date.now() < deadline, `waited ${ms} ms for ${what}`);
}

/** @param {number} pid @param {NodeJS.Signals} signal */
function send(pid, signal) {
	try {
		process.kill(pid, signal);
	} catch {
		// it has just ended
	}
}

/** @param {number} parent @returns {number[]} */
function childrenOf(parent) {
	return fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number).filter((pid) => {
		try {
			return Number(fs.readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) \S /, '').split(' ')[0]) === parent;
		} catch {
			return false; // it has just ended
		}
	});
}
