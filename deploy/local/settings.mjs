// SPDX-License-Identifier: Apache-2.0
/**
 * How a process of a local cluster is told what to do: the MOOT_* variables of gateway/options.def and
 * roomd/options.def, and where a build puts its programs. The one place to change when an option does.
 */
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The top of the source tree. */
export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

/** Where `./dev run` keeps its state and its logs. */
export const VAR = path.resolve(process.env.MOOT_VAR ?? path.join(ROOT, 'var'));

/** Where the review page is built. */
export const PAGE = path.join(ROOT, 'build', 'page');

/** What `./dev run` runs; a build named by the caller is taken as it is. */
export const RUN_BUILD = process.env.MOOT_BUILD ?? 'release';

export const HOST = '127.0.0.1';

/** @param {string} build 'release', 'debug', 'clang', or a build directory @returns {string} */
export function buildDirectory(build) {
	return build.includes('/') ? path.resolve(build) : path.join(ROOT, 'build', build);
}

/** @param {string} build */
export function programs(build) {
	const dir = buildDirectory(build);
	return {
		gateway: path.join(dir, 'gateway', 'moot-gateway'),
		shard: path.join(dir, 'roomd', 'moot-roomd'),
	};
}

/** @param {string} build */
export function mootctl(build) {
	return path.join(buildDirectory(build), 'deploy', 'ctl', 'mootctl');
}

/**
 * @param {{name: string, databaseUrl: string, publicPort: number, ownPort: number, internalPort: number,
 *   tls?: import('./certificate.mjs').Pair & {port: number, ownPort: number}}} gateway
 * @returns {Record<string, string>}
 */
export function gatewaySettings({ name, databaseUrl, publicPort, ownPort, internalPort, tls }) {
	return {
		MOOT_NODE_NAME: name,
		MOOT_DATABASE_URL: databaseUrl,
		MOOT_PUBLIC_HOST: HOST,
		MOOT_PUBLIC_PORT: String(publicPort),
		MOOT_PUBLIC_OWN_PORT: String(ownPort),
		MOOT_INTERNAL_HOST: HOST,
		MOOT_INTERNAL_PORT: String(internalPort),
		MOOT_PAGE_DIR: PAGE,
		MOOT_PAGE_TEST_DIR: path.join(ROOT, 'client', 'demo'),
		...(tls && {
			MOOT_TLS_PORT: String(tls.port),
			MOOT_TLS_OWN_PORT: String(tls.ownPort),
			MOOT_TLS_CERTIFICATE: tls.certificate,
			MOOT_TLS_KEY: tls.key,
		}),
	};
}

/**
 * @param {{name: string, databaseUrl: string, busPort: number, internalPort: number}} shard
 * @returns {Record<string, string>}
 */
export function shardSettings({ name, databaseUrl, busPort, internalPort }) {
	return {
		MOOT_NODE_NAME: name,
		MOOT_DATABASE_URL: databaseUrl,
		MOOT_BUS_HOST: HOST,
		MOOT_BUS_PORT: String(busPort),
		MOOT_INTERNAL_HOST: HOST,
		MOOT_INTERNAL_PORT: String(internalPort),
	};
}

/** A sanitizer must end the process with a code of its own, after a full report in its log. */
export const SANITIZER_SETTINGS = {
	ASAN_OPTIONS: 'detect_leaks=1:exitcode=99:strict_string_checks=1:detect_stack_use_after_return=1',
	UBSAN_OPTIONS: 'print_stacktrace=1:halt_on_error=1:exitcode=99',
	LSAN_OPTIONS: 'report_objects=1',
};
