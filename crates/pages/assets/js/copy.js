// Buttons that copy.
"use strict";

import { toast } from "./dom.js";

export function start() {
  document.addEventListener("click", async (event) => {
    const button = event.target instanceof Element ? event.target.closest("[data-copy], [data-copy-address]") : null;
    if (!(button instanceof HTMLElement)) return;
    const text = button.dataset.copy ?? location.href;
    try {
      await navigator.clipboard.writeText(text);
      toast("Copied");
    } catch {
      toast("The browser does not let pages copy here");
    }
  });
}
