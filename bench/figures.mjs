// SPDX-License-Identifier: Apache-2.0
// What the tables of `./dev bench` say of a run, and of several runs of the same: medians.

/** @typedef {import('./run.mjs').Result} Result */

/** The latency that a scenario is about: the first of these that was measured in it. */
const MAIN = { reconnect: 'back', storm: 'ready', 'saturate-events': 'event' };

/** @param {number[]} values */
export const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

/** @param {Result} result */
export function figuresOf(result) {
	const main = /** @type {Record<string, string>} */ (MAIN)[result.name] ?? (result.latency_us.cast.count ? 'cast' : 'event');
	const { p50, p99 } = result.latency_us[main];
	const { load, connect, quiet, people } = result;
	return {
		main, p50, p99,
		cpuPerDelivery: load.delivered > 1_000 ? load.servers_cpu_us / load.delivered : NaN,
		cpuPerConnection: connect.opened ? connect.servers_cpu_us / connect.opened : NaN,
		bytesPerConnection: people ? (result.full_bytes - result.empty_bytes) / people : NaN,
		cpuIdle: quiet.ms > 1_000 ? quiet.servers_cpu_us / people / (quiet.ms / 1_000) : NaN,
		found: result.found_delivered || NaN,
	};
}

/** @param {Result[]} results of the same scenario @returns {ReturnType<typeof figuresOf>} */
export function middle(results) {
	const all = results.map(figuresOf);
	const keys = /** @type {(keyof ReturnType<typeof figuresOf>)[]} */ (Object.keys(all[0]));
	return /** @type {any} */ (Object.fromEntries(keys.map((key) =>
		[key, key === 'main' ? all[0].main : median(all.map((one) => Number(one[key])))])));
}

/** What must be 0, and a run's limits. @param {Result[]} results @returns {string} */
export function verdict(results) {
	const flaws = results.flatMap(({ flaws: of }) => Object.entries(of).filter(([, count]) => count > 0));
	if (results.every(({ is_good: isGood }) => isGood))
		return 'good';
	return flaws.length ? flaws.map(([flaw, count]) => `${count} ${flaw}`).join(', ') : 'FAILED';
}

/** @param {number} value @param {string} unit @returns {string} nothing when it was not measured */
export function show(value, unit) {
	if (Number.isNaN(value))
		return '';
	return `${value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : Math.round(value)} ${unit}`;
}
