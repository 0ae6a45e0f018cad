// SPDX-License-Identifier: Apache-2.0
/**
 * A private PostgreSQL server: a directory, a port on 127.0.0.1, two roles with generated passwords
 * (`moot` owns everything, `moot_app` is what the processes use). PostgreSQL refuses to run as root, so
 * root lends it the system user that Debian's package made. Knows migrations, nothing of the cluster.
 */
import { execFile, spawn, spawnSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePorts, portIsFree } from './ports.mjs';
import { Process } from './process.mjs';

const run = promisify(execFile);
const OWNER = 'moot';
const APP = 'moot_app';
const DATABASE = 'moot';
const SOCKET_PATH_MAX = 90; // the kernel's limit is 107, the server adds "/.s.PGSQL.12345"

/** @typedef {import('./certificate.mjs').Pair} Pair */
/** @typedef {{port: number, owner: string, app: string}} Secrets  port and the two passwords */

export class Postgres {
	/**
	 * @param {string} dir       holds everything of this server
	 * @param {string} log
	 * @param {Secrets} secrets
	 * @param {boolean} durable  false: fsync off, for tests that throw it away
	 * @param {Pair} [tls]       speak TLS, too, with this
	 */
	constructor(dir, log, secrets, durable, tls) {
		this.dir = dir;
		this.port = secrets.port;
		this.secrets = secrets;
		const data = path.join(dir, 'data');
		const socket = path.join(dir, 'socket');
		const set = {
			listen_addresses: '127.0.0.1',
			port: String(secrets.port),
			unix_socket_directories: socket.length < SOCKET_PATH_MAX ? socket : '',
			fsync: durable ? 'on' : 'off',
			max_connections: '100',
			shared_buffers: '32MB',
			log_line_prefix: '%m [%p] ',
			...(tls && { ssl: 'on', ssl_cert_file: tls.certificate, ssl_key_file: tls.key }),
		};
		this.process = new Process({
			name: 'postgres',
			kind: 'postgres',
			command: [path.join(binaries(), 'postgres'), '-D', data,
				...Object.entries(set).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
			log,
			user: systemUser(),
			orphanSignal: 'INT',
			ports: { sql: secrets.port },
		});
	}

	/**
	 * The server of this directory, made if there is none yet; not started.
	 * @param {{dir: string, log: string, durable?: boolean, tls?: Pair}} where
	 */
	static async open({ dir, log, durable = true, tls }) {
		const kept = path.join(dir, 'secrets.json');
		if (!fs.existsSync(kept)) {
			makeReachable(dir);
			const [port] = await freePorts(1);
			const secrets = { port, owner: password(), app: password() };
			await createDirectory(fs.realpathSync(dir), secrets);
			fs.writeFileSync(kept, JSON.stringify(secrets), { mode: 0o600 });
		}
		const own = tls && await lend(tls, fs.realpathSync(dir));
		return new Postgres(fs.realpathSync(dir), log, JSON.parse(fs.readFileSync(kept, 'utf8')), durable, own);
	}

	/** @param {'owner'|'app'} [role] @returns {string} for libpq */
	url(role = 'owner') {
		const user = role === 'owner' ? OWNER : APP;
		return `postgresql://${user}:${this.secrets[role]}@127.0.0.1:${this.port}/${DATABASE}`;
	}

	/** Start and wait until it answers. What an earlier run left behind is cleared away first. */
	async start() {
		await this.#clearLeftovers();
		if (!(await portIsFree(this.port)))
			throw new Error(`port ${this.port} of the private PostgreSQL is taken by another program; end that program or run ./dev clean`);
		await this.process.start();
		await this.#answers();
	}

	/** Fast shutdown: connections are cut, everything committed stays. */
	stop() {
		return this.process.stop({ signal: 'INT', againMs: 5000, graceMs: 10000 });
	}

	/**
	 * Run statements; the rows of the last one that gives rows. Values are text, or null.
	 * @param {string} text @param {'owner'|'app'} [role]
	 * @returns {Promise<Record<string, string|null>[]>}
	 */
	async sql(text, role = 'owner') {
		return runSql(this.url(role), text);
	}

	/**
	 * Apply the migrations that are missing, in the order of their names, each in one transaction.
	 * @param {string} dir @returns {Promise<string[]>} the names applied now
	 */
	async migrate(dir) {
		await this.#createRoleAndDatabase();
		const done = await this.sql(`create table if not exists schema_migration (
			name text primary key, applied_at timestamptz not null default now());
			select name from schema_migration`);
		const known = new Set(done.map((row) => row.name));
		const files = fs.readdirSync(dir).filter((name) => name.endsWith('.sql')).sort();
		const missing = files.filter((name) => !known.has(name));
		for (const name of missing) {
			const body = fs.readFileSync(path.join(dir, name), 'utf8');
			const record = `insert into schema_migration (name) values ('${name}')`;
			await psql(this.url(), `begin;\n${body}\n;${record};\ncommit;`).catch((cause) => {
				throw new Error(`migration ${name} failed and was rolled back: ${cause.message}`);
			});
		}
		return missing;
	}

	/** The application's role exists before the migrations: they grant to it. */
	async #createRoleAndDatabase() {
		const admin = this.url().replace(/[^/]*$/, 'postgres');
		const [found] = parseCsv(await psql(admin, `select
			(select count(*) from pg_roles where rolname = '${APP}') as role,
			(select count(*) from pg_database where datname = '${DATABASE}') as database`));
		if (found.role === '0')
			await psql(admin, `create role ${APP} login password '${this.secrets.app}'`);
		if (found.database === '0')
			await psql(admin, `create database ${DATABASE}`);
	}

