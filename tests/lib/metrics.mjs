// SPDX-License-Identifier: Apache-2.0
// What processes say of themselves at /metrics.

import { request } from './http.mjs';

/** The sum over these processes. @param {string} name  of a metric: all its series; or with `{labels}`: that one @param {string[]} urls */
export async function metric(name, ...urls) {
	const texts = await Promise.all(urls.map((url) => request(`${url}/metrics`)));
	const series = name.includes('{') ? name.replace(/[{}]/g, '\\$&') : `${name}(?:\\{.*\\})?`;
	const lines = new RegExp(`^${series} (\\S+)$`, 'gm');
	return texts.reduce((sum, { body }) => {
		const values = [...body.matchAll(lines)].map(([, value]) => Number(value));
		if (values.length === 0)
			throw new Error(`${name} is not among the metrics`);
		return values.reduce((so, one) => so + one, sum);
	}, 0);
}
