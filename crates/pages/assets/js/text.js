// Hostile text made visible, as src/text.rs does it: tests/text-vectors.json is checked by both.
"use strict";

const BLANK = /[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\u{e0100}-\u{e01ef}]/u;
const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Zs}\p{Co}\p{Cs}\p{Cn}]/u;
const MARK = /[\p{Mn}\p{Me}]/u;
const MAX_MARKS = 4;

/**
 * Does nobody see this character as such, or does it change how others are shown?
 * @param {string} c one character
 */
export function isDeceptive(c) {
  if (c === " " || c === "\u3000") return false;
  return BLANK.test(c) || HIDDEN.test(c);
}

/** @param {string} c */
function escape(c) {
  if (c === "\n") return "\\n";
  if (c === "\r") return "\\r";
  if (c === "\t") return "\\t";
  return `\\u{${c.codePointAt(0).toString(16)}}`;
}

/**
 * Characters as they are, and escapes.
 * @param {string} text
 * @returns {{escaped: boolean, text: string}[]}
 */
export function pieces(text) {
  const out = [];
  let marks = 0;
  for (const c of text) {
    marks = MARK.test(c) ? marks + 1 : 0;
    const escaped = isDeceptive(c) || marks > MAX_MARKS;
    const last = out[out.length - 1];
    const piece = escaped ? escape(c) : c;
    if (last && last.escaped === escaped) last.text += piece;
    else out.push({ escaped, text: piece });
  }
  return out;
}

/** The same as one text. @param {string} text */
export function plain(text) {
  return pieces(text).map((piece) => piece.text).join("");
}

/**
 * A value of the log as an element, cut at so many characters.
 * @param {unknown} value
 * @param {number} [most]
 * @returns {HTMLElement}
 */
export function value(value, most = 200) {
  const characters = [...String(value)];
  const cut = characters.length > most;
  const bdi = document.createElement("bdi");
  for (const piece of pieces(characters.slice(0, most).join(""))) {
    if (piece.escaped) {
      const span = document.createElement("span");
      span.className = "esc";
      span.title = "invisible or control characters, written as escapes";
      span.textContent = piece.text;
      bdi.append(span);
    } else bdi.append(piece.text);
  }
  if (cut) bdi.append("…");
  return bdi;
}
