// Choosing a time on a histogram: drag over it, or click a bar. The table of numbers has the same as links.
"use strict";

import { utc, local } from "./time.js";

/**
 * The time between two places of a chart: from the beginning of the first bucket to the end of the last.
 * @param {{first: number, seconds: number, buckets: number}} chart
 * @param {number} from 0 to 1
 * @param {number} to 0 to 1
 * @returns {[Date, Date]}
 */
export function between(chart, from, to) {
  const bucket = (x) => Math.min(Math.max(Math.floor(x * chart.buckets), 0), chart.buckets - 1);
  const [a, b] = [bucket(Math.min(from, to)), bucket(Math.max(from, to))];
  const at = (n) => new Date((chart.first + n * chart.seconds) * 1000);
  return [at(a), at(b + 1)];
}

/** @param {HTMLElement} plot */
function attach(plot) {
  const brush = plot.querySelector(".brush");
  const note = plot.closest(".chart").querySelector(".chart-note");
  const usual = note.textContent;
  const chart = { first: Number(plot.dataset.first), seconds: Number(plot.dataset.seconds), buckets: Number(plot.dataset.buckets) };
  const counts = plot.dataset.counts.split(" ").map(Number);
  const place = (event) => {
    const box = plot.getBoundingClientRect();
    return Math.min(Math.max((event.clientX - box.left) / box.width, 0), 0.999999);
  };
  const shown = (at) => (document.documentElement.dataset.clock === "local" ? local(at, "minute") : utc(at, "minute"));
  let begun = null;

  plot.addEventListener("pointermove", (event) => {
    const x = place(event);
    const [since, until] = between(chart, begun ?? x, x);
    const [a, b] = [since, until].map((at) => Math.round((at.getTime() / 1000 - chart.first) / chart.seconds));
    const sum = counts.slice(a, b).reduce((total, n) => total + n, 0);
    note.textContent = `${sum.toLocaleString("en")} events, ${shown(since)} to ${shown(until)}`;
    if (begun === null) return;
    brush.hidden = false;
    // Set on the element's own style, which the policy allows; no style attribute is parsed.
    brush.style.insetInlineStart = `${(a / chart.buckets) * 100}%`;
    brush.style.width = `${((b - a) / chart.buckets) * 100}%`;
  });
  plot.addEventListener("pointerleave", () => { if (begun === null) note.textContent = usual; });
  if (!plot.dataset.href) return;
  plot.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    begun = place(event);
    plot.setPointerCapture(event.pointerId);
  });
  plot.addEventListener("pointerup", (event) => {
    if (begun === null) return;
    const [since, until] = between(chart, begun, place(event));
    begun = null;
    const address = new URL(plot.dataset.href, location.href);
    address.searchParams.set("since", since.toISOString());
    address.searchParams.set("until", until.toISOString());
    location.assign(address.href);
  });
  const stop = () => {
    begun = null;
    brush.hidden = true;
    note.textContent = usual;
  };
  plot.addEventListener("pointercancel", stop);
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") stop(); });
}

export function start() {
  document.querySelectorAll("[data-histogram]").forEach(attach);
}
