// The Merkle tree of RFC 6962: hashes of nodes, and the check that a leaf is in a tree (RFC 9162 §2.1.3.2). Sizes are BigInt.
"use strict";

/** @param {Uint8Array} data @returns {Promise<Uint8Array>} */
async function sha256(data) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", data));
}

/** SHA-256(0x01 ‖ left ‖ right). @param {Uint8Array} left @param {Uint8Array} right */
export function nodeHash(left, right) {
  const node = new Uint8Array(65);
  node[0] = 1;
  node.set(left, 1);
  node.set(right, 33);
  return sha256(node);
}

/** @param {Uint8Array} a @param {Uint8Array} b */
export function same(a, b) {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/**
 * The root to which a proof leads. Throws when the proof is too short or too long for the place and size.
 * @param {Uint8Array} leaf 32 bytes
 * @param {bigint} index
 * @param {bigint} size
 * @param {Uint8Array[]} proof
 * @returns {Promise<Uint8Array>}
 */
export async function rootOf(leaf, index, size, proof) {
  if (index < 0n || index >= size) throw new Error(`place ${index} is not in a tree of ${size}`);
  let node = index;
  let last = size - 1n;
  let hash = leaf;
  for (const sibling of proof) {
    if (last === 0n) throw new Error("the proof is too long");
    if ((node & 1n) === 1n || node === last) {
      hash = await nodeHash(sibling, hash);
      while ((node & 1n) === 0n && node !== 0n) {
        node >>= 1n;
        last >>= 1n;
      }
    } else hash = await nodeHash(hash, sibling);
    node >>= 1n;
    last >>= 1n;
  }
  if (last !== 0n) throw new Error("the proof is too short");
  return hash;
}
