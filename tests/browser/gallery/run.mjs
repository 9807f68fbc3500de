// The gallery of crates/pages, with rich, hostile and empty data, without a server: axe, width, targets, and what the script does.
//   cargo run -p auditlog-pages --example gallery -- /tmp/gallery
//   node gallery/run.mjs --gallery /tmp/gallery [--out DIR] [--only NAME,…]        --out: pictures, to be looked at
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { inspect, LOOKS } from "../lib/inspect.mjs";
import { launch } from "../lib/packages.mjs";
import { Score } from "../lib/score.mjs";
import { behaviour } from "./behaviour.mjs";
import { serve } from "./serve.mjs";

const { values: options } = parseArgs({ options: { gallery: { type: "string" }, out: { type: "string" }, only: { type: "string" } } });

/** Of the pages on a phone in the dark these will do: the colours are those of the desktop, the widths those of the light. */
const PHONE_DARK = ["dashboard", "search", "event", "live", "alerts", "login"];

const gallery = await serve(options.gallery);
const wanted = options.only?.split(",");
const names = gallery.index.pages.filter((name) => !wanted || wanted.some((only) => (only.endsWith("*") ? name.startsWith(only.slice(0, -1)) : name === only)));
if (options.out) await mkdir(options.out, { recursive: true });
const browser = await launch();
const score = new Score();

for (const [look, settings] of Object.entries(LOOKS)) {
  const context = await browser.newContext({ locale: "en-GB", timezoneId: "Europe/Berlin", reducedMotion: "reduce", ...settings });
  // Machines that compile beside it are slow.
  context.setDefaultTimeout(120_000);
  const page = await context.newPage();
  let said = [];
  page.on("console", (message) => { if (message.type() === "error") said.push(`console: ${message.text()}`); });
  page.on("pageerror", (error) => said.push(`script: ${error}`));
  page.on("dialog", (dialog) => {
    said.push(`a dialog: ${dialog.message()}`);
    dialog.dismiss().catch(() => {});
  });
  for (const name of names) {
    // Colours are the same whatever the text is.
    if (look.endsWith("dark") && (name.endsWith("-hostile") || (look.startsWith("phone") && !PHONE_DARK.includes(name)))) continue;
    said = [];
    await page.goto(`${gallery.url}/${name}.html`, { waitUntil: "load" });
    await page.waitForSelector("html.js");
    if (options.out) await page.screenshot({ path: join(options.out, `${name}-${look.replace(" ", "-")}.png`), fullPage: true });
    const faults = await inspect(page);
    score.tell(`gallery ${name} (${look})`, [...faults, ...said]);
  }
  await context.close();
}
if (!wanted) await behaviour(browser, gallery.url, gallery.index, score);
await browser.close();
gallery.close();
process.exitCode = score.close();
