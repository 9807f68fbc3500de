// Reports that are being made: how far they are, and the page again when they are done.
"use strict";

import { plain } from "./text.js";

const EVERY = 2000;

/** @param {HTMLElement} root */
function attach(root) {
  const bar = root.querySelector("progress");
  const text = root.querySelector("[data-progress-text]");
  let failures = 0;
  const ask = async () => {
    try {
      const answer = await fetch(root.dataset.progress, { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(String(answer.status));
      const report = await answer.json();
      failures = 0;
      if (report.state !== "waiting" && report.state !== "running") return location.reload();
      if (report.sections > 0) {
        bar.max = report.sections;
        bar.value = report.sections_done;
        text.textContent = `section ${report.sections_done} of ${report.sections}${report.working_on ? `, ${plain(report.working_on)}` : ""}`;
      }
    } catch {
      failures += 1;
      if (failures > 5) return;
    }
    setTimeout(ask, EVERY * (failures + 1));
  };
  setTimeout(ask, EVERY);
}

export function start() {
  document.querySelectorAll("[data-progress]").forEach(attach);
}
