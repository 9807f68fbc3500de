// Buttons that copy.
"use strict";

import { toast } from "./dom.js";

export function start() {
  document.addEventListener("click", async (event) => {
    const button = event.target instanceof Element ? event.target.closest("[data-copy]") : null;
    if (!(button instanceof HTMLElement)) return;
    let text = button.dataset.copy;
    // A path of ours is copied as an address that others can open.
    if (text.startsWith("/")) text = new URL(text, location.origin).href;
    try {
      await navigator.clipboard.writeText(text);
      toast("Copied");
    } catch {
      toast("The browser does not let pages copy here");
    }
  });
}
