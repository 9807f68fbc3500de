// What forms need besides: a question before what cannot be undone, Enter in a query, times only where they are asked for.
"use strict";

/** A question before a button does something. */
function confirms() {
  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("[data-confirm]") : null;
    if (button instanceof HTMLElement && !window.confirm(button.dataset.confirm)) event.preventDefault();
  });
}

/** Enter sends a query, Shift and Enter begin a line. */
function queries() {
  for (const box of document.querySelectorAll("textarea[data-query]")) {
    box.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.defaultPrevented) return;
      const form = box.closest("form");
      event.preventDefault();
      if (box.hasAttribute("data-main-query")) form?.requestSubmit();
    });
  }
}

/** The two times are there only when they are chosen. */
function ranges() {
  for (const range of document.querySelectorAll("[data-range]")) {
    const select = range.querySelector("select");
    const show = () => {
      const custom = select.value === "custom";
      range.classList.toggle("custom", custom);
      range.querySelectorAll("[data-custom] input").forEach((input) => { input.disabled = !custom; });
    };
    select.addEventListener("change", () => {
      show();
      if (select.value === "custom") range.querySelector("[data-custom] input")?.focus();
      else select.form?.requestSubmit();
    });
    show();
  }
}

/** Short addresses: columns as one value, and nothing that is as by default. */
function addresses() {
  for (const form of document.querySelectorAll("form[data-search]")) {
    form.addEventListener("formdata", (event) => {
      const data = event.formData;
      const columns = data.getAll("cols");
      data.delete("cols");
      if (columns.length > 0 && columns.join(",") !== "time,severity,type,status,actor,resource") data.set("cols", columns.join(","));
      for (const [name, usual] of [["order", "newest"], ["limit", "50"], ["range", "24h"], ["range", "custom"], ["q", ""], ["since", ""], ["until", ""]]) {
        if (data.get(name) === usual) data.delete(name);
      }
    });
  }
}

/** Menus close when somebody goes elsewhere. */
function menus() {
  const close = (except) => document.querySelectorAll("details.menu[open]").forEach((menu) => { if (menu !== except) menu.open = false; });
  document.addEventListener("click", (event) => close(event.target instanceof Element ? event.target.closest("details.menu") : null));
  document.addEventListener("focusin", (event) => close(event.target instanceof Element ? event.target.closest("details.menu") : null));
}

/** What was sent is on its way: shown, and not sent twice. A download leaves the page as it is, so this ends by itself. */
function busy() {
  const clear = (form) => {
    delete form.dataset.busy;
    form.removeAttribute("aria-busy");
  };
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || form.method === "dialog" || event.defaultPrevented) return;
    if (form.dataset.busy !== undefined) return event.preventDefault();
    form.dataset.busy = "";
    form.setAttribute("aria-busy", "true");
    setTimeout(clear, 8000, form);
  });
  // The page as it was kept for «back».
  window.addEventListener("pageshow", () => document.querySelectorAll("form[data-busy]").forEach(clear));
}

export function start() {
  confirms();
  busy();
  queries();
  ranges();
  addresses();
  menus();
}
