// SPDX-License-Identifier: Apache-2.0
// The review page, from the SDK's sources beside it. Written to build/page, from where the gateway serves it.
import { fileURLToPath } from 'node:url';

const at = (/** @type {string} */ name) => fileURLToPath(new URL(name, import.meta.url));

export default {
	base: './',
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
