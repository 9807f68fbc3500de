// The live view: events as they come, a pause in which they are counted, and never more than so many rows.
"use strict";

import { el, icon, ICONS, isWriting } from "./dom.js";
import { plain, value } from "./text.js";
import { show } from "./time.js";

/** So many events are kept for after a pause; with more the oldest of them go, and the search has them. */
const KEPT = 2000;

const SEVERITIES = { critical: ["bad", ICONS.stop], error: ["bad", ICONS.cross], warning: ["warn", ICONS.warning], notice: ["info", ICONS.info] };
const OUTCOMES = {
  success: ["ok", ICONS.check], succeeded: ["ok", ICONS.check], ok: ["ok", ICONS.check], allowed: ["ok", ICONS.check], completed: ["ok", ICONS.check],
  failed: ["bad", ICONS.cross], failure: ["bad", ICONS.cross], error: ["bad", ICONS.cross],
  denied: ["warn", ICONS.exclude], refused: ["warn", ICONS.exclude], blocked: ["warn", ICONS.exclude], rejected: ["warn", ICONS.exclude],
};

/** The page of an event; as src/url.rs has it. @param {string} id */
export function eventHref(id) {
  if (id === "" || id === "." || id === "..") return `/events?id=${encodeURIComponent(id)}`;
  return `/events/${encodeURIComponent(id)}`;
}

/** @param {Record<string, [string, string]>} table @param {string} word @param {number} most */
function sign(table, word, most) {
  const [tone, path] = Object.hasOwn(table, word.toLowerCase()) ? table[word.toLowerCase()] : ["neutral", ICONS.dot];
  return el(`span.sev.${tone}${word === "critical" ? ".loud" : ""}`, {}, icon(path), el("span", {}, value(word, most)));
}

const none = () => el("span.none", {}, "–");

/** The operation beside the type, where it says more. @param {Record<string, any>} event */
function operation(event) {
  const name = event.action?.operation;
  return name && !String(event.event_type).endsWith(name) ? [" ", el("span.kind", {}, value(name, 24))] : [];
}

/** A row as src/components/events.rs makes it. @param {Record<string, any>} event */
function row(event) {
  const id = String(event.event_id ?? "");
  const time = el("time.t", { datetime: String(event.timestamp), "data-form": "full" }, String(event.timestamp));
  show(time);
  const actor = event.actor?.email ?? event.actor?.id;
  const kind = event.actor?.type && event.actor.type !== "user" ? [" ", el("span.kind", {}, value(event.actor.type, 16))] : [];
  const resource = event.resource ?? {};
  const grave = event.severity === "critical" || event.severity === "error";
  return el(`tr.event.fresh${grave ? ".grave" : ""}`, {},
    el("td.c-mark", {}, el("span.mark.sealed", { title: "sealed, not verified yet" }, icon(ICONS.seal), el("span.unseen", {}, "sealed, not verified yet"))),
    el("td.c-time", {}, el("a.open", { href: eventHref(id) }, time)),
    el("td.c-severity", {}, sign(SEVERITIES, String(event.severity ?? ""), 16)),
    el("td.c-type", {}, value(event.event_type ?? "", 48), ...operation(event)),
    el("td.c-status", {}, event.action?.status ? sign(OUTCOMES, String(event.action.status), 24) : none()),
    el("td.c-actor", {}, ...(actor ? [value(actor, 40), ...kind] : [el("span.none", {}, "nobody named")])),
    el("td.c-resource", {}, resource.id ? el("code", {}, value(resource.id, 40)) : null, resource.type ? " " : null,
      resource.type ? el("span.kind", {}, value(resource.type, 24)) : null, resource.id || resource.type ? null : none()),
  );
}

