// The check of an inclusion proof in the page.
"use strict";

import { el, icon, ICONS } from "./dom.js";
import { rootOf, same } from "./merkle.js";
import { hex, isSigned, parseKey, parseProof, unhex } from "./note.js";

const KEPT = "auditlog.vkey";

/** @param {Node} place @param {"ok"|"warn"|"bad"} tone @param {string} title @param {[string, string][]} facts */
function tell(place, tone, title, facts) {
  const symbol = { ok: ICONS.seal, warn: ICONS.warning, bad: ICONS.stop }[tone];
  place.replaceChildren(
    el(`div.notice.${tone}`, {}, icon(symbol), el("div", {}, el("strong", {}, title))),
    el("dl.fields", {}, ...facts.map(([name, text]) => el("div", {}, el("dt", {}, name), el("dd", {}, el("code", {}, text))))),
  );
}

/**
 * @param {HTMLElement} root
 * @param {string} vkey
 */
export async function check(root, vkey) {
  const answer = await fetch(root.dataset.proof, { headers: { Accept: "text/plain" } });
  if (!answer.ok) throw new Error(answer.status === 404 ? "there is no signed checkpoint over this event yet" : `the server says ${answer.status}`);
  const proof = parseProof(await answer.text());
  const { checkpoint } = proof;
  if (proof.index !== BigInt(root.dataset.logIndex)) throw new Error(`the proof is one of place ${proof.index}`);
  const computed = await rootOf(unhex(root.dataset.entryHash), proof.index, checkpoint.size, proof.hashes);
  const facts = [
    ["Place", String(proof.index)], ["Tree", `${checkpoint.size} events`], ["Hashes", String(proof.hashes.length)],
    ["Root", hex(computed)], ["Log", checkpoint.origin], ["Signatures", String(checkpoint.signatures.length)],
  ];
  if (!same(computed, checkpoint.root)) return { tone: "bad", title: "NOT PROVEN: the hashes lead to another root than the checkpoint's.", facts };
  if (vkey === "") return { tone: "ok", title: "The event is in the tree of the checkpoint. Its signature was not checked: no key was given.", facts };
  const signed = await isSigned(checkpoint, await parseKey(vkey));
  if (signed === null) return { tone: "warn", title: "The event is in the tree of the checkpoint. This browser cannot check Ed25519 signatures.", facts };
  if (!signed) return { tone: "bad", title: "NOT PROVEN: your key has not signed this checkpoint.", facts };
  return { tone: "ok", title: "Proven: the event is in the tree of a checkpoint that your key has signed.", facts };
}

/** @param {HTMLElement} root */
function attach(root) {
  const button = root.querySelector("[data-check]");
  const place = root.querySelector("[data-result]");
  const key = root.querySelector("[data-vkey]");
  try {
    key.value = localStorage.getItem(KEPT) ?? "";
  } catch {
    // No storage: the key is given each time.
  }
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      if (!globalThis.crypto?.subtle) throw new Error("the browser hashes only on encrypted connections");
      const { tone, title, facts } = await check(root, key.value.trim());
      tell(place, tone, title, facts);
      if (key.value.trim() !== "" && tone === "ok") localStorage.setItem(KEPT, key.value.trim());
    } catch (error) {
      tell(place, "bad", `Not checked: ${error instanceof Error ? error.message : error}.`, []);
    } finally {
      button.disabled = false;
    }
  });
}

export function start() {
  document.querySelectorAll("[data-proof]").forEach(attach);
}
