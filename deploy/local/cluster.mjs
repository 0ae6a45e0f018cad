// SPDX-License-Identifier: Apache-2.0
/**
 * A whole cluster on this machine: PostgreSQL, shards, gateways. `./dev run` keeps one under var/;
 * each end-to-end test starts its own, which shares nothing with any other:
 *
 *   const cluster = await Cluster.start({ gateways: 2, shards: 2, build: 'debug' });
 *   cluster.publicUrl                      'http://127.0.0.1:21234', the port that all gateways share
 *   cluster.publicUrls[1]                  a port that only the second gateway listens on
 *   cluster.gateways[0].kill('KILL')       a Process: kill pause resume stop start ready pid ended
 *   await cluster.restart(cluster.shards[1])         SIGTERM, start again, ready
 *   await cluster.addShard(); await cluster.removeShard(cluster.shards[0])
 *   await cluster.sql("select owner, count(*) from slot group by 1")    rows of text values
 *   await cluster.stop()                   throws if anything leaked, crashed or did not end with 0
 *
 * Nothing is restarted by itself here; that is supervisor.mjs.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { freePorts, portIsFree } from './ports.mjs';
import { Postgres } from './postgres.mjs';
import { describe, endedWell, Process } from './process.mjs';
import * as settings from './settings.mjs';

/**
 * @typedef {object} ClusterPlan
 * @property {number} [gateways]    default 2
 * @property {number} [shards]      default 2
 * @property {string} [build]       'release', 'debug', 'clang' or a directory; default MOOT_BUILD, else 'debug'
 * @property {string} [dir]         state and logs; default: a temporary one, removed by stop() when all went well
 * @property {number} [port]        the shared public port; 0 (default) takes a free one
 * @property {import('./certificate.mjs').Pair} [tls]  serve TLS with it, too
 * @property {number} [tlsPort]     the shared port with TLS; 0 (default) takes a free one
 * @property {import('./certificate.mjs').Pair} [databaseTls]  the processes speak TLS with PostgreSQL, and insist on this certificate
 * @property {boolean} [durable]    true: PostgreSQL syncs to disk (default only under var/)
 * @property {boolean} [demo]       load the demo users and submissions; default true
 * @property {number} [unixShards] so many shards, the last ones, listen on Unix sockets instead of TCP; default 0
 * @property {Record<string,string>} [gatewayEnv]  more MOOT_* for each gateway
 * @property {Record<string,string>} [shardEnv]    more MOOT_* for each shard
 * @property {(text: string) => void} [say]        progress, one line each
 */

