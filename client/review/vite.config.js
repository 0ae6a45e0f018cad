// SPDX-License-Identifier: Apache-2.0
// The review page, from the SDK's sources beside it. Written to build/page, from where the gateway serves it.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const at = (/** @type {string} */ name) => fileURLToPath(new URL(name, import.meta.url));

/** Beside each file that gzip makes smaller, that: the gateway gives it to whoever takes it. */
const gzipped = {
	name: 'gzipped',
	/** @param {{dir: string}} to @param {Record<string, unknown>} files */
	writeBundle({ dir }, files) {
		for (const name of Object.keys(files)) {
			const file = path.join(dir, name);
			const whole = fs.readFileSync(file);
			const short = gzipSync(whole, { level: 9 });
			if (short.length < whole.length * 0.9)
				fs.writeFileSync(`${file}.gz`, short);
		}
	},
};

export default {
	base: './',
	plugins: [gzipped],
	esbuild: { jsx: 'automatic' },
	resolve: {
		alias: [
			{ find: /^moothall\/react$/, replacement: at('../src/react.js') },
			{ find: /^moothall$/, replacement: at('../src/index.js') },
		],
		dedupe: ['react', 'react-dom'], // the SDK's, too
	},
	build: { outDir: at('../../build/page'), emptyOutDir: true, target: 'es2022', reportCompressedSize: false },
};
