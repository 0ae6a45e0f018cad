// SPDX-License-Identifier: Apache-2.0
// The stack of deploy/compose.yaml for one test: its images built, brought up, scaled and broken as people
// do it, with docker-compose and docker. Images that it takes from a registry are made of Debian's packages.

import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import { runSqlBy } from '../../deploy/local/postgres.mjs';
import { ROOT } from '../../deploy/local/settings.mjs';
import { BASE } from './docker.mjs';
import { eventually } from './eventually.mjs';

/** @typedef {import('./docker.mjs').Docker} Docker */
/** @typedef {'roomd'|'gateway'} Service */

const project = 'moothall-test';
const port = '18480';
const stands = /** @type {const} */ (['postgres', 'haproxy', 'prometheus']);
export const targets = /** @type {const} */ (['gateway', 'roomd', 'mootctl']);
const readyMs = 60_000;
export const graceMs = 30_000; // a container may take longer than the usual grace to be there again, on a busy machine

export class Stack {
	/** @type {{service: string, id: string, code: number}[]} */ endings = [];

	/** @param {Docker} docker @param {string} dir  its secrets go there */
	constructor(docker, dir) {
		this.docker = docker;
		this.secrets = path.join(dir, 'secrets');
		this.url = `http://${docker.address}:${port}`;
		this.env = {
			COMPOSE_PROJECT_NAME: project, MOOT_PORT: port, MOOT_SECRETS: this.secrets, MOOT_BASE: BASE, MOOT_IMAGES: project,
			MOOT_PRESENCE_GRACE: `${graceMs}ms`,
			...Object.fromEntries(stands.map((name) => [`MOOT_${name.toUpperCase()}_IMAGE`, image(name)])),
		};
	}

	/** @param {...string} args @returns {Promise<string>} */
	compose(...args) {
		return this.docker.command('docker-compose', ['-f', path.join(ROOT, 'deploy', 'compose.yaml'), ...args], this.env);
	}

	/** The product's images as compose builds them, and what stands for others. */
	async build() {
		for (const name of stands)
			await this.docker.docker('build', '-q', '--build-arg', `BASE=${BASE}`, '--target', name, '-t', image(name), path.join(ROOT, 'tests', 'compose'));
		await this.compose('build', '-q');
	}

	/** Megabytes of each of the product's images. @returns {Promise<Record<string, number>>} */
	async sizes() {
		const size = async (/** @type {string} */ target) => Number(await this.docker.docker('image', 'inspect', '-f', '{{.Size}}', image(target))) / 1e6;
		return Object.fromEntries(await Promise.all(targets.map(async (target) => [target, await size(target)])));
	}

	/** Everybody is ready, and the published port is served. @param {number} shards */
	async up(shards) {
		fs.rmSync(this.secrets, { recursive: true, force: true });
		await this.docker.command(path.join(ROOT, 'deploy', 'compose', 'secrets.sh'), [this.secrets]);
		this.watch();
		await this.compose('up', '-d', '--scale', `roomd=${shards}`);
		await this.ready();
		await eventually(() => fetch(`${this.url}/api/ws/test`).then(({ ok }) => ok, () => false), 'the published port to be served', readyMs);
	}

	/** By the way that is documented: the same again, with another number. @param {number} shards */
	async scale(shards) {
		await this.compose('up', '-d', '--no-recreate', '--scale', `roomd=${shards}`);
		await this.ready();
	}

	/** Each container of a service by a new one, one after the other. @param {Service} service */
	roll(service) {
		return this.docker.command(path.join(ROOT, 'deploy', 'compose', 'roll.sh'), [service], this.env);
	}

	/** A new container of the same image, the old one first ended in order. @param {string} service */
	async recreate(service) {
		await this.compose('up', '-d', '--no-deps', '--force-recreate', service);
	}

	/** @param {...string} args @returns {Promise<string>} what mootctl says, by the way that is documented */
	mootctl(...args) {
		return this.compose('run', '--rm', '-T', '--no-deps', 'mootctl', ...args);
	}

	/** @param {string} service @returns {Promise<string[]>} ids */
	async containers(service) {
		return (await this.compose('ps', '-q', service)).split('\n').filter(Boolean);
	}

	async ready() {
		for (const service of /** @type {Service[]} */ (['roomd', 'gateway']))
			for (const id of await this.containers(service))
				await eventually(() => this.isReady(service, id), `${service} ${id.slice(0, 12)} to be ready`, readyMs);
	}

	/** @param {Service} service @param {string} id */
	isReady(service, id) {
		return this.docker.docker('exec', id, `/bin/moot-${service}`, '--ready').then(() => true, () => false);
	}

	/** @param {string} id @param {string} format a Go template */
	async inspect(id, format) {
		return (await this.docker.docker('inspect', '-f', format, id)).trim();
	}

	/** As a crash: Docker's own kill would not have it started again. @param {string} id */
	async crash(id) {
		process.kill(Number(await this.inspect(id, '{{.State.Pid}}')), 'SIGKILL');
	}

	/** Who owns which slot, by container. @returns {Promise<Map<number, string>>} slot -> the first digits of an id */
	async owners() {
		const rows = await this.sql("select slot, split_part(name, '-', 1) as id from slot join member on owner = incarnation where state = 'active'");
		return new Map(rows.map(({ slot, id }) => [Number(slot), String(id)]));
	}

	/** @param {string} text @returns {Promise<Record<string, string|null>[]>} */
	async sql(text) {
		const [id] = await this.containers('postgres');
		return runSqlBy(['docker', 'exec', '-i', '-e', 'PGUSER=moot', '-e', 'PGDATABASE=moot', id], this.docker.env, text);
	}

	/** From now on, how each container ends is kept in `endings`: the daemon itself forgets soon. */
	watch() {
		const watching = spawn('docker', ['events', '--filter', 'event=die', '--format', '{{json .Actor}}'],
			{ env: { ...process.env, ...this.docker.env }, stdio: ['ignore', 'pipe', 'ignore'] });
		readline.createInterface(watching.stdout).on('line', (line) => {
			const { ID: id, Attributes: of } = JSON.parse(line);
			this.endings.push({ service: of['com.docker.compose.service'], id, code: Number(of.exitCode) });
		});
		this.watching = watching;
	}

	/** Of all that are there. @param {string} [lines] of each @returns {Promise<string>} */
	logs(lines = '200') {
		return this.compose('logs', '--no-color', '--tail', lines);
	}

	down() {
		this.watching?.kill();
		return this.compose('--profile', 'monitoring', 'down', '-v', '-t', '5');
	}
}

/** @param {string} name */
function image(name) {
	return `${project}/${name}:latest`;
}
