// Theme and clock: kept in cookies, so that the server's next page has them from the first moment.
"use strict";

import { showAll } from "./time.js";

const NAMES = { theme: "auditlog_theme", clock: "auditlog_clock" };

export function start() {
  for (const form of document.querySelectorAll("form.preferences")) {
    form.querySelector("[data-preferences-apply]")?.setAttribute("hidden", "");
    form.addEventListener("change", (event) => {
      const input = event.target;
      if (!(input instanceof HTMLInputElement) || !(input.name in NAMES)) return;
      const secure = location.protocol === "https:" ? "; Secure" : "";
      document.cookie = `${NAMES[input.name]}=${input.value}; Path=/; Max-Age=31536000; SameSite=Strict${secure}`;
      document.documentElement.dataset[input.name] = input.value;
      if (input.name === "clock") {
        showAll(document);
        const label = form.closest(".menu")?.querySelector(".menu-label");
        if (label) label.textContent = input.value === "utc" ? "UTC" : "Local";
      }
    });
  }
}
