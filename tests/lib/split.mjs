// SPDX-License-Identifier: Apache-2.0
// A cluster whose last gateway and last shard are in network namespaces of their own, so that the way
// between one gateway and one shard, or between one shard and the database, can be cut and nothing else.

import { Network } from './network.mjs';

/** @typedef {import('../../deploy/local/cluster.mjs').Cluster} Cluster @typedef {import('../../deploy/local/process.mjs').Process} Process */
/** @typedef {ReturnType<Network['space']>} Space */

/** Shards must listen to all addresses: hand this to `Cluster.start`. */
export const shardEnv = { MOOT_BUS_HOST: '*' };

export class Split {
	/** Call `Split.open()`. @param {Cluster} cluster @param {Network} network */
	constructor(cluster, network) {
		this.cluster = cluster;
		this.network = network;
		this.gatewaySpace = network.space();
		this.shardSpace = network.space();
		/** @type {string[]} addresses of the shards */
		this.shardAt = cluster.shards.map((_, i) => (i === cluster.shards.length - 1 ? this.shardSpace.address : network.address()));
		/** the database as the shard in its namespace reaches it */
		this.databaseAt = network.address();
	}

	/** Stops and starts what moves. @param {Cluster} cluster @param {Network} network */
	static async open(cluster, network) {
		const split = new Split(cluster, network);
		await Promise.all([network.own, split.databaseAt].map((address) => network.forward(address, cluster.postgres.port)));
		await split.#move();
		return split;
	}

	get gateway() {
		return this.cluster.gateways.length - 1;
	}

	/** @param {number} n */
	url(n) {
		const url = this.cluster.publicUrls[n];
		return n === this.gateway ? url.replace('127.0.0.1', this.gatewaySpace.address) : url;
	}

	get urls() {
		return this.cluster.gateways.map((_, i) => this.url(i));
	}

	/** Each shard gets an address of its own; a gateway and a shard go into their namespaces. */
	async #move() {
		const { shards, gateways } = this.cluster;
		const moved = [...shards, gateways[this.gateway]];
		await Promise.all(moved.map((one) => this.cluster.stopProcess(one)));
		shards.forEach(({ plan }, i) => Object.assign(plan.env ?? {}, { MOOT_BUS_ADVERTISE: this.shardAt[i] }));
		house(shards[shards.length - 1], this.shardSpace, this.databaseAt);
		house(gateways[this.gateway], this.gatewaySpace, this.network.own);
		await Promise.all(moved.map((one) => this.cluster.startProcess(one)));
	}
}

/** @param {Process} one @param {Space} space @param {string} database */
function house({ plan }, space, database) {
	plan.command = space.inside(plan.command);
	plan.readyUrl = plan.readyUrl?.replace('127.0.0.1', space.address);
	Object.assign(plan.env ?? {}, {
		MOOT_DATABASE_URL: plan.env?.MOOT_DATABASE_URL.replace('127.0.0.1', database),
		MOOT_INTERNAL_HOST: '0.0.0.0',
		...(plan.kind === 'gateway' ? { MOOT_PUBLIC_HOST: '0.0.0.0' } : {}),
	});
}
