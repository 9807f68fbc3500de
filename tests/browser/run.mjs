// Pictures and axe: node run.mjs (--gallery DIR | --base URL --paths FILE) [--out DIR] [--only NAME,…] [--behaviour] [--no-pictures] [--no-axe]
//
// A gallery is what `cargo run -p auditlog-pages --example gallery -- DIR` writes. With --base the pages are those of a running
// server: FILE has one path a line, and --cookie "name=value" signs in.
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import AxeBuilder from "@axe-core/playwright";
import { chromium } from "playwright-core";
import { behaviour } from "./behaviour.mjs";
import { serve } from "./serve.mjs";

const { values: options } = parseArgs({ options: {
  gallery: { type: "string" }, base: { type: "string" }, paths: { type: "string" }, cookie: { type: "string" }, out: { type: "string", default: "pictures" }, only: { type: "string" },
  behaviour: { type: "boolean" }, "no-pictures": { type: "boolean" }, "no-axe": { type: "boolean" }, chromium: { type: "string", default: "/usr/bin/chromium" },
} });

const SIZES = { desktop: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } };
/** Of the pages on a phone in the dark these will do: the colours are those of the desktop, the widths those of the light. */
const PHONE_DARK = ["dashboard", "search", "event", "live", "alerts", "login"];
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

const gallery = options.gallery ? await serve(options.gallery) : null;
const base = gallery?.url ?? options.base;
let pages = gallery
  ? gallery.index.pages.map((name) => ({ name, path: `/${name}.html` }))
  : (await readFile(options.paths, "utf8")).split("\n").filter(Boolean).map((path) => ({ name: path.replace(/\W+/g, "-").replace(/^-|-$/g, "") || "overview", path }));
if (options.only) pages = pages.filter(({ name }) => options.only.split(",").some((only) => (only.endsWith("*") ? name.startsWith(only.slice(0, -1)) : name === only)));

await mkdir(options.out, { recursive: true });
const browser = await chromium.launch({ executablePath: options.chromium, args: ["--no-sandbox"] });
let passed = 0;
const faults = [];

for (const colorScheme of ["light", "dark"]) {
  for (const [size, viewport] of Object.entries(SIZES)) {
    const context = await browser.newContext({ viewport, colorScheme, locale: "en-GB", timezoneId: "Europe/Berlin", reducedMotion: "reduce", deviceScaleFactor: size === "phone" ? 1.5 : 1 });
    if (options.cookie) {
      const [name, ...value] = options.cookie.split("=");
      await context.addCookies([{ name, value: value.join("="), url: base }]);
    }
    // Machines that compile beside it are slow.
    context.setDefaultTimeout(120_000);
    const page = await context.newPage();
    for (const { name, path } of pages) {
      // Colours are the same whatever the text is.
      if (gallery && colorScheme === "dark" && (name.endsWith("-hostile") || (size === "phone" && !PHONE_DARK.includes(name)))) continue;
      const at = `${name} ${size} ${colorScheme}`;
      const said = [];
      const hear = (message) => { if (message.type() === "error") said.push(message.text()); };
      const fail = (error) => said.push(String(error));
      page.on("console", hear);
      page.on("pageerror", fail);
      page.on("dialog", (dialog) => { said.push(`a dialog: ${dialog.message()}`); dialog.dismiss().catch(() => {}); });
      await page.goto(base + path, { waitUntil: "load" });
      await page.waitForSelector("html.js");
      if (!options["no-pictures"]) await page.screenshot({ path: join(options.out, `${name}-${size}-${colorScheme}.png`), fullPage: true });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      if (wide > 0) faults.push(`${at}: ${wide} px wider than the window`);
      const small = await page.evaluate(smallTargets);
      faults.push(...small.map((target) => `${at}: target below 24 px: ${target}`));
      if (!options["no-axe"]) {
        const { violations } = await new AxeBuilder({ page }).withTags(TAGS).analyze();
        for (const { id, nodes } of violations) faults.push(`${at}: ${id}: ${nodes.length} × ${nodes[0].html.slice(0, 160)} ${nodes[0].failureSummary.replace(/\s+/g, " ").slice(0, 220)}`);
        passed += 1;
      }
      faults.push(...said.map((text) => `${at}: console: ${text}`));
      page.off("console", hear);
      page.off("pageerror", fail);
      page.removeAllListeners("dialog");
    }
    await context.close();
  }
}
if (gallery && (!options.only || options.behaviour)) {
  const result = await behaviour(browser, base, gallery.index);
  passed += result.passed;
  faults.push(...result.faults);
}
await browser.close();
gallery?.close();
console.log(faults.join("\n"));
console.log(`${passed} passed, ${faults.length} failed`);
process.exit(faults.length > 0 ? 1 : 0);

/** Controls that are smaller than 24 px in a direction; links in running text are exempt (WCAG 2.5.8, inline). */
function smallTargets() {
  const found = [];
  for (const element of document.querySelectorAll("a[href], button, input:not([type=hidden], .unseen), select, textarea, summary")) {
    const box = element.getBoundingClientRect();
    if (box.width === 0 || box.height === 0 || element.closest(".unseen, .skip, .suggestions")) continue;
    const style = getComputedStyle(element);
    const inline = element.tagName === "A" && style.display.startsWith("inline") && !style.display.includes("flex");
    const labelled = element.tagName === "INPUT" && (element.type === "checkbox" || element.type === "radio");
    if (!inline && !labelled && (box.height < 23.5 || box.width < 23.5)) found.push(`${element.outerHTML.slice(0, 100)} ${Math.round(box.width)}×${Math.round(box.height)}`);
  }
  return found.slice(0, 5);
}
