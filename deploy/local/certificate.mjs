// SPDX-License-Identifier: Apache-2.0
/**
 * A certificate for this machine alone: signed by itself, for localhost and 127.0.0.1. For `./dev run
 * --tls` and for tests; a browser asks before it goes on.
 */
import { execFile } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

/** @typedef {{certificate: string, key: string}} Pair  two PEM files */

const DAYS = 30;
const DAY_MS = 86_400_000;

/** The pair of this directory, made unless it is there and good for a day. @param {string} dir @returns {Promise<Pair>} */
export async function keepCertificate(dir) {
	const pair = pairOf(dir);
	return lastsADay(pair) ? pair : makeCertificate(dir);
}

/** A new one in place of what is there: both files are complete at any time. @param {string} dir @returns {Promise<Pair>} */
export async function makeCertificate(dir) {
	const pair = pairOf(dir);
	const fresh = { certificate: `${pair.certificate}.new`, key: `${pair.key}.new` };
	fs.mkdirSync(dir, { recursive: true });
	await promisify(execFile)('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
		'-keyout', fresh.key, '-out', fresh.certificate, '-days', String(DAYS), '-subj', '/CN=localhost',
		'-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']).catch((cause) => {
		throw new Error(`openssl made no certificate in ${dir}: ${cause.stderr?.trim() || cause.message}`);
	});
	fs.chmodSync(fresh.key, 0o600);
	fs.renameSync(fresh.key, pair.key);
	fs.renameSync(fresh.certificate, pair.certificate);
	return pair;
}

/** @param {string} dir @returns {Pair} */
function pairOf(dir) {
	return { certificate: path.join(dir, 'certificate.pem'), key: path.join(dir, 'key.pem') };
}

/** @param {Pair} pair */
function lastsADay({ certificate, key }) {
	if (!fs.existsSync(certificate) || !fs.existsSync(key))
		return false;
	const { validTo } = new crypto.X509Certificate(fs.readFileSync(certificate));
	return Date.parse(validTo) > Date.now() + DAY_MS;
}