/** @param {HTMLElement} root */
function attach(root) {
  const body = root.querySelector("tbody");
  const pause = root.querySelector("[data-pause]");
  const showNew = root.querySelector("[data-show-new]");
  const news = root.querySelector("[data-live-news]");
  const empty = root.querySelector("[data-live-empty]");
  const state = document.querySelector("[data-live-state]");
  const most = Number(root.dataset.rowsAtMost);
  let position = root.dataset.position === undefined ? -1 : Number(root.dataset.position);
  let paused = false;
  let waiting = [];
  let lost = 0;
  let queued = false;

  const say = (kind, words) => {
    state.className = `live-state ${kind}`;
    state.replaceChildren(el("span.dot", { "aria-hidden": "true" }), words);
  };
  const count = () => {
    const n = waiting.length + lost;
    showNew.hidden = n === 0 || !paused;
    showNew.textContent = `Show ${n.toLocaleString("en")} new`;
  };
  const flush = () => {
    queued = false;
    if (paused) return count();
    const events = waiting;
    waiting = [];
    // Of many at once only the last ones would stay anyway.
    const rows = events.slice(-most).map(row).reverse();
    const scroller = root.querySelector(".scroll");
    const atTop = scroller.getBoundingClientRect().top > 0 || window.scrollY < 200;
    const height = document.documentElement.scrollHeight;
    body.prepend(...rows);
    while (body.childElementCount > most) body.lastElementChild.remove();
    empty.hidden = body.childElementCount > 0;
    // Who reads further down keeps the place.
    if (!atTop) window.scrollBy(0, document.documentElement.scrollHeight - height);
    if (lost > 0) {
      news.textContent = `${lost} older events are left out here; the search has them.`;
      lost = 0;
    }
    count();
  };
  const setPaused = (value) => {
    paused = value;
    pause.setAttribute("aria-pressed", String(paused));
    pause.replaceChildren(icon(paused ? ICONS.play : ICONS.pause), el("span", {}, paused ? "Resume" : "Pause"));
    if (paused) say("", "Paused");
    else {
      const n = waiting.length + lost;
      if (n > 0) news.textContent = `${n} new events`;
      say("on", "Live");
      flush();
    }
  };

  const source = new EventSource(root.dataset.live);
  source.onopen = () => { if (!paused) say("on", "Live"); };
  source.onerror = () => say("broken", source.readyState === EventSource.CLOSED ? "The stream has ended: load the page again" : "Interrupted: connecting again");
  source.addEventListener("audit", (message) => {
    let event;
    try {
      event = JSON.parse(message.data);
    } catch {
      return;
    }
    // The stream begins again behind Last-Event-ID; whatever comes twice is passed over.
    const index = Number(message.lastEventId || event.auditlog?.log_index);
    if (index <= position) return;
    position = index;
    waiting.push(event);
    if (waiting.length > KEPT) {
      waiting.shift();
      lost += 1;
    }
    if (!queued) {
      queued = true;
      setTimeout(flush, 100);
    }
  });
  source.addEventListener("problem", (message) => {
    source.close();
    try {
      const { title, detail } = JSON.parse(message.data);
      say("broken", `The stream has ended: ${plain(detail ?? title ?? "")}`);
    } catch {
      say("broken", "The stream has ended: load the page again");
    }
  });
  source.addEventListener("skipped", (message) => {
    try {
      const { skipped } = JSON.parse(message.data);
      say("broken", `${plain(String(skipped))} events were skipped, because they came too fast; the search has them`);
    } catch {
      // Nothing that could be said.
    }
  });

  say("", "Connecting …");
  pause.addEventListener("click", () => setPaused(!paused));
  showNew.addEventListener("click", () => setPaused(false));
  document.addEventListener("keydown", (event) => {
    if (event.key === "p" && !event.ctrlKey && !event.altKey && !event.metaKey && !isWriting(event.target)) setPaused(!paused);
  });
  window.addEventListener("pagehide", () => source.close());
}

export function start() {
  const root = document.querySelector("[data-live]");
  if (root instanceof HTMLElement) attach(root);
}
