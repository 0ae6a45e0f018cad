// SPDX-License-Identifier: Apache-2.0
// What people saw of each thing that is done to the servers while moot-bench loads them: its samples, summed
// up between two looks. A sample covers a second: look a few seconds after the deed, when all is calm again.

const LATENCIES = /** @type {const} */ (['cast', 'event', 'ack']);

/** @typedef {{lost: number, refused: number, worst: Record<'cast'|'event'|'ack', number>}} Seen  `lost`: connections that ended; `worst`: ms */

export class Witness {
	/** People in their rooms, a second ago at most. */
	connections = 0;
	#seen = nothing();

	/** Each line of moot-bench. @param {any} line */
	take(line) {
		if (line.type !== 'sample')
			return;
		this.connections = line.connections;
		this.#seen.lost += line.lost ?? 0;
		this.#seen.refused += line.refused ?? 0;
		for (const name of LATENCIES)
			this.#seen.worst[name] = Math.max(this.#seen.worst[name], (line[`${name}_us`]?.worst ?? 0) / 1_000);
	}

	/** Since the last look. @returns {Seen} */
	look() {
		const seen = this.#seen;
		this.#seen = nothing();
		return seen;
	}
}

/** @param {Seen} seen */
export function describe({ lost, refused, worst }) {
	const times = LATENCIES.map((name) => `${name} ${Math.round(worst[name])} ms`).join(', ');
	return `${lost} connections ended, ${refused} messages refused for now; at worst ${times}`;
}

/** @returns {Seen} */
function nothing() {
	return { lost: 0, refused: 0, worst: { cast: 0, event: 0, ack: 0 } };
}
