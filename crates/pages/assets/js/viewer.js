// The list behind a link: what is secret of the link stands behind the #, which no browser sends; it goes into the form's body.
"use strict";

export function start() {
  const forms = document.querySelectorAll('form[action="/viewer"]');
  for (const form of forms) {
    // The address keeps the link, so that the page can be loaded again.
    form.setAttribute("action", `/viewer${location.hash}`);
  }
  const input = document.querySelector('form[action^="/viewer"] input#link');
  if (!(input instanceof HTMLInputElement) || location.hash.length < 2) return;
  input.value = location.hash.slice(1);
  input.form?.requestSubmit();
}
