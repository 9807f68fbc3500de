// Every page as every role and as nobody: the status, the refusal where it is due, axe, width, targets, what the console says; and that
// no link is offered that leads to a refusal.
import { inspect, layout, LOOKS } from "../lib/inspect.mjs";
import { ADMINISTRATOR, ANALYST, COMPLIANCE, EVERYBODY, MANAGER, PAGES, USER } from "./pages.mjs";
import { routeOf } from "./routes.mjs";

/** In the short form each role but the administrator has one look, and each look somebody; the administrator sees in it what they may not. */
const ONE_LOOK = { [ANALYST]: "phone light", [COMPLIANCE]: "desktop dark", [MANAGER]: "phone dark", [USER]: "desktop light" };
/** The look in which the administrator's pages are checked by all rules, in the short form, too. */
const FIRST = "desktop light";
/** What nobody sees: the way in. */
const OUTSIDE = ["/login", "/login?return_to=%2Fsearch%3Fq%3Dx"];
/** Links that are followed for each visitor, at most. */
const LINKS = 60;

/**
 * @param {import("./visitor.mjs").Site} site
 * @param {import("../lib/score.mjs").Score} score
 * @param {boolean} all every look of every role
 */
export async function walk(site, score, all) {
  const rounds = [];
  for (const look of Object.keys(LOOKS)) {
    for (const role of EVERYBODY) if (all || role === ADMINISTRATOR || ONE_LOOK[role] === look) rounds.push(() => round(site, score, role, look, all || role !== ADMINISTRATOR || look === FIRST));
    rounds.push(() => outside(site, score, look));
  }
  // As many at once as there are cores.
  await Promise.all([0, 1].map(async () => {
    for (let next = rounds.shift(); next; next = rounds.shift()) await next().catch((error) => score.tell("a walk to its end", [String(error).split("\n")[0]]));
  }));
}

/** `whole`: with all rules and all links, not only with what depends on the look. */
async function round(site, score, role, look, whole) {
  const visitor = await site.visitor(role, LOOKS[look]);
  const links = new Map();
  let refusals = 0;
  visitor.heard();
  const other = Object.keys(ONE_LOOK).find((one) => ONE_LOOK[one] === look);
  for (const { path, who, status, refused } of PAGES) {
    if (!whole && who.includes(other)) continue;
    const allowed = who.includes(role);
    const expected = allowed ? status : refused;
    const faults = [];
    const got = await visitor.go(path);
    if (got !== expected) faults.push(`status ${got} instead of ${expected}`);
    if (got === 403 && !(await visitor.page.textContent("p.error-status"))?.includes("403")) faults.push("no page says that this may not be done");
    // A refusal looks like any other.
    if (got === 403 && refusals > 0) faults.push(...await layout(visitor.page));
    else faults.push(...await inspect(visitor.page, whole));
    if (got === 403) refusals += 1;
    if (allowed) {
      for (const href of await visitor.page.$$eval("a[href]:not([download])", (all) => all.map((a) => a.getAttribute("href")))) {
        const route = href.startsWith("/") && routeOf(site.routes, "GET", href.split(/[?#]/)[0]);
        if (route) links.set(`${route.path} ${[...new URL(href, site.base).searchParams.keys()].join()}`, href);
      }
    }
    score.tell(`${role} ${path} (${look})`, [...faults, ...visitor.heard()]);
  }
  if (whole) await follow(visitor, score, role, [...links.values()].slice(0, LINKS));
  await visitor.close();
}

/** What is offered is given. */
async function follow(visitor, score, role, links) {
  const wrong = await visitor.page.evaluate(async (all) => {
    const found = [];
    for (const href of all) {
      const { status } = await fetch(href);
      if (status !== 200) found.push(`${href}: ${status}`);
    }
    return found;
  }, links);
  score.tell(`${role}: ${links.length} kinds of links lead where they say`, wrong);
}

async function outside(site, score, look) {
  const visitor = await site.visitor(undefined, LOOKS[look]);
  for (const path of OUTSIDE) {
    const status = await visitor.go(path);
    score.tell(`nobody ${path} (${look})`, [...(status === 200 ? [] : [`status ${status}`]), ...await inspect(visitor.page), ...visitor.heard()]);
  }
  if (look === FIRST) {
    // Chromium without a window asks for none by itself.
    const icon = await visitor.context.request.get("/favicon.ico");
    score.tell("the icon is there", icon.status() === 200 ? [] : [`status ${icon.status()}`]);
    site.note("GET", icon.url(), icon.status());
    const wrong = [];
    for (const { path } of PAGES) {
      const status = await visitor.go(path);
      const at = new URL(visitor.page.url());
      // What is not there is not there for anybody.
      const expected = routeOf(site.routes, "GET", path.split("?")[0]) ? [200, "/login"] : [404, path];
      if (status !== expected[0] || at.pathname !== expected[1]) wrong.push(`${path}: ${status} ${at.pathname}`);
    }
    score.tell("nobody is sent to log in from every page", [...wrong, ...visitor.heard()]);
    await visitor.go("/login");
    await visitor.page.fill("#user", USER);
    await visitor.page.fill("#password", "wrong");
    await visitor.page.click("main button[type=submit]");
    await visitor.page.waitForSelector(".notice.bad");
    score.tell("nobody with a wrong password is told so", [...await inspect(visitor.page), ...visitor.heard()]);
  }
  await visitor.close();
}
