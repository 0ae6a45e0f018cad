// SPDX-License-Identifier: Apache-2.0
// People with the SDK who talk all the time, while the connections of all of them are cut again and
// again, each time in another way, and gateways and shards end under them. In the end everybody has to
// have been shown everything once and in the same order, and nobody as gone.

import { Histogram } from './histogram.mjs';
import { cuts, faultsOf, freeze, ghostsOf, Reviewer } from './reviewer.mjs';

/**
 * @typedef {object} Plan
 * @property {number} cuts       forced disconnects, of single sockets and by gateways
 * @property {number} people
 * @property {number} frozen     of the cuts: nobody says that the link is dead
 * @property {boolean} processes gateways and shards end meanwhile
 * @property {(text: string) => void} say
 *
 * @typedef {object} Report
 * @property {number} cuts       made
 * @property {number} resumed    of these
 * @property {Record<string, number>} kinds
 * @property {Histogram} outages ms from the moment that a client knows to everything missed being there
 * @property {number} moves      to another gateway without an outage
 * @property {number} events
 * @property {string[]} faults   must be empty
 * @property {string[]} ghosts   who was shown as gone; empty unless processes ended meanwhile: when every one that
 *   knew of somebody ends while his link is frozen, nobody knows of him until he is back
 */

const talkMs = 60;
const restMs = 150; // of processes, between their ends

/** @param {import('./world.mjs').World} world @param {Plan} plan @returns {Promise<Report>} */
export async function disconnect(world, plan) {
	const { kind, id } = world.room('submission');
	const people = Array.from({ length: plan.people }, (_, i) => {
		let turn = i;
		return new Reviewer(world.users[i + 3], () => world.base(turn++ % world.cluster.gateways.length), `${kind}:${id}`);
	});
	/** @type {Record<string, number>} */
	const kinds = {};
	try {
		await Promise.all(people.map(({ room }) => room.ready));
		const talk = setInterval(() => people[Math.floor(Math.random() * people.length)].publish(), talkMs);
		let left = plan.cuts;
		const single = people.map(async (person, i) => {
			for (let n = i; left > 0; n++) {
				left--;
				const frozen = i === 0 && n / plan.people < plan.frozen;
				const [name, how] = frozen ? ['frozen', freeze] : Object.entries(cuts)[n % Object.keys(cuts).length];
				kinds[name] = (kinds[name] ?? 0) + 1;
				await person.interrupt(how);
				plan.say(`${plan.cuts - left} of ${plan.cuts}: ${name}`);
			}
		});
		const all = plan.processes ? [...single, endProcesses(world, kinds, () => left > 0)] : single;
		await Promise.all(all).finally(() => clearInterval(talk));
		const said = () => people.reduce((sum, one) => sum + one.said, 0);
		await Promise.all(people.map((person) => person.finish(said)));
		const rows = await world.cluster.sql(`select count(*) as n from event where room = '${kind}:${id}'`);
		const faults = [...faultsOf(people), ...(Number(rows[0].n) === said() ? [] : [`${rows[0].n} events are stored, ${said()} were published`])];
		const outages = new Histogram();
		for (const ms of people.flatMap((one) => one.outages))
			outages.add(ms);
		const made = Object.entries(kinds).filter(([name]) => name in cuts || name === 'frozen').reduce((sum, [, n]) => sum + n, 0);
		return {
			cuts: made, resumed: made, kinds, outages, faults, ghosts: ghostsOf(people), events: said(),
			moves: people.reduce((sum, one) => sum + one.resumes - one.outages.length, 0),
		};
	} finally {
		people.forEach((person) => person.close());
	}
}

/** One after the other, each is there again before the next ends. @param {import('./world.mjs').World} world @param {Record<string, number>} kinds @param {() => boolean} goesOn */
async function endProcesses({ cluster }, kinds, goesOn) {
	const ends = [
		async () => (kinds['gateway killed'] = (kinds['gateway killed'] ?? 0) + 1, revive(cluster.gateways[0])),
		async () => (kinds['shard killed'] = (kinds['shard killed'] ?? 0) + 1, revive(cluster.shards[0])),
		async () => (kinds['gateway drained'] = (kinds['gateway drained'] ?? 0) + 1, cluster.restart(cluster.gateways[1])),
	];
	/** @param {any} one */
	async function revive(one) {
		one.kill('KILL');
		await one.ended();
		await cluster.startProcess(one);
	}
	for (let n = 0; goesOn(); n++) {
		await ends[n % ends.length]();
		await new Promise((resolve) => setTimeout(resolve, restMs));
	}
}

/** @param {Report} report */
export function describe({ cuts: made, resumed, kinds, outages, moves, events, ghosts }) {
	return `${resumed} of ${made} forced disconnects resumed (${Object.entries(kinds).map(([name, n]) => `${n} ${name}`).join(', ')}); to resumed: `
		+ `median ${Math.round(outages.at(0.5))} ms, p99 ${Math.round(outages.at(0.99))} ms, worst ${Math.round(outages.max)} ms of ${outages.count} outages; `
		+ `${moves} moves without one; ${events} events; ${ghosts.length} times somebody was shown as gone`;
}