	async #answers() {
		const deadline = Date.now() + 30000;
		const ask = path.join(binaries(), 'pg_isready');
		for (;;) {
			if (!this.process.isRunning)
				throw new Error(`PostgreSQL did not start: ${this.process.lastWords()}`);
			const asked = await run(ask, ['-q', '-h', '127.0.0.1', '-p', String(this.port)]).catch((e) => e);
			if (!asked.code)
				return;
			if (Date.now() > deadline)
				throw new Error(`PostgreSQL did not answer within 30 s: ${this.process.lastWords()}`);
			await sleep(20);
		}
	}

	/** A postmaster.pid of a killed or rebooted run; a server of this directory that lost its parent. */
	async #clearLeftovers() {
		const file = path.join(this.dir, 'data', 'postmaster.pid');
		if (!fs.existsSync(file))
			return;
		const pid = Number(fs.readFileSync(file, 'utf8').split('\n')[0]);
		if (isServerOf(pid, path.join(this.dir, 'data'))) {
			process.kill(pid, 'SIGINT');
			for (let i = 0; i < 200 && isServerOf(pid, path.join(this.dir, 'data')); i++)
				await sleep(50);
		} else {
			fs.rmSync(file, { force: true });
		}
	}
}

/** A pid may belong to another program by now: only a server working in this directory counts. */
/** @param {number} pid @param {string} data */
function isServerOf(pid, data) {
	try {
		return fs.readlinkSync(`/proc/${pid}/cwd`) === fs.realpathSync(data);
	} catch {
		return false;
	}
}

/**
 * An empty directory that the server's user can get to: below a home that is closed to others, `dir` is
 * a symbolic link to one elsewhere.
 * @param {string} dir
 */
function makeReachable(dir) {
	fs.rmSync(dir, { recursive: true, force: true });
	fs.mkdirSync(dir, { recursive: true });
	const user = systemUser();
	if (!user || spawnSync('setpriv', [...runAs(user), '--', 'test', '-x', dir], { cwd: '/' }).status === 0)
		return;
	const name = crypto.createHash('sha256').update(dir).digest('hex').slice(0, 12);
	const elsewhere = path.join('/var/lib/moothall', name);
	fs.rmSync(elsewhere, { recursive: true, force: true });
	fs.mkdirSync(elsewhere, { recursive: true });
	fs.rmdirSync(dir);
	fs.symlinkSync(elsewhere, dir);
}

/** Remove all of it, also what a symbolic link of `makeReachable` leads to. @param {string} dir */
export function removeServer(dir) {
	if (fs.existsSync(dir))
		fs.rmSync(fs.realpathSync(dir), { recursive: true, force: true });
	fs.rmSync(dir, { recursive: true, force: true });
}

/** @param {string} user */
function runAs(user) {
	return [`--reuid=${user}`, `--regid=${user}`, '--init-groups'];
}