const REPORTS = /ERROR: (Address|Leak|Thread)Sanitizer|runtime error: |SUMMARY: |must\(/;

export class Cluster {
	/** Call `Cluster.start()`. @param {ClusterPlan} plan */
	constructor(plan) {
		this.plan = { gateways: 2, shards: 2, port: 0, tlsPort: 0, unixShards: 0, durable: false, demo: true, say: () => {}, ...plan };
		this.build = plan.build ?? process.env.MOOT_BUILD ?? 'debug';
		this.temporary = plan.dir === undefined;
		this.dir = plan.dir ?? fs.mkdtempSync(path.join(os.tmpdir(), 'moothall-'));
		this.logs = path.join(this.dir, 'log');
		this.publicPort = this.plan.port;
		this.tlsPort = this.plan.tlsPort;
		/** @type {Process[]} */
		this.gateways = [];
		/** @type {Process[]} */
		this.shards = [];
		/** @type {Process[]} taken away for good; their ends and logs still count */
		this.removed = [];
		/** @type {Postgres} */
		this.postgres = /** @type {any} */ (undefined);
	}

	/** Start everything and wait until it is ready; what had started is stopped again if that fails. @param {ClusterPlan} [plan] */
	static async start(plan = {}) {
		const cluster = new Cluster(plan);
		try {
			await cluster.open();
		} catch (cause) {
			await cluster.end().catch(() => {});
			throw cause;
		}
		return cluster;
	}

	async open() {
		if (this.temporary)
			fs.chmodSync(this.dir, 0o711); // PostgreSQL may run as another user
		fs.mkdirSync(this.logs, { recursive: true });
		await this.#checkPlan();
		await this.openDatabase();
		await this.#planProcesses();
		await Promise.all([...this.shards, ...this.gateways].map(async (one) => {
			await one.start();
			await one.ready();
			this.plan.say(`${one.name} is ready`);
		}));
	}

	/** Only the database: started, migrated, with its demo rows. */
	async openDatabase() {
		const dir = path.join(this.dir, 'postgres');
		const log = path.join(this.logs, 'postgres.log');
		if (!fs.existsSync(dir))
			this.plan.say('making a private PostgreSQL');
		this.postgres = await Postgres.open({ dir, log, durable: this.plan.durable, tls: this.plan.databaseTls });
		await this.postgres.start();
		for (const name of await this.postgres.migrate(path.join(settings.ROOT, 'roomd', 'schema')))
			this.plan.say(`applied ${name}`);
		if (this.plan.demo)
			await this.sql(fs.readFileSync(path.join(settings.ROOT, 'deploy', 'local', 'demo.sql'), 'utf8'));
	}

	/** All processes, in the order in which they are started. */
	get processes() {
		return [...(this.postgres ? [this.postgres.process] : []), ...this.shards, ...this.gateways];
	}

	get publicUrl() {
		return `http://${settings.HOST}:${this.publicPort}`;
	}

	/** One for each gateway, on a port of its own. */
	get publicUrls() {
		return this.gateways.map((one) => url(one, 'own'));
	}

	get tlsUrl() {
		return `https://${settings.HOST}:${this.tlsPort}`;
	}

	/** One for each gateway. */
	get tlsUrls() {
		return this.gateways.map((one) => url(one, 'tls', 'https'));
	}

	/** /healthz /readyz /metrics: gateways, then shards. */
	get internalUrls() {
		return [...this.gateways, ...this.shards].map((one) => url(one, 'internal'));
	}

	get databaseUrl() {
		return this.postgres.url('owner');
	}

	get appDatabaseUrl() {
		const { databaseTls } = this.plan;
		const how = databaseTls ? `?sslmode=verify-full&sslrootcert=${encodeURIComponent(databaseTls.certificate)}` : '';
		return `${this.postgres.url('app')}${how}`;
	}

	/** @param {string} text one query @returns {Promise<Record<string, string|null>[]>} */
	sql(text) {
		return this.postgres.sql(text);
	}

	/** @param {Process} one @returns {string} its whole log so far */
	log(one) {
		return fs.existsSync(one.plan.log) ? fs.readFileSync(one.plan.log, 'utf8') : '';
	}

	/** SIGTERM, its end, started again, ready. @param {Process} one @returns {Promise<number>} ms it took */
	async restart(one) {
		const from = Date.now();
		await this.stopProcess(one);
		await this.startProcess(one);
		return Date.now() - from;
	}

	/** Start one that has ended, and wait until it is ready. @param {Process} one */
	async startProcess(one) {
		if (one.kind === 'postgres')
			return this.postgres.start();
		await one.start();
		await one.ready();
	}

	/** @param {Process} one */
	stopProcess(one) {
		return one.kind === 'postgres' ? this.postgres.stop() : one.stop();
	}

	/** One more shard, ready. @returns {Promise<Process>} */
	async addShard() {
		const used = [...this.shards, ...this.removed].map((one) => Number(/^shard-(\d+)$/.exec(one.name)?.[1] ?? 0));
		const [bus, internal] = await freePorts(2);
		const one = this.#shard(`shard-${Math.max(0, ...used) + 1}`, { bus, internal });
		this.shards.push(one);
		await this.startProcess(one);
		return one;
	}

	/** SIGTERM: it gives its slots away, ends, and is not part of the cluster any more. @param {Process} one */
	async removeShard(one) {
		await this.stopProcess(one);
		this.shards = this.shards.filter((each) => each !== one);
		this.removed.push(one);
	}

	/** End everything in order, without judging how it went. @param {{hurry?: boolean}} [how] */
	async end({ hurry = false } = {}) {
		const how = hurry ? { againMs: 1500, graceMs: 5000 } : {};
		await Promise.all(this.gateways.map((one) => one.stop(how)));
		await Promise.all(this.shards.map((one) => one.stop(how)));
		await this.postgres?.stop();
	}

	/** End everything; throws an Error that lists each leak, crash and wrong exit code of its whole life. */
	async stop() {
		await this.end();
		const complaints = this.complaints();
		if (complaints.length > 0)
			throw new Error(`${complaints.join('\n')}\nlogs are kept in ${this.logs}`);
		if (this.temporary)
			fs.rmSync(this.dir, { recursive: true, force: true });
	}

	/** What went wrong so far: sanitizer reports, failed `must()`, ends that nobody asked for. */
	complaints() {
		return [...this.gateways, ...this.shards, ...this.removed].flatMap((one) => {
			const lines = this.log(one).split('\n').filter((line) => REPORTS.test(line));
			const ends = one.endings.filter((ending) => !endedWell(ending));
			return [
				...lines.slice(0, 3).map((line) => `${one.name} says: ${line}`),
				...ends.map((e) => `${one.name} was sent ${e.sent ?? 'nothing'} and ended: ${describe(e)}`),
			];
		});
	}

	/** What would fail later, and is cheap to know now. */
	async #checkPlan() {
		for (const file of Object.values(settings.programs(this.build)))
			if (!fs.existsSync(file))
				throw new Error(`${file} is not built; run ./dev build ${this.build}`);
		for (const port of [this.publicPort, this.tlsPort].filter(Boolean))
			if (!(await portIsFree(port)))
				throw new Error(`port ${port} is taken by another program; choose another one with --port`);
	}

	async #planProcesses() {
		const { gateways, shards, unixShards, tls } = this.plan;
		const ports = await freePorts(2 + 3 * gateways + 2 * shards);
		const next = () => /** @type {number} */ (ports.pop());
		this.publicPort ||= next();
		this.tlsPort ||= next();
		for (let i = 1; i <= shards; i++)
			this.shards.push(this.#shard(`shard-${i}`, { bus: next(), internal: next() }, i > shards - unixShards));
		for (let i = 1; i <= gateways; i++)
			this.gateways.push(this.#gateway(`gateway-${i}`, { own: next(), internal: next(), ...(tls && { tls: next() }) }));
	}

	/** @param {string} name @param {{bus: number, internal: number}} ports @param {boolean} [onUnix] */
	#shard(name, ports, onUnix = false) {
		const env = settings.shardSettings({ name, databaseUrl: this.appDatabaseUrl, busPort: ports.bus, internalPort: ports.internal });
		const bus = onUnix ? { MOOT_BUS_PATH: path.join(this.dir, `${name}.bus`) } : {};
		return this.#process('shard', name, ports, { ...env, ...bus, ...this.plan.shardEnv });
	}

	/** @param {string} name @param {{own: number, internal: number, tls?: number}} ports */
	#gateway(name, ports) {
		const { tls } = this.plan;
		const env = settings.gatewaySettings({
			name, databaseUrl: this.appDatabaseUrl, publicPort: this.publicPort, ownPort: ports.own, internalPort: ports.internal,
			...(tls && ports.tls && { tls: { ...tls, port: this.tlsPort, ownPort: ports.tls } }),
		});
		return this.#process('gateway', name, { ...ports, public: this.publicPort }, { ...env, ...this.plan.gatewayEnv });
	}

	/**
	 * @param {'shard'|'gateway'} kind @param {string} name
	 * @param {Record<string,number>} ports @param {Record<string,string>} env
	 */
	#process(kind, name, ports, env) {
		return new Process({
			kind, name, ports,
			command: [settings.programs(this.build)[kind]],
			env: { ...settings.SANITIZER_SETTINGS, ...env },
			log: path.join(this.logs, `${name}.log`),
			readyUrl: `http://${settings.HOST}:${ports.internal}/readyz`,
		});
	}
}

/** @param {Process} one @param {string} port */
function url(one, port, scheme = 'http') {
	return `${scheme}://${settings.HOST}:${one.plan.ports?.[port]}`;
}
