// A running server with demonstration events, as its visitors use it:
//   node site.mjs --base http://127.0.0.1:8080 --users adm,ana,com,mia,ann [--out DIR] [--looks 1…4] [--no-axe]     (passwords are the names)
//
// Each logs in by the form and walks all pages that the navigation offers, in light and dark, wide and narrow: pictures, axe, and
// nothing in the console. Then what the script does with the server's own answers.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import AxeBuilder from "@axe-core/playwright";
import { chromium } from "playwright-core";

const { values: options } = parseArgs({ options: {
  base: { type: "string" }, users: { type: "string", default: "adm,ana,com,mia,ann" }, out: { type: "string", default: "pictures" },
  "no-axe": { type: "boolean" }, looks: { type: "string", default: "4" }, only: { type: "string" }, chromium: { type: "string", default: "/usr/bin/chromium" },
} });
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const LOOKS = [["light", { width: 1440, height: 900 }], ["dark", { width: 390, height: 844 }], ["dark", { width: 1440, height: 900 }], ["light", { width: 390, height: 844 }]];
const MORE = ["/search?range=30d&q=status%3Afailed", "/search?q=status%3A(&range=30d", "/help/query", "/?range=30d"];

await mkdir(options.out, { recursive: true });
const browser = await chromium.launch({ executablePath: options.chromium, args: ["--no-sandbox"] });
const faults = [];
let passed = 0;

async function visitor(user, look = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: "en-GB", timezoneId: "Europe/Berlin", reducedMotion: "reduce", ...look });
  const page = await context.newPage();
  page.on("pageerror", (error) => faults.push(`${user} ${page.url()}: ${error}`));
  page.on("dialog", (dialog) => dialog.accept());
  await page.goto(`${options.base}/login?return_to=${encodeURIComponent("/?range=7d")}`);
  await page.fill("#user", user);
  await page.fill("#password", user);
  await Promise.all([page.waitForURL("**/?range=7d"), page.click("main button[type=submit]")]);
  return { context, page };
}

async function check(what, test) {
  try {
    if (await test()) passed += 1;
    else faults.push(what);
  } catch (error) {
    faults.push(`${what}: ${String(error).split("\n")[0]}`);
  }
}

async function walk(user) {
  const users = options.users.split(",");
  for (const [theme, viewport] of LOOKS.slice(0, user === users[0] || user === users.at(-1) ? Number(options.looks) : 1)) {
    const { context, page } = await visitor(user, { viewport, colorScheme: theme });
    const links = await page.$$eval("nav.main-nav a", (all) => all.map((a) => a.getAttribute("href")));
    const paths = [...links, ...MORE];
    if (links.includes("/admin")) {
      await page.goto(`${options.base}/admin`);
      paths.push(...await page.$$eval("nav.tabs a", (all) => all.map((a) => a.getAttribute("href"))), "/alerts/new", "/alerts/new?as=yaml");
    }
    if (links.includes("/alerts")) {
      paths.push("/integrity");
      await page.goto(`${options.base}/alerts`);
      const alert = await page.$eval("table a[href^='/alerts/']", (a) => a.getAttribute("href")).catch(() => null);
      if (alert) paths.push(alert);
    }
    await page.goto(`${options.base}/search?range=30d`);
    paths.push(await page.$eval("tr.event a.open", (a) => a.getAttribute("href")));
    for (const path of [...new Set(paths)]) {
      const name = `${user}-${path.replace(/\/events\/.*/, "event").replace(/\W+/g, "-").replace(/^-|-$/g, "") || "overview"}`;
      if (options.only && !name.includes(options.only)) continue;
      const at = `${name} ${theme} ${viewport.width}`;
      const wrong = [];
      const hear = (message) => { if (message.type() === "error" && !/status of 400/.test(message.text())) wrong.push(message.text()); };
      page.on("console", hear);
      await page.goto(options.base + path, { waitUntil: "load" });
      await page.waitForSelector("html.js");
      await page.waitForTimeout(path.startsWith("/live") ? 700 : 50);
      await page.screenshot({ path: join(options.out, `${name}-${theme}-${viewport.width}.png`), fullPage: false });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      if (wide > 0) wrong.push(`${wide} px wider than the window`);
      if (!options["no-axe"]) {
        const { violations } = await new AxeBuilder({ page }).withTags(TAGS).analyze();
        for (const { id, nodes } of violations) wrong.push(`${id}: ${nodes.length} × ${nodes[0].html.slice(0, 160)} ${nodes[0].failureSummary.replace(/\s+/g, " ").slice(0, 200)}`);
      }
      page.off("console", hear);
      faults.push(...wrong.map((text) => `${at}: ${text}`));
      passed += 1;
    }
    await context.close();
  }
}

const users = options.users.split(",");
for (const user of users) await walk(user);

