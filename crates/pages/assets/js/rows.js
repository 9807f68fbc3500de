// Tables of events: rows unfold, and are gone through by keys.
"use strict";

import { isWriting } from "./dom.js";

/** @param {HTMLButtonElement} button @param {boolean} [open] */
function fold(button, open = button.getAttribute("aria-expanded") !== "true") {
  button.setAttribute("aria-expanded", String(open));
  const more = document.getElementById(button.getAttribute("aria-controls"));
  if (more) more.hidden = !open;
}

/** @param {number} step @param {HTMLTableElement} table */
function move(table, step) {
  const rows = [...table.querySelectorAll("tr.event")];
  if (rows.length === 0) return;
  const at = rows.findIndex((row) => row.classList.contains("current"));
  const next = at < 0 ? (step > 0 ? 0 : rows.length - 1) : Math.min(Math.max(at + step, 0), rows.length - 1);
  rows[at]?.classList.remove("current");
  rows[next].classList.add("current");
  // The focus goes along, so that those who hear the page hear the row.
  rows[next].querySelector("a.open")?.focus({ preventScroll: true });
  rows[next].scrollIntoView({ block: "nearest" });
}

export function start() {
  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("button.fold") : null;
    if (button instanceof HTMLButtonElement) fold(button);
  });
  document.addEventListener("focusin", (event) => {
    const row = event.target instanceof Element ? event.target.closest("tr.event") : null;
    if (!row) return;
    row.closest("table")?.querySelectorAll("tr.current").forEach((other) => other.classList.remove("current"));
    row.classList.add("current");
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || isWriting(event.target) || document.querySelector("dialog[open]")) return;
    const table = document.querySelector("main table[data-rows]");
    if (!(table instanceof HTMLTableElement)) return;
    const current = table.querySelector("tr.current");
    if (event.key === "j") move(table, 1);
    else if (event.key === "k") move(table, -1);
    else if (event.key === "x" && current?.querySelector("button.fold")) fold(current.querySelector("button.fold"));
    else return;
    event.preventDefault();
  });
}
