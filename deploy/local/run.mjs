// SPDX-License-Identifier: Apache-2.0
/**
 * `./dev run` after the build: the cluster under var/, its supervisor, and the control socket through
 * which the other commands reach it. Two ways to live: in the foreground until Ctrl-C, showing the logs,
 * or in the background until `./dev stop`.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { keepCertificate } from './certificate.mjs';
import { Cluster } from './cluster.mjs';
import { serveControl } from './control.mjs';
import { follow } from './follow.mjs';
import { ROOT, RUN_BUILD, VAR } from './settings.mjs';
import { seconds, Supervisor } from './supervisor.mjs';

// Relative: the kernel allows a socket's path 107 bytes, and a tree may lie deeper.
export const CONTROL = path.relative(process.cwd(), path.join(VAR, 'control.sock'));
export const LOGS = path.join(VAR, 'log');
export const LOG = path.join(LOGS, 'supervisor.log');
const PID = path.join(VAR, 'supervisor.pid');
const ROOM = 'submission:spring-letter';

/** @typedef {{gateways: number, shards: number, port: number, tls: boolean}} RunPlan */

/** @param {RunPlan} plan @param {(text: string) => void} say @returns {Promise<number>} exit code */
export async function superviseForeground(plan, say) {
	const life = await open(plan, say);
	const { cluster } = life;
	say(`${links({ url: life.url })}\nCtrl-C stops everything. Logs: ${LOGS}`);
	const unfollow = follow([...cluster.shards, ...cluster.gateways].map((one) => one.plan.log), say);
	await life.ended;
	unfollow();
	return 0;
}

/** @param {RunPlan} plan @param {(text: string) => void} say @returns {Promise<number>} exit code */
export async function superviseDetached(plan, say) {
	const stamped = (/** @type {string} */ text) => say(`${new Date().toISOString()} ${text}`);
	const life = await open(plan, stamped);
	stamped(`ready at ${life.url}`);
	await life.ended;
	return 0;
}

/** Two people, one submission. @param {{url: string}} where */
export function links({ url }) {
	const link = (/** @type {string} */ session) => `${url}/?room=${ROOM}&session=${session}`;
	return `Open both, each in a tab of its own:\n\n  Ada    ${link('demo-ada')}\n  Grace  ${link('demo-grace')}\n`;
}

/**
 * Everything, started and watched. `ended` resolves after somebody asked for the end and all is down.
 * @param {RunPlan} plan @param {(text: string) => void} say
 */
async function open(plan, say) {
	fs.mkdirSync(LOGS, { recursive: true });
	takePidFile();
	rotateLogs(LOGS);
	const { tls, port, ...size } = plan;
	const ports = tls ? { tlsPort: port, tls: await keepCertificate(path.join(VAR, 'tls')) } : { port };
	const cluster = new Cluster({ ...size, ...ports, build: RUN_BUILD, dir: VAR, durable: true, say });
	const supervisor = new Supervisor(cluster, say);
	const url = `${tls ? 'https' : 'http'}://localhost:${port}`;
	const life = stopOnce(supervisor, say);
	const started = start(cluster, supervisor);
	started.catch(() => {}); // told below; the control socket may ask for it earlier
	const control = await serveControl(CONTROL, handlers(supervisor, started.then(() => ({ url })), life.stop));
	life.ended.finally(() => leave(control));
	try {
		await started;
	} catch (cause) {
		await life.stop();
		throw cause;
	}
	return { cluster, url, ended: life.ended };
}

/** @param {Cluster} cluster @param {Supervisor} supervisor */
async function start(cluster, supervisor) {
	await cluster.open();
	await cluster.sql(fs.readFileSync(path.join(ROOT, 'deploy', 'local', 'demo_events.sql'), 'utf8'));
	supervisor.watch();
}

