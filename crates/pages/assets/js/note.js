// Proofs and signed checkpoints as text: c2sp.org/tlog-proof, tlog-checkpoint, signed-note.
"use strict";

/** @param {string} text @returns {Uint8Array} */
export function unbase64(text) {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 !== 0) throw new Error("not base64");
  const data = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  if (btoa(String.fromCharCode(...data)) !== text) throw new Error("not base64 as it is written");
  return data;
}

/** @param {string} text @returns {Uint8Array} */
export function unhex(text) {
  if (!/^([0-9a-f]{2})*$/.test(text)) throw new Error("not hexadecimal");
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** @param {Uint8Array} data */
export function hex(data) {
  return [...data].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @param {string} text */
function hash(text) {
  const data = unbase64(text);
  if (data.length !== 32) throw new Error("a hash has 32 bytes");
  return data;
}

/** @param {string} text */
function number(text) {
  if (!/^(0|[1-9][0-9]{0,18})$/.test(text)) throw new Error(`«${text}» is no number`);
  return BigInt(text);
}

/**
 * @param {string} text a file of c2sp.org/tlog-proof
 * @returns {{index: bigint, hashes: Uint8Array[], checkpoint: ReturnType<typeof parseCheckpoint>}}
 */
export function parseProof(text) {
  const gap = text.indexOf("\n\n");
  if (gap < 0) throw new Error("there is no checkpoint behind the proof");
  const lines = text.slice(0, gap).split("\n");
  if (lines.shift() !== "c2sp.org/tlog-proof@v1") throw new Error("the first line is not that of a proof");
  if (lines[0]?.startsWith("extra ")) lines.shift();
  const index = lines.shift() ?? "";
  if (!index.startsWith("index ")) throw new Error("there is no line with the place");
  if (lines.length > 63) throw new Error("the proof has more than 63 hashes");
  return { index: number(index.slice(6)), hashes: lines.map(hash), checkpoint: parseCheckpoint(text.slice(gap + 2)) };
}

/**
 * @param {string} note a signed note with a checkpoint
 */
export function parseCheckpoint(note) {
  const gap = note.indexOf("\n\n");
  if (gap < 0) throw new Error("the checkpoint has no signatures");
  const text = note.slice(0, gap + 1);
  const [origin, size, root] = text.split("\n");
  const signatures = note.slice(gap + 2).split("\n").filter((line) => line !== "").map((line) => {
    const match = /^— (\S+) (\S+)$/.exec(line);
    if (!match) throw new Error("a line of the signatures is none");
    const data = unbase64(match[2]);
    return { name: match[1], id: hex(data.slice(0, 4)), signature: data.slice(4) };
  });
  return { text, origin, size: number(size ?? ""), root: hash(root ?? ""), signatures };
}

/**
 * A public key as C2SP writes it: name+id+base64.
 * @param {string} text
 */
export async function parseKey(text) {
  const match = /^([^+\s]+)\+([0-9a-f]{8})\+(\S+)$/.exec(text.trim());
  if (!match) throw new Error("a key is written as name+id+base64");
  const [, name, id, encoded] = match;
  const data = unbase64(encoded);
  if (data.length !== 33 || data[0] !== 1) throw new Error("the key is none of Ed25519");
  const named = new TextEncoder().encode(`${name}\n`);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", Uint8Array.from([...named, ...data])));
  if (hex(digest.slice(0, 4)) !== id) throw new Error("the key's id does not fit: it was not copied as a whole");
  return { name, id, key: data.slice(1) };
}

/**
 * Is the checkpoint signed by this key? Null when the browser cannot tell.
 * @param {ReturnType<typeof parseCheckpoint>} checkpoint
 * @param {{name: string, id: string, key: Uint8Array}} key
 */
export async function isSigned(checkpoint, key) {
  const signature = checkpoint.signatures.find((one) => one.name === key.name && one.id === key.id);
  if (!signature || checkpoint.origin !== key.name) return false;
  let imported;
  try {
    imported = await crypto.subtle.importKey("raw", key.key, { name: "Ed25519" }, false, ["verify"]);
  } catch {
    return null;
  }
  return crypto.subtle.verify({ name: "Ed25519" }, imported, signature.signature, new TextEncoder().encode(checkpoint.text));
}
