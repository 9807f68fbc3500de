// The live view: events come by themselves, wait in a pause, and are filtered.
import { ADMINISTRATOR, ANALYST, USER } from "../pages.mjs";

const FRESH = "tr.event.fresh";

export async function live(site, { check }) {
  const visitor = await site.visitor(ADMINISTRATOR);
  // Whoever looks at a page makes an event of it: that is what comes.
  const other = await site.visitor(ANALYST);
  const { page } = visitor;
  const opened = async (path) => {
    await visitor.go(path);
    await page.waitForFunction(() => document.querySelector("[data-live-state]").textContent.includes("Live"));
  };
  const happens = () => other.go("/search?range=1h&q=live.browser");
  const fresh = () => page.locator(FRESH).count();

  await check("events come, without loading the page", async () => {
    await opened("/live");
    await happens();
    await page.waitForSelector(FRESH);
    const time = await page.getAttribute(`${FRESH} time`, "datetime");
    return Math.abs(Date.now() - Date.parse(time)) < 60_000 || time;
  });
  await check("in a pause they are counted, and then they are shown", async () => {
    await page.click("[data-pause]");
    const before = await fresh();
    await happens();
    await page.waitForFunction(() => /^Show \d+ new$/.test(document.querySelector("[data-show-new]:not([hidden])")?.textContent ?? ""));
    const during = await fresh();
    await page.click("[data-show-new]");
    await page.waitForFunction(([row, n]) => document.querySelectorAll(row).length > n, [FRESH, before]);
    return (before === during && (await page.textContent("[data-live-state]")).includes("Live")) || { before, during };
  });
  await check("a fresh row leads to its event", async () => {
    const href = await page.getAttribute(`${FRESH} a.open`, "href");
    return (await page.evaluate(async (to) => (await fetch(to)).status, href)) === 200;
  });
  await check("types and a query filter what comes", async () => {
    await opened("/live?types=auditlog.login_failed&types=authentication.*&q=status%3Afailed");
    await happens();
    await opened("/live?q=event_type%3Aauditlog.search&types=auditlog.*");
    await happens();
    await page.waitForSelector(FRESH);
    const kinds = new Set(await page.$$eval(`${FRESH} .c-type`, (all) => all.map((cell) => cell.textContent.trim().split(" ")[0])));
    return [...kinds].join() === "auditlog.search" || [...kinds].join();
  });
  await check("types are chosen in the form", async () => {
    await visitor.go("/live");
    await page.click(".types-choice summary");
    await page.check(".types-choice input[value='authentication.login']");
    await Promise.all([page.waitForURL(/types=authentication\.login/), page.click(".types-choice button:has-text('Apply')")]);
    return page.isChecked(".types-choice input[value='authentication.login']");
  });
  await check("p pauses", async () => {
    await opened("/live");
    await page.keyboard.press("p");
    return (await page.textContent("[data-live-state]")).includes("Paused");
  });
  await check("nothing was said by the browser", async () => [...visitor.heard(), ...other.heard()].join("; ") || true);

  const user = await site.visitor(USER);
  await check("a user gets the own events only", async () => {
    await user.go("/live");
    await user.page.waitForFunction(() => document.querySelector("[data-live-state]").textContent.includes("Live"));
    await happens();
    await opened("/live");
    await happens();
    // What the administrator has got the user would have got by now.
    await page.waitForSelector(FRESH);
    const actors = await user.page.$$eval(`${FRESH} .c-actor`, (all) => [...new Set(all.map((cell) => cell.textContent.trim()))]);
    return actors.every((actor) => ["user_10021", USER].includes(actor)) || actors;
  });
  await user.close();
  await other.close();
  await visitor.close();
}
