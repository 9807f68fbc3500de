// Making elements. Text becomes text nodes only; nothing here reads HTML.
"use strict";

/**
 * @param {string} tag "td", or "td.c-time" with a class
 * @param {Record<string, string|boolean>} [attributes]
 * @param {...(Node|string|null|undefined)} children
 * @returns {HTMLElement}
 */
export function el(tag, attributes = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const element = document.createElement(name);
  if (classes.length > 0) element.classList.add(...classes);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(key, "");
    else if (value !== false) element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/**
 * An icon that is in the page already, once more.
 * @param {string} path the `d` of its path
 */
export function icon(path) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  for (const [key, value] of [["class", "icon"], ["viewBox", "0 0 16 16"], ["width", "16"], ["height", "16"], ["aria-hidden", "true"], ["focusable", "false"]]) {
    svg.setAttribute(key, value);
  }
  const line = document.createElementNS(space, "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

/** Paths of icons; those of src/components/icon.rs. */
export const ICONS = {
  check: "M3 8.5l3.2 3.2L13 4.8",
  cross: "M4 4l8 8M12 4l-8 8",
  warning: "M8 2.2 14.3 13.3H1.7zM8 6.3v3.4M8 11.2v.6",
  stop: "M5.4 1.8h5.2l3.6 3.6v5.2l-3.6 3.6H5.4L1.8 10.6V5.4zM8 4.8v4M8 10.6v.6",
  info: "M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8zM8 7.3v4M8 4.7v.6",
  dot: "M8 6.2a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6z",
  exclude: "M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8zM5 8h6",
  seal: "M8 1.7 9.7 3l2.2-.1.5 2.1L14.2 6.3 13.4 8.4 14 10.5l-2 .9-.7 2-2.1-.2L8 14.4 6.8 13.2l-2.1.2-.7-2-2-.9.6-2.1L1.8 6.3 3.6 5l.5-2.1L6.3 3zM5.6 8.1l1.7 1.7 3.1-3.4",
  pause: "M5.5 3v10M10.5 3v10",
  play: "M4.500 2.800 12.800 8l-8.300 5.200z",
};

/**
 * Says something for a moment, also to those who hear the page.
 * @param {string} message
 */
export function toast(message) {
  const place = document.querySelector("[data-toasts]");
  if (!place) return;
  const toast = el("div.toast", {}, message);
  place.append(toast);
  setTimeout(() => toast.remove(), 4000);
}

/** Is somebody writing into this element? @param {EventTarget|null} target */
export function isWriting(target) {
  return target instanceof HTMLElement && (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName));
}
