// Completion in query boxes, by the database's own suggest().
"use strict";

import { el } from "./dom.js";
import { plain } from "./text.js";

const DELAY = 120;

/**
 * The query after a completion, and where the cursor is then.
 * @param {string} query
 * @param {{suggestion: string, replace_from: number, replace_to: number}} choice positions are characters (code points), from 1
 * @returns {{query: string, cursor: number}} cursor in UTF-16 units
 */
export function complete(query, choice) {
  const characters = [...query];
  const head = characters.slice(0, choice.replace_from - 1).join("") + choice.suggestion;
  return { query: head + characters.slice(choice.replace_to - 1).join(""), cursor: head.length };
}

/** @param {HTMLElement} root */
function attach(root) {
  const box = root.querySelector("textarea");
  const list = root.querySelector("[role=listbox]");
  const status = root.querySelector("[data-suggest-status]");
  let choices = [];
  let chosen = -1;
  let timer = 0;
  let request = null;

  box.setAttribute("aria-autocomplete", "list");
  box.setAttribute("aria-controls", list.id);

  const close = () => {
    clearTimeout(timer);
    request?.abort();
    list.hidden = true;
    chosen = -1;
    box.removeAttribute("aria-activedescendant");
  };
  const choose = (index) => {
    chosen = index;
    [...list.children].forEach((item, i) => item.setAttribute("aria-selected", String(i === index)));
    if (index < 0) box.removeAttribute("aria-activedescendant");
    else {
      box.setAttribute("aria-activedescendant", list.children[index].id);
      list.children[index].scrollIntoView({ block: "nearest" });
    }
  };
  const take = (index) => {
    const { query, cursor } = complete(box.value, choices[index]);
    box.value = query;
    box.setSelectionRange(cursor, cursor);
    close();
    box.focus();
    ask();
  };
  const show = () => {
    list.replaceChildren(...choices.map((choice, i) => el("li", { role: "option", id: `${list.id}-${i}`, "aria-selected": "false" },
      el("code", {}, plain(choice.suggestion)), el("span.hint", {}, plain(choice.description || choice.kind || "")))));
    list.hidden = choices.length === 0;
    chosen = -1;
    status.textContent = choices.length === 0 ? "" : `${choices.length} completions, arrow keys choose`;
  };
  const ask = () => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      request?.abort();
      request = new AbortController();
      const cursor = [...box.value.slice(0, box.selectionStart)].length + 1;
      const query = new URLSearchParams({ q: box.value, cursor: String(cursor), limit: "12" });
      try {
        const answer = await fetch(`${root.dataset.suggest}?${query}`, { signal: request.signal, headers: { Accept: "application/json" } });
        if (!answer.ok) return close();
        choices = (await answer.json()).items ?? [];
        if (document.activeElement === box) show();
      } catch {
        // Aborted, or no network: the box works without completion.
      }
    }, DELAY);
  };

  box.addEventListener("input", ask);
  box.addEventListener("blur", () => setTimeout(close, 150));
  box.addEventListener("keydown", (event) => {
    if (event.key === " " && event.ctrlKey) {
      event.preventDefault();
      ask();
    } else if (list.hidden) return;
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const n = choices.length;
      choose(event.key === "ArrowDown" ? (chosen + 1) % n : (chosen + n - 1 + (chosen < 0 ? 1 : 0)) % n);
    } else if ((event.key === "Enter" && !event.shiftKey) && chosen >= 0) {
      event.preventDefault();
      event.stopImmediatePropagation();
      take(chosen);
    } else if (event.key === "Escape") {
      event.preventDefault();
      close();
    }
  }, true);
  list.addEventListener("pointerdown", (event) => {
    const item = event.target instanceof Element ? event.target.closest("li") : null;
    if (!item) return;
    event.preventDefault();
    take([...list.children].indexOf(item));
  });
}

export function start() {
  document.querySelectorAll("[data-suggest]").forEach(attach);
}
