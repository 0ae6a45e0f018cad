// SPDX-License-Identifier: Apache-2.0
// A Docker of its own for one run: dockerd in a network namespace, so that neither its bridges nor its
// rules of iptables touch this machine's network, and a Debian made by debootstrap in place of a registry.
// Images are kept in `dir` for the next run; everything else is gone when it is closed. Needs root.

import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
const bufferBytes = 64 << 20;
const startMs = 60_000;
const stopMs = 60_000;
const forwarding = '/proc/sys/net/ipv4/ip_forward';
const groups = '/sys/fs/cgroup';
const shares = /** @type {const} */ ([['cpu', 'cpu.shares', 1024], ['', 'cpu.weight', 100]]); // of the two versions of control groups

export const BASE = 'moothall-base:bookworm';

export class Docker {
	#name = `dock${process.pid}`;
	#net = `10.${150 + (process.pid % 50)}.${(process.pid >> 6) % 250}`;
	/** @type {string|undefined} of the machine, before images were built */ #forwarding;

	/** Call `Docker.open()`. @param {string} dir @param {(text: string) => void} say */
	constructor(dir, say) {
		if (process.getuid?.() !== 0)
			throw new Error('this makes a network namespace and starts dockerd: run it as root');
		this.dir = dir;
		this.say = say;
		this.socket = path.join(os.tmpdir(), `${this.#name}.sock`); // a socket's path is short
		this.env = { DOCKER_HOST: `unix://${this.socket}`, DOCKER_BUILDKIT: '0', COMPOSE_DOCKER_CLI_BUILD: '0' };
	}

	/** It answers. @param {{dir: string, say: (text: string) => void}} where */
	static async open({ dir, say }) {
		const docker = new Docker(dir, say);
		clearLeftovers(dir);
		try {
			docker.#connect();
			docker.share(1);
			await docker.#start();
			await docker.#clear();
		} catch (cause) {
			await docker.close().catch(() => {});
			throw cause;
		}
		return docker;
	}

	/** Where published ports are. */
	get address() {
		return `${this.#net}.2`;
	}

