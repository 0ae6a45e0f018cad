// SPDX-License-Identifier: Apache-2.0
// A cluster with people and papers of its own, for one test file: users with sessions, rooms that all
// of them may enter, placed on the shard a test asks for, and clients that join through the gateway
// that the layout of the run says, by the way that MOOT_WAY says.

import { Cluster } from '../../deploy/local/cluster.mjs';
import { Client } from './client.mjs';
import { slotOf } from './slot.mjs';
import { Way } from './ways.mjs';

/**
 * @typedef {object} User
 * @property {string} id       as the product must show it
 * @property {string} name
 * @property {string} email
 * @property {string} session  token
 *
 * @typedef {object} Layout
 * @property {string} name
 * @property {(client: number) => number} gateway  index of the n-th client's gateway
 * @property {(room: number) => number} shard      index of the n-th room's shard
 */

/** The same suite is run in each: who sits where must not be visible. @type {readonly Layout[]} */
export const layouts = [
	{ name: 'one gateway', gateway: () => 0, shard: () => 0 },
	{ name: 'users on different gateways', gateway: (client) => client % 2, shard: () => 1 },
	{ name: 'rooms on both shards', gateway: (client) => (client + 1) % 2, shard: (room) => room % 2 },
];

/** @type {readonly ('submission' | 'document')[]} */
export const kinds = ['submission', 'document'];

/** Lost sockets keep their place this long in tests that wait for it. */
export const graceMs = 1_500;
const grace = { MOOT_PRESENCE_GRACE: `${graceMs}ms` };
/** A shard that waits for a busy machine is not dead, where that is not what is tested. */
const patience = { MOOT_LINK_SILENCE: '2s' };
const gatewaySettings = { ...grace, ...patience, MOOT_DRAIN_SPREAD: '300ms' };
const poolSize = 230;
const roomPool = 400;

export class World {
	/** @type {User[]} */ users = [];
	/** @type {Map<number, string>} slot -> name of its shard */ #owners = new Map();
	/** @type {Client[]} */ #clients = [];
	#rooms = 0;
	#names = 0;
	#joined = 0;

	/** @param {Cluster} cluster @param {Layout} layout @param {Way} way */
	constructor(cluster, layout, way) {
		this.cluster = cluster;
		this.layout = layout;
		this.way = way;
	}

	/** Where clients get in: at any gateway. */
	get publicUrl() {
		return this.way.url(this.cluster);
	}

	/** And at each. */
	get publicUrls() {
		return this.way.urls(this.cluster);
	}

	/** @param {Parameters<typeof Cluster.start>[0] & {layout?: Layout}} [plan] */
	static async open(plan = {}) {
		const way = Way.chosen();
		const cluster = await Cluster.start({
			gateways: 2, shards: 2, demo: false, ...way.plan, ...plan,
			gatewayEnv: { ...gatewaySettings, ...way.plan.gatewayEnv, ...plan.gatewayEnv },
			shardEnv: { ...grace, ...plan.shardEnv },
		});
		const world = new World(cluster, plan.layout ?? layouts[1], way);
		try {
			await way.open(cluster);
			await world.#people();
			await world.readOwners();
		} catch (cause) {
			await way.close();
			await cluster.end();
			throw cause;
		}
		return world;
	}

	/** Ends every client and the cluster; throws when a process leaked or crashed. */
	async close() {
		for (const client of this.#clients)
			client.socket.terminate();
		await this.way.close();
		await this.cluster.stop();
	}

	async #people() {
		for (let i = 0; i < poolSize; i++)
			this.users.push({ id: `u_${i}`, name: `User ${i} of Many`, email: `u${i}@example.org`, session: `session-${i}` });
		Object.assign(this.users[1], { id: 'u1@example.org' }); // an e-mail serves as an id
		Object.assign(this.users[2], { name: 'Zoë "Quote" \\ Ångström 🎼' });
		await this.cluster.sql(this.users.map((user) => `
			insert into users (id, name, email, user_type) values
				(${quote(user.id)}, ${quote(user.name)}, ${quote(user.email)}, 'Reviewer');
			insert into sessions (id, user_id, expires_at) values
				(${quote(user.session)}, ${quote(user.id)}, now() + interval '1 day');`).join(''));
		await this.cluster.sql(`
			insert into submissions (id, title, submitted_by, required_approvers)
				select 'room_' || lpad(i::text, 6, '0'), 'a paper', 'u_0', array(select email from users)
				from generate_series(0, ${roomPool - 1}) i;
			insert into documents (id, title, owner, editors)
				select 'room_' || lpad(i::text, 6, '0'), 'a paper', 'u_0', array(select id from users)
				from generate_series(0, ${roomPool - 1}) i`);
	}

	/** Ask PostgreSQL who owns which slot now. */
	async readOwners() {
		const rows = await this.cluster.sql(`select slot, name from slot join member on owner = incarnation`);
		this.#owners = new Map(rows.map((row) => [Number(row.slot), String(row.name)]));
	}

	/** A room nobody has been in yet, on the shard that the layout (or the caller) says.
	 * @param {'submission' | 'document'} [kind] @param {number} [shard] @returns {import('./client.mjs').Room} */
	room(kind = 'submission', shard = this.layout.shard(this.#rooms++)) {
		const wanted = this.cluster.shards[shard].name;
		for (;;) {
			const id = `room_${String(this.#names++).padStart(6, '0')}`;
			if (this.#names > roomPool)
				throw new Error('the tests of this file use more rooms than there are');
			if (this.#owners.get(slotOf(`${kind}:${id}`)) === wanted)
				return { kind, id };
		}
	}

	/** The public address the n-th client of a test uses. @param {number} client */
	base(client) {
		const urls = this.publicUrls;
		return urls[this.layout.gateway(client) % urls.length];
	}

	/** Each test counts its clients from 0. */
	restart() {
		this.#joined = 0;
	}

	/** @param {import('./client.mjs').Room} room @param {User | number} user @param {{gateway?: number, prefix?: string}} [how] */
	async join(room, user, how = {}) {
		return this.#enter(Client.join, room, user, how);
	}

	/** The handshake only. @param {import('./client.mjs').Room} room @param {User | number} user @param {{gateway?: number, prefix?: string}} [how] */
	async open(room, user, how = {}) {
		return this.#enter(Client.open, room, user, how);
	}

	/** @param {typeof Client.open} how_ @param {import('./client.mjs').Room} room @param {User | number} user
	 * @param {{gateway?: number, prefix?: string}} how */
	async #enter(how_, room, user, { gateway, prefix }) {
		const base = gateway === undefined ? this.base(this.#joined++) : this.publicUrls[gateway];
		const who = typeof user === 'number' ? this.users[user] : user;
		const client = await how_(base, room, who, { prefix });
		this.#clients.push(client);
		return client;
	}
}

/** An SQL literal. @param {string} text */
export function quote(text) {
	return `'${text.replaceAll("'", "''")}'`;
}
