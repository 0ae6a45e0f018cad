// SPDX-License-Identifier: Apache-2.0
/**
 * What TLS at the gateway costs (docs/performance.md): so many idle connections with and without it, what
 * the gateway and the kernel keep for each, and the processor time of a handshake and of a delivery.
 *
 *   ./dev bench tls [--connections N] [--members N]
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { makeCertificate } from '../deploy/local/certificate.mjs';
import { packages } from '../tests/steps.mjs';

const { values } = parseArgs({ options: { connections: { type: 'string', default: '4000' }, members: { type: 'string', default: '200' } } });
await packages();
const { TlsCost } = await import('../tests/lib/tls_cost.mjs');
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'moothall-bench-tls-'));
try {
	const pair = await makeCertificate(dir);
	console.log('| | gateway, bytes per connection | kernel, bytes per connection | CPU to connect | CPU per delivery |\n|---|---|---|---|---|');
	for (const secure of [false, true]) {
		const cost = await TlsCost.measure({ secure, pair, connections: Number(values.connections), members: Number(values.members) }, (text) => console.error(text));
		console.log(`| ${secure ? 'TLS' : 'plain'} | ${cost.bytes.toFixed(0)} | ${cost.kernelBytes.toFixed(0)} | ${cost.connectUs.toFixed(0)} us | ${cost.deliveryUs.toFixed(1)} us |`);
	}
} finally {
	fs.rmSync(dir, { recursive: true, force: true });
}
