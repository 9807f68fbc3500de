// The parts of the script that need no browser: node --test tests/browser/unit/
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

const scripts = new URL("../../../crates/pages/assets/js/", import.meta.url);
const load = async (name) => {
  const source = readFileSync(new URL(name, scripts), "utf8");
  // Node takes a .js file outside of a package of modules for CommonJS; the browser is told that it is a module.
  return import(`data:text/javascript;base64,${Buffer.from(source.replace(/from "\.\/(\w+\.js)"/g, (_, file) => `from "${dataUrl(file)}"`)).toString("base64")}`);
};
const dataUrl = (name) => {
  const source = readFileSync(new URL(name, scripts), "utf8").replace(/from "\.\/(\w+\.js)"/g, (_, file) => `from "${dataUrl(file)}"`);
  return `data:text/javascript;base64,${Buffer.from(source).toString("base64")}`;
};

const text = await load("text.js");
const suggest = await load("suggest.js");
const histogram = await load("histogram.js");
const merkle = await load("merkle.js");
const note = await load("note.js");
const live = await load("live.js");
const time = await load("time.js");

test("hostile text is written as the server writes it", () => {
  const vectors = JSON.parse(readFileSync(new URL("../../../crates/pages/tests/text-vectors.json", import.meta.url), "utf8"));
  for (const [raw, expected] of vectors) assert.equal(text.plain(raw), expected);
});

test("completions count characters, not units", () => {
  assert.deepEqual(suggest.complete("🔒 st", { suggestion: "status:", replace_from: 3, replace_to: 5 }), { query: "🔒 status:", cursor: 10 });
  assert.deepEqual(suggest.complete("a st AND b", { suggestion: "status:", replace_from: 3, replace_to: 5 }), { query: "a status: AND b", cursor: 9 });
});

test("a brush goes from bucket to bucket", () => {
  const chart = { first: 1000, seconds: 10, buckets: 10 };
  assert.deepEqual(histogram.between(chart, 0.5, 0.25).map((at) => at.getTime() / 1000), [1020, 1060]);
  assert.deepEqual(histogram.between(chart, 0.999, 1.2).map((at) => at.getTime() / 1000), [1090, 1100]);
});

test("inclusion proofs, against a tree that is made the plain way", async () => {
  const leaves = await Promise.all([...Array(21).keys()].map(async (n) => new Uint8Array(await crypto.subtle.digest("SHA-256", Uint8Array.of(0, n)))));
  const split = (n) => { let k = 1; while (k * 2 < n) k *= 2; return k; };
  const root = async (part) => (part.length === 1 ? part[0] : merkle.nodeHash(await root(part.slice(0, split(part.length))), await root(part.slice(split(part.length)))));
  const path = async (m, part) => {
    if (part.length === 1) return [];
    const k = split(part.length);
    return m < k ? [...await path(m, part.slice(0, k)), await root(part.slice(k))] : [...await path(m - k, part.slice(k)), await root(part.slice(0, k))];
  };
  for (let size = 1; size <= leaves.length; size += 1) {
    const part = leaves.slice(0, size);
    for (let m = 0; m < size; m += 1) {
      const proof = await path(m, part);
      const computed = await merkle.rootOf(leaves[m], BigInt(m), BigInt(size), proof);
      assert.ok(merkle.same(computed, await root(part)), `${m} of ${size}`);
      await assert.rejects(merkle.rootOf(leaves[m], BigInt(m), BigInt(size), [...proof, leaves[0]]), /too long/);
      if (proof.length > 0) await assert.rejects(merkle.rootOf(leaves[m], BigInt(m), BigInt(size), proof.slice(1)), /too short/);
    }
  }
  await assert.rejects(merkle.rootOf(leaves[0], 1n, 1n, []), /not in a tree/);
});

test("proofs are read strictly", () => {
  const hash = Buffer.alloc(32, 1).toString("base64");
  const good = `c2sp.org/tlog-proof@v1\nindex 6\n${hash}\n\nlog\n7\n${hash}\n\n— log ${Buffer.alloc(68, 2).toString("base64")}\n`;
  const proof = note.parseProof(good);
  assert.equal(proof.index, 6n);
  assert.equal(proof.checkpoint.size, 7n);
  assert.equal(proof.checkpoint.signatures[0].id, "02020202");
  for (const [from, to] of [["tlog-proof@v1", "tlog-proof@v2"], ["index 6", "index 06"], ["index 6", "indx 6"], [hash, hash.slice(4)], ["\n7\n", "\n-7\n"], ["— log", "- log"]]) {
    assert.throws(() => note.parseProof(good.replace(from, to)), Error, `${from} → ${to}`);
  }
});

test("keys tell when they were not copied whole", async () => {
  await assert.rejects(note.parseKey("a+00000000+AaqMeU+EWvnk8XDjcHKFAtux6KKWBIRVuJKdlmtdaP67"), /id does not fit/);
  const key = await note.parseKey("pg_auditlog/6b072ef876b85413/16384+8cfe4b26+AaqMeU+EWvnk8XDjcHKFAtux6KKWBIRVuJKdlmtdaP67");
  assert.equal(key.key.length, 32);
});

test("addresses of events and times", () => {
  assert.equal(live.eventHref("a/b ?"), "/events/a%2Fb%20%3F");
  assert.equal(live.eventHref(".."), "/events?id=..");
  assert.equal(time.utc(new Date("2026-03-10T14:30:45.123Z"), "exact"), "2026-03-10 14:30:45.123Z");
});