/** @param {string} dir @param {Secrets} secrets */
async function createDirectory(dir, secrets) {
	const user = systemUser();
	fs.mkdirSync(path.join(dir, 'socket'), { recursive: true, mode: 0o755 });
	const owners = [dir, path.join(dir, 'socket')];
	const pwfile = path.join(dir, 'password');
	fs.writeFileSync(pwfile, `${secrets.owner}\n`, { mode: 0o600 });
	if (user)
		await run('chown', [user, ...owners, pwfile]);
	const as = user ? runAs(user) : [];
	try {
		await run('setpriv', [...as, '--', path.join(binaries(), 'initdb'), '-D', path.join(dir, 'data'),
			'--username', OWNER, '--pwfile', pwfile, '--auth', 'scram-sha-256', '--encoding', 'UTF8',
			'--locale', 'C.UTF-8', '--no-sync', '--no-instructions'], { cwd: '/' });
	} catch (cause) {
		throw new Error(`initdb failed in ${dir}${user ? ` as user ${user}` : ''}: ${/** @type {any} */ (cause).stderr?.trim()}`);
	} finally {
		fs.rmSync(pwfile, { force: true });
	}
}

/** A copy that is the server's: it takes no key that others may read. @param {Pair} pair @param {string} dir @returns {Promise<Pair>} */
async function lend(pair, dir) {
	const own = { certificate: path.join(dir, 'certificate.pem'), key: path.join(dir, 'key.pem') };
	const user = systemUser();
	for (const what of /** @type {const} */ (['certificate', 'key'])) {
		fs.copyFileSync(pair[what], own[what]);
		fs.chmodSync(own[what], 0o600);
		if (user)
			await run('chown', [user, own[what]]);
	}
	return own;
}

/** The user that runs the server: nobody special, unless we are root. @returns {string|undefined} */
export function systemUser() {
	return process.getuid?.() === 0 ? 'postgres' : undefined;
}

/** Debian keeps the server's programs out of PATH, one directory for each major version. */
function binaries() {
	const root = '/usr/lib/postgresql';
	const versions = fs.existsSync(root) ? fs.readdirSync(root).map(Number).filter(Boolean) : [];
	if (versions.length === 0)
		throw new Error('no PostgreSQL server is installed; install the Debian package postgresql-15');
	return path.join(root, String(Math.max(...versions)), 'bin');
}

function password() {
	return crypto.randomBytes(18).toString('hex');
}

/** The same for libpq's environment: a password in an argument is shown by `ps`. @param {string} url */
export function clientEnv(url) {
	const { hostname, port, username, password: secret, pathname } = new URL(url);
	return { PGHOST: hostname, PGPORT: port, PGUSER: username, PGPASSWORD: secret, PGDATABASE: pathname.slice(1) };
}

const PSQL = ['psql', '-X', '-q', '--csv', '-v', 'ON_ERROR_STOP=1', '-P', 'null=\\N'];

/** @param {string} url @param {string} input @returns {Promise<string>} rows as CSV with a heading */
function psql(url, input) {
	return feed(PSQL, { ...clientEnv(url), PGOPTIONS: '-c client_min_messages=warning' }, input);
}

/** @param {string[]} command @param {Record<string, string>} env beside ours @param {string} input @returns {Promise<string>} */
function feed([program, ...args], env, input) {
	return new Promise((resolve, reject) => {
		const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...env } });
		let out = '';
		let err = '';
		child.stdout.setEncoding('utf8').on('data', (text) => (out += text));
		child.stderr.setEncoding('utf8').on('data', (text) => (err += text));
		child.on('error', reject);
		child.on('close', (code) => (code === 0 ? resolve(out) : reject(new Error(err.trim() || `psql: exit code ${code}`))));
		child.stdin.on('error', () => {}); // psql ended early: its exit code tells
		child.stdin.end(input);
	});
}

/** Statements for the server at this URL, as `Postgres.sql`. @param {string} url @param {string} text */
export async function runSql(url, text) {
	return parseCsv(await psql(url, text));
}

/** The same with the psql of another place, which this command leads to. @param {string[]} way @param {Record<string, string>} env @param {string} text */
export async function runSqlBy(way, env, text) {
	return parseCsv(await feed([...way, ...PSQL], env, text));
}

/** @param {string} text @returns {Record<string, string|null>[]} */
function parseCsv(text) {
	const lines = [...text.matchAll(/((?:"(?:[^"]|"")*"|[^\n"])*)\n/g)].map((match) => match[1]);
	const [heading, ...rows] = lines.map((line) =>
		[...`${line},`.matchAll(/("(?:[^"]|"")*"|[^,]*),/g)].map(([, field]) =>
			field === '\\N' ? null : field.replace(/^"|"$/g, '').replaceAll('""', '"')));
	return rows.map((row) => Object.fromEntries(row.map((value, i) => [heading[i] ?? i, value])));
}
