// SPDX-License-Identifier: Apache-2.0
// Which slot a room is in, computed apart from the product: XXH3 (64 bit, seed 0) for keys of 17 to 32
// bytes, which is all that the tests' room names need. Checked against the product by the tests that
// rely on it (a room lands on the shard that this file says).

const mask = (1n << 64n) - 1n;
const secret = Buffer.from('b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671f', 'hex');

export const SLOTS = 4096;

/** @param {Buffer} bytes @param {number} at @param {number} key where in the secret */
function mix(bytes, at, key) {
	const product = (bytes.readBigUInt64LE(at) ^ secret.readBigUInt64LE(key))
		* (bytes.readBigUInt64LE(at + 8) ^ secret.readBigUInt64LE(key + 8));
	return (product & mask) ^ (product >> 64n);
}

/** @param {string} roomKey `submission:` or `document:` and an id; 17 to 32 bytes together */
export function slotOf(roomKey) {
	const bytes = Buffer.from(roomKey);
	if (bytes.length < 17 || bytes.length > 32)
		throw new RangeError(`${roomKey}: only keys of 17 to 32 bytes`);
	let hash = BigInt(bytes.length) * 0x9e3779b185ebca87n;
	hash = (hash + mix(bytes, 0, 0) + mix(bytes, bytes.length - 16, 16)) & mask;
	hash ^= hash >> 37n;
	hash = (hash * 0x165667919e3779f9n) & mask;
	hash ^= hash >> 32n;
	return Number(hash % BigInt(SLOTS));
}
