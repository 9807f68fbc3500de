// The keyboard. Single letters work only where nobody writes, and never with Ctrl, Alt or Meta.
"use strict";

import { isWriting } from "./dom.js";

const PLACES = { o: "/", s: "/search", l: "/live", a: "/alerts", r: "/reports" };

export function start() {
  const dialog = document.getElementById("keys-dialog");
  let went = 0;
  const open = () => dialog instanceof HTMLDialogElement && !dialog.open && dialog.showModal();
  document.querySelectorAll("[data-keys]").forEach((button) => button.addEventListener("click", open));

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return;
    if (event.key === "Escape") {
      const menu = document.querySelector("details.menu[open]");
      if (menu) {
        menu.open = false;
        menu.querySelector("summary")?.focus();
      } else if (isWriting(event.target)) event.target.blur();
      return;
    }
    if (isWriting(event.target) || (dialog instanceof HTMLDialogElement && dialog.open)) return;
    if (event.key === "g") {
      went = Date.now();
      return;
    }
    if (Date.now() - went < 1500 && event.key in PLACES) {
      // Only where there is a way by pointer, too.
      const link = document.querySelector(`.main-nav a[href="${PLACES[event.key]}"]`);
      went = 0;
      if (link instanceof HTMLAnchorElement) link.click();
      return;
    }
    if (event.key === "?") open();
    else if (event.key === "/") {
      const box = document.querySelector("[data-main-query]");
      if (box instanceof HTMLTextAreaElement) {
        box.focus();
        box.setSelectionRange(box.value.length, box.value.length);
      } else if (!document.body.classList.contains("embedded")) location.assign("/search");
    } else if (event.key === "[") document.querySelector("[data-previous]")?.click();
    else if (event.key === "]") document.querySelector("[data-next]")?.click();
    else return;
    event.preventDefault();
  });
}
