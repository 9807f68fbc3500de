// Pictures of the pages, light and dark, wide and narrow, to be looked at; and those of docs/dashboard.md.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { LOOKS } from "../lib/inspect.mjs";
import { ADMINISTRATOR, MANAGER, PAGES, USER } from "./pages.mjs";

/** Of others than the administrator: what is different for them. */
const OTHERS = [[USER, "/"], [USER, "/alerts"], [MANAGER, "/search?range=30d"], [USER, "/admin/tokens"]];

/**
 * @param {import("./visitor.mjs").Site} site
 * @param {string} out
 * @param {string[]} [only] parts of names
 */
export async function pictures(site, out, only) {
  await mkdir(out, { recursive: true });
  for (const [look, settings] of Object.entries(LOOKS)) {
    const todo = [...PAGES.map(({ path }) => [ADMINISTRATOR, path]), ...OTHERS, [undefined, "/login"]];
    for (const role of [undefined, ADMINISTRATOR, USER, MANAGER]) {
      const visitor = await site.visitor(role, settings);
      for (const [, path] of todo.filter(([who]) => who === role)) {
        const name = `${role?.replace("demo_", "") ?? "nobody"}${path.replace(/\W+/g, "-").replace(/-$/, "") || "-overview"}-${look.replace(" ", "-")}`;
        if (only && !only.some((part) => name.includes(part))) continue;
        await visitor.go(path);
        await visitor.page.waitForTimeout(path.startsWith("/live") ? 500 : 0);
        await visitor.page.screenshot({ path: join(out, `${name}.png`), fullPage: true });
      }
      await visitor.close();
    }
  }
}

const SCREEN = { viewport: { width: 1280, height: 840 }, colorScheme: "light" };
/** The pictures of docs/dashboard.md. What looking at them has recorded itself is left out, where a page can. */
const DOCUMENTATION = [
  ["overview", "/?range=30d", SCREEN],
  ["search", "/search?range=30d&q=category%3A(authentication%20OR%20resource)", SCREEN],
  ["event-dark", "/events/evt_browser_rich", { ...SCREEN, colorScheme: "dark" }],
  ["live-phone", "/live?q=category%3A(authentication%20OR%20resource)", { viewport: { width: 390, height: 780 }, colorScheme: "light", deviceScaleFactor: 2 }],
  ["alerts", "/alerts", SCREEN],
];

/** @param {import("./visitor.mjs").Site} site @param {string} out */
export async function documentation(site, out) {
  for (const [name, path, look] of DOCUMENTATION) {
    const visitor = await site.visitor(ADMINISTRATOR, look);
    await visitor.go(path);
    await visitor.page.waitForTimeout(500);
    await visitor.page.screenshot({ path: join(out, `${name}.png`) });
    await visitor.close();
    console.log(`${join(out, name)}.png`);
  }
}