	#connect() {
		ip('netns', 'add', this.#name);
		ip('link', 'add', this.#name, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', this.#name);
		ip('address', 'add', `${this.#net}.1/30`, 'dev', this.#name);
		ip('link', 'set', this.#name, 'up');
		ip('-n', this.#name, 'link', 'set', 'lo', 'up');
		ip('-n', this.#name, 'address', 'add', `${this.address}/30`, 'dev', 'eth0');
		ip('-n', this.#name, 'link', 'set', 'eth0', 'up');
		ip('-n', this.#name, 'route', 'add', 'default', 'via', `${this.#net}.1`);
	}

	/** All containers together get the share of this machine's time that so many processes would. @param {number} processes */
	share(processes) {
		for (const [controller, file, one] of shares) {
			const group = path.join(groups, controller, this.#name);
			if (!fs.existsSync(path.join(groups, controller, file)) && controller !== '')
				continue;
			fs.mkdirSync(group, { recursive: true });
			if (fs.existsSync(path.join(group, file)))
				fs.writeFileSync(path.join(group, file), String(processes * one));
		}
	}

	/** Not `ip netns exec`: that hides the control groups. */
	async #start() {
		fs.mkdirSync(this.dir, { recursive: true });
		const log = fs.openSync(path.join(this.dir, 'dockerd.log'), 'w');
		this.daemon = spawn('nsenter', [`--net=/run/netns/${this.#name}`, 'dockerd', '--host', `unix://${this.socket}`,
			'--data-root', path.join(this.dir, 'data'), '--exec-root', path.join(os.tmpdir(), this.#name), '--pidfile', path.join(this.dir, 'dockerd.pid'), '--cgroup-parent', `/${this.#name}`],
		{ stdio: ['ignore', log, log], detached: true }); // Ctrl-C reaches us, and we end it in order
		fs.closeSync(log);
		for (const deadline = Date.now() + startMs; !(await this.docker('version').then(() => true, () => false)); await sleep(200))
			if (this.daemon.exitCode !== null || Date.now() > deadline)
				throw new Error(`dockerd did not start:\n${fs.readFileSync(path.join(this.dir, 'dockerd.log'), 'utf8').slice(-3000)}`);
	}

	/** Containers reach the world while this is done, as building images needs. @template T @param {() => Promise<T>} act @returns {Promise<T>} */
	async online(act) {
		this.#forwarding = fs.readFileSync(forwarding, 'utf8');
		fs.writeFileSync(forwarding, '1');
		iptables('-A', this.#masquerade);
		try {
			return await act();
		} finally {
			this.#offline();
		}
	}

	get #masquerade() {
		return ['POSTROUTING', '-s', `${this.#net}.0/30`, '-m', 'comment', '--comment', this.#name, '-j', 'MASQUERADE'];
	}

	#offline() {
		if (this.#forwarding === undefined)
			return;
		iptables('-D', this.#masquerade);
		fs.writeFileSync(forwarding, this.#forwarding);
		this.#forwarding = undefined;
	}

	/** The Debian that images are built on, made once. It trusts what this machine trusts: it is the same network. */
	async makeBase() {
		if (await this.docker('image', 'inspect', BASE).then(() => true, () => false))
			return;
		this.say('making a bare Debian 12');
		const root = path.join(this.dir, 'base');
		fs.rmSync(root, { recursive: true, force: true });
		await run('debootstrap', ['--variant=minbase', 'bookworm', root], { maxBuffer: bufferBytes });
		const changes = [];
		if (process.env.NODE_EXTRA_CA_CERTS) {
			fs.copyFileSync(process.env.NODE_EXTRA_CA_CERTS, path.join(root, 'etc', 'node-trust.pem'));
			changes.push('--change', 'ENV NODE_EXTRA_CA_CERTS=/etc/node-trust.pem');
		}
		fs.rmSync(path.join(root, 'var', 'cache', 'apt', 'archives'), { recursive: true, force: true });
		const tar = spawn('tar', ['-C', root, '-c', '.'], { stdio: ['ignore', 'pipe', 'inherit'] });
		const load = spawn('docker', ['import', ...changes, '-', BASE], { env: { ...process.env, ...this.env }, stdio: [tar.stdout, 'ignore', 'inherit'] });
		const [code] = await once(load, 'close');
		fs.rmSync(root, { recursive: true, force: true });
		if (code !== 0)
			throw new Error(`docker import failed with ${code}`);
	}

	/** @param {...string} args @returns {Promise<string>} what it printed */
	docker(...args) {
		return this.command('docker', args);
	}

	/** @param {string} program @param {string[]} args @param {Record<string, string>} [env] @returns {Promise<string>} what it printed */
	async command(program, args, env = {}) {
		try {
			const { stdout } = await run(program, args, { env: { ...process.env, ...this.env, ...env }, maxBuffer: bufferBytes });
			return stdout;
		} catch (cause) {
			const { stdout = '', stderr = '' } = /** @type {{stdout?: string, stderr?: string}} */ (cause);
			throw new Error(`${[program, ...args].join(' ')} failed:\n${`${stdout}${stderr}`.slice(-6000)}`);
		}
	}

	/** All but images. */
	async #clear() {
		const left = (await this.docker('ps', '-aq')).split('\n').filter(Boolean);
		if (left.length > 0)
			await this.docker('rm', '-f', '-v', ...left);
		await this.docker('network', 'prune', '-f');
		await this.docker('volume', 'prune', '-f'); // those with a name outlive their containers
	}

	/** No container, no daemon, no link and no rule of it is left. */
	async close() {
		if (this.daemon?.pid && this.daemon.exitCode === null) {
			await this.#clear().catch(() => {});
			this.daemon.kill('SIGTERM');
			const timer = setTimeout(() => this.daemon?.kill('SIGKILL'), stopMs);
			await once(this.daemon, 'exit');
			clearTimeout(timer);
		}
		this.#offline();
		remove('netns', 'del', this.#name);
		remove('link', 'del', this.#name);
		removeGroups(this.#name);
		fs.rmSync(this.socket, { force: true });
		fs.rmSync(path.join(os.tmpdir(), this.#name), { recursive: true, force: true });
	}
}

/** Of a run that was killed: its daemon, which goes on without it, its namespace and its rule. @param {string} dir */
function clearLeftovers(dir) {
	const pidFile = path.join(dir, 'dockerd.pid');
	const pid = fs.existsSync(pidFile) ? Number(fs.readFileSync(pidFile, 'utf8')) : 0;
	const commandOf = () => (fs.existsSync(`/proc/${pid}/cmdline`) ? fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8') : '');
	if (pid > 0 && commandOf().includes(path.join(dir, 'data'))) {
		process.kill(pid, 'SIGTERM');
		for (const deadline = Date.now() + stopMs; commandOf() !== '' && Date.now() < deadline;)
			execFileSync('sleep', ['0.2']);
	}
	const isOver = (/** @type {string} */ name) => /^dock\d+$/.test(name) && !fs.existsSync(`/proc/${name.slice(4)}`);
	for (const name of fs.existsSync('/run/netns') ? fs.readdirSync('/run/netns').filter(isOver) : [])
		remove('netns', 'del', name);
	for (const name of fs.readdirSync('/sys/class/net').filter(isOver))
		remove('link', 'del', name);
	for (const name of fs.readdirSync(path.join(groups, fs.existsSync(path.join(groups, 'cpu')) ? 'cpu' : '')).filter(isOver))
		removeGroups(name);
	const rules = execFileSync('iptables', ['-w', '-t', 'nat', '-S', 'POSTROUTING'], { encoding: 'utf8' }).split('\n');
	for (const rule of rules.filter((line) => isOver(/--comment (\S+)/.exec(line)?.[1] ?? '')))
		iptables('-D', rule.split(' ').slice(1));
}

/** @param {string} name */
function removeGroups(name) {
	for (const controller of ['', ...fs.readdirSync(groups)])
		try {
			fs.rmdirSync(path.join(groups, controller, name));
		} catch {
			// it was not there, or is no directory
		}
}

/** @param {...string} args */
function ip(...args) {
	execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

/** @param {string} how @param {string[]} rule */
function iptables(how, rule) {
	execFileSync('iptables', ['-w', '-t', 'nat', how, ...rule], { stdio: ['ignore', 'ignore', 'pipe'] });
}

/** @param {...string} args */
function remove(...args) {
	try {
		ip(...args);
	} catch {
		// it was not there
	}
}
