// SPDX-License-Identifier: Apache-2.0
// The ways by which clients reach gateways: plainly, over TLS at the gateway, or through a real proxy that
// ends TLS or passes it on, set up as the files in deploy/proxy say. MOOT_WAY chooses that of a test file;
// MOOT_WAY_CERTIFICATE is a folder with the pair that its clients trust (NODE_EXTRA_CA_CERTS).

import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { freePorts } from '../../deploy/local/ports.mjs';
import { HOST, ROOT } from '../../deploy/local/settings.mjs';

/** @typedef {import('../../deploy/local/certificate.mjs').Pair} Pair */
/** @typedef {import('../../deploy/local/cluster.mjs').Cluster} Cluster */
/** @typedef {{public: number, internal: number, tls: number}} Upstream  ports of a gateway */

/**
 * @typedef {object} Kind
 * @property {string} file       in deploy
 * @property {'http' | 'https'} speaks
 * @property {Record<string, string>} env  what the file says that gateways have to be told
 * @property {(text: string, at: {listen: number, to: Upstream[], pair: Pair, dir: string}) => string} adapt  to these ports and files
 * @property {(config: string, dir: string) => string[]} command
 */

/** Lines of HAProxy. @param {Upstream[]} to @param {'public' | 'tls'} port */
const servers = (to, port) => to.map((one, i) => `server gateway-${i + 1} ${HOST}:${one[port]} port ${one.internal}`).join('\n\t');

/** @type {Record<string, Kind>} */
const kinds = {
	nginx: {
		file: 'proxy/nginx.conf',
		speaks: 'https',
		env: { MOOT_PROXY_TRUSTED: HOST },
		adapt: (text, { listen, to, pair, dir }) => [
			`daemon off;\nmaster_process off;\npid ${dir}/nginx.pid;\nerror_log stderr;\n`,
			swap(text, {
				'worker_processes auto;': '',
				'worker_rlimit_nofile 65536;': '',
				'worker_connections 32768;': 'worker_connections 4096;',
				'http {': `http {\naccess_log off;\n${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((what) => `${what}_temp_path ${dir}/${what};`).join('\n')}`,
				'server 127.0.0.1:8080 max_fails=1 fail_timeout=1s;': to.map(({ public: port }) => `server ${HOST}:${port} max_fails=1 fail_timeout=1s;`).join('\n'),
				'listen 443': `listen ${HOST}:${listen}`,
				'/etc/moothall/tls/certificate.pem': pair.certificate,
				'/etc/moothall/tls/key.pem': pair.key,
			})].join(''),
		command: (config, dir) => ['/usr/sbin/nginx', '-p', dir, '-e', 'stderr', '-c', config],
	},
	haproxy: {
		file: 'proxy/haproxy.cfg',
		speaks: 'https',
		env: { MOOT_PROXY_TRUSTED: HOST },
		adapt: (text, { listen, to, pair, dir }) => {
			const both = path.join(dir, 'both.pem');
			fs.writeFileSync(both, [pair.certificate, pair.key].map((file) => fs.readFileSync(file, 'utf8')).join(''), { mode: 0o600 });
			return swap(text, {
				'fd-hard-limit 65536': 'fd-hard-limit 4096',
				'bind :443': `bind ${HOST}:${listen}`,
				'/etc/moothall/tls/both.pem': both,
				'server gateway-1 127.0.0.1:8080': servers(to, 'public'),
			});
		},
		command: (config) => ['/usr/sbin/haproxy', '-db', '-f', config],
	},
	compose: {
		file: 'compose/haproxy.cfg',
		speaks: 'http',
		env: { MOOT_PROXY_TRUSTED: HOST },
		adapt: (text, { listen, to }) => swap(text, {
			'fd-hard-limit 50000': 'fd-hard-limit 4096',
			'bind :8080': `bind ${HOST}:${listen}`,
			' resolvers docker init-addr none resolve-prefer ipv4': '',
			'server-template gateway- 16 gateway:8080': servers(to, 'public'),
		}),
		command: (config) => ['/usr/sbin/haproxy', '-db', '-f', config],
	},
	passthrough: {
		file: 'proxy/haproxy-passthrough.cfg',
		speaks: 'https',
		env: { MOOT_PROXY_TRUSTED: HOST, MOOT_PROXY_PROTOCOL: 'true' },
		adapt: (text, { listen, to }) => swap(text, {
			'fd-hard-limit 65536': 'fd-hard-limit 4096',
			'bind :443': `bind ${HOST}:${listen}`,
			'server gateway-1 127.0.0.1:8443': servers(to, 'tls'),
		}),
		command: (config) => ['/usr/sbin/haproxy', '-db', '-f', config],
	},
};