if (!options.only) {
  const { context, page } = await visitor(users[0]);
  await check("completion comes from the database", async () => {
    await page.goto(`${options.base}/search?range=30d`);
    await page.fill("#query", "");
    await page.locator("#query").pressSequentially("event_type:auth");
    await page.waitForSelector("#query-list li:not([hidden])");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    return (await page.inputValue("#query")).startsWith("event_type:authentication");
  });
  await check("Enter searches, and the query is in the address", async () => {
    await page.fill("#query", "status:failed");
    await Promise.all([page.waitForURL(/q=status/), page.press("#query", "Enter")]);
    return /events?$/.test((await page.textContent("#found-title")).trim());
  });
  await check("a facet narrows", async () => {
    const before = page.url();
    await Promise.all([page.waitForURL(/AND/), page.click(".facets a.only")]);
    await page.waitForSelector("html.js");
    return page.url() !== before && page.url().includes("AND");
  });
  await check("j and Enter open an event, [ leads to another", async () => {
    await page.keyboard.press("j");
    await Promise.all([page.waitForURL(/\/events\//), page.keyboard.press("Enter")]);
    const first = page.url();
    await page.keyboard.press("[");
    await page.waitForURL((url) => url.href !== first);
    return page.url().includes("/events/");
  });
  await check("the proof is checked with the log's key", async () => {
    await page.goto(`${options.base}/integrity`);
    const key = (await page.textContent(".command pre code")).trim();
    await page.goto(`${options.base}/search?range=30d&order=oldest`);
    await page.click("tr.event a.open");
    await page.click(".proof-check .behind summary");
    await page.fill("[data-vkey]", key);
    await page.click("[data-check]");
    await page.waitForFunction(() => /^Proven|cannot check|NOT|Not checked/.test(document.querySelector("[data-result] strong")?.textContent ?? ""));
    const said = await page.textContent("[data-result] strong");
    if (!said.startsWith("Proven")) faults.push(`proof: ${said}`);
    return said.startsWith("Proven");
  });
  await check("the live view gets what is sealed, without loading the page", async () => {
    await page.goto(`${options.base}/live`);
    await page.waitForFunction(() => document.querySelector("[data-live-state]").textContent.includes("Live"));
    // Looking at a page is itself an event.
    const other = await visitor(users.at(-1));
    await page.waitForSelector("tr.event.fresh", { timeout: 15000 });
    await other.context.close();
    return (await page.locator("tr.event.fresh").count()) > 0;
  });
  await check("preferences without the script", async () => {
    const plain = await browser.newContext({ javaScriptEnabled: false });
    const still = await plain.newPage();
    await still.goto(`${options.base}/login`);
    await still.click("summary[aria-label=Display]");
    await still.click("label[for=pref-theme-dark]");
    await still.click("[data-preferences-apply]");
    const dark = await still.getAttribute("html", "data-theme");
    await plain.close();
    return dark === "dark";
  });
  await check("an alert is previewed, made, tested, muted and deleted", async () => {
    await page.goto(`${options.base}/alerts/new`);
    await page.fill("#name", "Made by a browser");
    await page.fill("#condition", "event_type:authentication.login AND status:failed");
    await page.fill("#count", "3");
    await page.fill("#window", "10m");
    await page.click("button[value=preview]");
    await page.waitForSelector("ol.lines li");
    await page.screenshot({ path: join(options.out, `${users[0]}-alert-preview.png`) });
    await Promise.all([page.waitForURL(/\/alerts\/\d+$/), page.click("button[value=save]")]);
    const made = (await page.textContent("main .notice")).includes("made");
    await page.click("#actions button:has-text('Test')");
    await page.waitForSelector("#test");
    await page.click("text=Mute …");
    await page.fill("#mute-until", "2099-01-01T00:00");
    await page.fill("#mute-reason", "try");
    await page.click("#actions button:has-text('Mute')");
    const muted = (await page.textContent("main .notice")).includes("Muted");
    await page.click("text=Delete …");
    await Promise.all([page.waitForURL(/\/alerts$/), page.click("button:has-text('Delete the alert')")]);
    return made && muted;
  });
  await check("a report is made and downloaded", async () => {
    await page.goto(`${options.base}/reports`);
    const month = (back) => new Date(Date.UTC(new Date().getUTCFullYear(), new Date().getUTCMonth() - back, 1)).toISOString().slice(0, 16);
    await page.fill("#report-since", month(1));
    await page.fill("#report-until", month(0));
    await Promise.all([page.waitForURL(/\/reports\/\d+$/), page.click("#ask button[type=submit]")]);
    await page.waitForSelector("a[href$='/files/pdf']", { timeout: 120000 });
    await page.screenshot({ path: join(options.out, `${users[0]}-report.png`) });
    const [download] = await Promise.all([page.waitForEvent("download"), page.click("a[href$='/files/pdf']")]);
    return download.suggestedFilename().endsWith(".pdf");
  });
  await check("a search is downloaded as CSV", async () => {
    await page.goto(`${options.base}/search?range=30d&q=status%3Afailed`);
    await page.click("details.downloads summary");
    const [download] = await Promise.all([page.waitForEvent("download"), page.click("button[value=csv]")]);
    return download.suggestedFilename().endsWith(".csv");
  });
  await check("signing out", async () => {
    await page.click("summary[aria-label=Account]");
    await Promise.all([page.waitForURL(/\/login$/), page.click("form[action='/logout'] button")]);
    await page.goto(`${options.base}/search`);
    return page.url().includes("/login?return_to=%2Fsearch");
  });
  await context.close();
}
await browser.close();
console.log(faults.join("\n"));
console.log(`${passed} passed, ${faults.length} failed`);
process.exit(faults.length > 0 ? 1 : 0);
