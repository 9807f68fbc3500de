// Times: the server writes UTC; this writes local ones where they are asked for, and puts the other one into the title.
"use strict";

/** @param {number} n @param {number} [width] */
const pad = (n, width = 2) => String(n).padStart(width, "0");

/**
 * A time in the browser's zone, in the form that the server has for UTC.
 * @param {Date} at
 * @param {string} form full, exact, minute or day
 */
export function local(at, form) {
  const day = `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}`;
  const minute = `${day} ${pad(at.getHours())}:${pad(at.getMinutes())}`;
  if (form === "day") return day;
  if (form === "minute") return minute;
  const second = `${minute}:${pad(at.getSeconds())}`;
  return form === "exact" ? `${second}.${pad(at.getMilliseconds(), 3)}` : second;
}

/**
 * The same in UTC, with a Z.
 * @param {Date} at
 * @param {string} form
 */
export function utc(at, form) {
  const iso = at.toISOString();
  if (form === "day") return iso.slice(0, 10);
  const length = form === "minute" ? 16 : form === "exact" ? 23 : 19;
  return `${iso.slice(0, length).replace("T", " ")}Z`;
}

/** The offset of the browser's zone at a time: +01:00. @param {Date} at */
export function offset(at) {
  const minutes = -at.getTimezoneOffset();
  return `${minutes < 0 ? "-" : "+"}${pad(Math.floor(Math.abs(minutes) / 60))}:${pad(Math.abs(minutes) % 60)}`;
}

/** Shows one time by the clock that was chosen. @param {HTMLTimeElement} element */
export function show(element) {
  const at = new Date(element.dateTime);
  if (Number.isNaN(at.getTime())) return;
  const byLocal = document.documentElement.dataset.clock === "local";
  const form = element.dataset.form;
  if (form) element.textContent = byLocal ? local(at, form) : utc(at, form);
  element.title = `${utc(at, "exact").replace("Z", " UTC")}\n${local(at, "exact")} ${offset(at)}, here`;
}

/** Shows all times below an element. @param {ParentNode} root */
export function showAll(root) {
  root.querySelectorAll("time.t").forEach(show);
}

export function start() {
  showAll(document);
}