/** One proxy before some gateways. */
export class Proxy {
	/** @param {string} url @param {import('node:child_process').ChildProcess} child @param {string} log */
	constructor(url, child, log) {
		this.url = url;
		this.child = child;
		this.log = log;
	}

	/** What the gateways behind it have to be told. @param {string} kind */
	static settings = (kind) => kinds[kind].env;

	/** @param {string} kind @param {import('../../deploy/local/process.mjs').Process[]} gateways @param {Pair} pair @param {string} dir its own; made */
	static async open(kind, gateways, pair, dir) {
		const [listen] = await freePorts(1);
		fs.mkdirSync(dir, { recursive: true, mode: 0o755 });
		const to = gateways.map(({ plan }) => /** @type {Record<string, number>} */ (plan.ports)).map(({ own, internal, tls }) => ({ public: own, internal, tls }));
		const { file, speaks } = kinds[kind];
		const config = path.join(dir, path.basename(file));
		const text = fs.readFileSync(path.join(ROOT, 'deploy', file), 'utf8');
		fs.writeFileSync(config, kinds[kind].adapt(text, { listen, to, pair, dir }));
		const log = path.join(dir, 'log');
		const out = fs.openSync(log, 'w');
		const [program, ...args] = ['setpriv', '--pdeathsig=KILL', '--', ...kinds[kind].command(config, dir)];
		const child = spawn(program, args, { stdio: ['ignore', out, out] });
		fs.closeSync(out);
		const proxy = new Proxy(`${speaks}://${HOST}:${listen}`, child, log);
		await proxy.#listens(listen);
		return proxy;
	}

	/** @param {number} port */
	async #listens(port) {
		for (const deadline = Date.now() + 10_000; !(await canConnect(port));) {
			if (this.child.exitCode !== null || Date.now() > deadline)
				throw new Error(`the proxy does not listen: ${fs.readFileSync(this.log, 'utf8')}`);
			await new Promise((resolve) => setTimeout(resolve, 20));
		}
	}

	async close() {
		if (this.child.exitCode !== null)
			return;
		const ended = new Promise((resolve) => this.child.once('exit', resolve));
		this.child.kill('SIGKILL');
		await ended;
	}
}

/** How the clients of a whole test file get in. */
export class Way {
	/** @type {Proxy[]} */ #proxies = [];

	/** @param {string} name @param {Pair} [pair] */
	constructor(name, pair) {
		this.name = name;
		this.pair = pair;
	}

	/** By the environment. */
	static chosen() {
		const { MOOT_WAY: name = 'plain', MOOT_WAY_CERTIFICATE: dir = '' } = process.env;
		return name === 'plain' ? new Way(name) : new Way(name, { certificate: path.join(dir, 'certificate.pem'), key: path.join(dir, 'key.pem') });
	}

	/** What its clusters have to be started with. */
	get plan() {
		const passes = this.name === 'tls' || this.name === 'passthrough';
		return { ...(passes && { tls: this.pair }), gatewayEnv: kinds[this.name]?.env ?? {} };
	}

	/** A proxy answers for the client where it speaks no HTTP, so what is said then is not the gateway's. */
	get endsHttp() {
		return this.name === 'nginx' || this.name === 'haproxy';
	}

	/** @param {Cluster} cluster */
	async open(cluster) {
		if (!kinds[this.name])
			return;
		this.#proxies = await Promise.all(cluster.gateways.map((one, i) =>
			Proxy.open(this.name, [one], /** @type {Pair} */ (this.pair), path.join(cluster.dir, `proxy-${i}`))));
	}

	/** One for each gateway. @param {Cluster} cluster */
	urls(cluster) {
		if (this.#proxies.length > 0)
			return this.#proxies.map(({ url }) => url);
		return this.name === 'tls' ? cluster.tlsUrls : cluster.publicUrls;
	}

	/** The one that all gateways share. @param {Cluster} cluster */
	url(cluster) {
		if (this.#proxies.length > 0)
			return this.#proxies[0].url;
		return this.name === 'tls' ? cluster.tlsUrl : cluster.publicUrl;
	}

	async close() {
		await Promise.all(this.#proxies.map((proxy) => proxy.close()));
	}
}

/** Each of these is in the text. @param {string} text @param {Record<string, string>} changes */
function swap(text, changes) {
	for (const [from, to] of Object.entries(changes)) {
		if (!text.includes(from))
			throw new Error(`the file in deploy does not say "${from}" any more`);
		text = text.replaceAll(from, to);
	}
	return text;
}

/** @param {number} port @returns {Promise<boolean>} */
function canConnect(port) {
	return new Promise((resolve) => {
		const socket = net.connect(port, HOST, () => {
			socket.destroy();
			resolve(true);
		});
		socket.on('error', () => resolve(false));
	});
}
