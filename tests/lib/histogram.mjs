// SPDX-License-Identifier: Apache-2.0
// How long things took: constant memory, percentiles within 5 %, the worst exactly.

const growth = Math.log(1.05);
const smallest = 0.01; // ms

export class Histogram {
	/** @type {number[]} */ #buckets = [];
	count = 0;
	max = 0;

	/** @param {number} ms */
	add(ms) {
		const bucket = ms <= smallest ? 0 : Math.ceil(Math.log(ms / smallest) / growth);
		this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + 1;
		this.count++;
		this.max = Math.max(this.max, ms);
	}

	/** All of them as one. @param {Histogram[]} several @returns {Histogram} */
	static sum(several) {
		const total = new Histogram();
		for (const each of several) {
			for (const [bucket, count = 0] of each.#buckets.entries())
				total.#buckets[bucket] = (total.#buckets[bucket] ?? 0) + count;
			total.count += each.count;
			total.max = Math.max(total.max, each.max);
		}
		return total;
	}

	/** Of all, the part `p` took no longer than this. @param {number} p 0.99 @returns {number} ms; 0 when empty */
	at(p) {
		let left = Math.ceil(p * this.count);
		for (const [bucket, count = 0] of this.#buckets.entries()) {
			left -= count;
			if (left <= 0)
				return Math.min(this.max, smallest * Math.exp(bucket * growth));
		}
		return this.max;
	}
}