/** The end, however often it is asked for. @param {Supervisor} supervisor @param {(text: string) => void} say */
function stopOnce(supervisor, say) {
	/** @type {() => void} */
	let resolve;
	/** @type {Promise<void>} */
	const ended = new Promise((done) => (resolve = done));
	/** @type {Promise<void>|undefined} */
	let stopping;
	const stop = () => (stopping ??= (async () => {
		const from = Date.now();
		say('stopping');
		await supervisor.stop();
		say(`stopped after ${seconds(Date.now() - from)}`);
		resolve();
	})());
	for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
		process.on(signal, () => void stop());
	return { ended, stop };
}

/**
 * @param {Supervisor} supervisor @param {Promise<{url: string}>} ready @param {() => Promise<void>} stop
 * @returns {Record<string, import('./control.mjs').Handler>}
 */
function handlers(supervisor, ready, stop) {
	const { cluster } = supervisor;
	return {
		ready: () => ready,
		env: async () => {
			await ready;
			return { variables: variables(cluster) };
		},
		status: async () => ({ url: (await ready).url, processes: cluster.processes.map((one) => row(one, supervisor)) }),
		kill: async ({ kind, signal }) => {
			if (!(`SIG${signal}` in os.constants.signals))
				throw new Error(`${signal} is no signal; try KILL, TERM or STOP`);
			return { text: supervisor.killOne(kind, signal) };
		},
		restart: ({ kind, name }, say) => (name ? supervisor.restartOne(name, say) : supervisor.restartAll(kind, say)),
		stop,
	};
}

/** @param {Cluster} cluster @returns {Record<string, string>} what ./dev env prints */
function variables(cluster) {
	const list = (/** @type {(string|number|undefined)[]} */ items) => items.filter(Boolean).join(' ');
	return {
		MOOT_PUBLIC_URL: cluster.publicUrl,
		MOOT_PUBLIC_URLS: list(cluster.publicUrls),
		MOOT_INTERNAL_URLS: list(cluster.internalUrls),
		MOOT_DATABASE_URL: cluster.databaseUrl,
		MOOT_APP_DATABASE_URL: cluster.appDatabaseUrl,
		MOOT_GATEWAY_PIDS: list(cluster.gateways.map((one) => one.pid)),
		MOOT_SHARD_PIDS: list(cluster.shards.map((one) => one.pid)),
		MOOT_ZMQ_PORTS: list(cluster.shards.map((one) => one.plan.ports?.bus)),
		MOOT_LOGS: cluster.logs,
	};
}

/** @param {import('./process.mjs').Process} one @param {Supervisor} supervisor */
function row(one, supervisor) {
	const up = one.isRunning ? `${Math.round((Date.now() - one.startedAt) / 1000)} s` : '-';
	const ports = Object.entries(one.plan.ports ?? {}).map(([name, port]) => `${name} ${port}`).join(', ');
	const state = one.isRunning ? 'running' : 'restarting';
	return [one.name, one.pid ?? '-', state, up, supervisor.restarts.get(one) ?? 0, ports];
}

/** One supervisor for one tree: whoever made the file, as long as that process lives. */
function takePidFile() {
	for (;;) {
		try {
			return fs.writeFileSync(PID, `${process.pid}\n`, { flag: 'wx' });
		} catch {
			const pid = Number(fs.readFileSync(PID, 'utf8'));
			if (isSupervisor(pid))
				throw new Error(`another ./dev run is starting or running (pid ${pid}); ./dev stop ends it`);
			fs.rmSync(PID, { force: true });
		}
	}
}

/** @param {number} pid */
function isSupervisor(pid) {
	try {
		const words = fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8');
		return words.includes('deploy/local/main.mjs') && fs.readlinkSync(`/proc/${pid}/cwd`) === fs.realpathSync(ROOT);
	} catch {
		return false;
	}
}

/** @param {import('node:net').Server} control */
function leave(control) {
	control.close();
	for (const file of [CONTROL, PID])
		fs.rmSync(file, { force: true });
	process.exitCode ??= 0;
}

/** Each run starts its own logs and leaves those of the run before. @param {string} dir */
function rotateLogs(dir) {
	for (const name of fs.readdirSync(dir).filter((each) => each.endsWith('.log') && each !== path.basename(LOG)))
		fs.renameSync(path.join(dir, name), path.join(dir, `${name}.1`));
}
