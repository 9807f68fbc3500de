// The site with JavaScript switched off.
import { ADMINISTRATOR, COMPLIANCE } from "../pages.mjs";

export async function plain(site, { check }) {
  const visitor = await site.visitor(ADMINISTRATOR, { javaScriptEnabled: false });
  const { page } = visitor;
  const go = (path) => page.goto(path);

  await check("logging in, and the overview", async () => {
    await go("/?range=30d");
    return (await page.locator("nav.main-nav a").count()) === 6 && (await page.isVisible("h1"));
  });
  await check("a search with a time of one's own, and its next page", async () => {
    await go("/search?range=30d");
    await page.fill("#query", "category:authentication");
    await page.selectOption("#range", "custom");
    const day = 24 * 3600 * 1000;
    await page.fill("#since", new Date(Date.now() - 20 * day).toISOString().slice(0, 19));
    await page.fill("#until", new Date(Date.now() - 2 * day).toISOString().slice(0, 19));
    await page.click("summary:has-text('Columns and order')");
    await page.selectOption("#limit", "25");
    await Promise.all([page.waitForURL(/q=category/), page.click("form.search button[type=submit]")]);
    const first = await page.$$eval("tr.event a.open", (all) => all.map((a) => a.getAttribute("href")));
    await Promise.all([page.waitForURL(/after=/), page.click("a[rel=next]")]);
    const next = await page.getAttribute("tr.event a.open >> nth=0", "href");
    return (first.length === 25 && !first.includes(next)) || { first, next };
  });
  await check("an event, all of it, and its proof as a file", async () => {
    await page.click("tr.event a.open >> nth=0");
    await page.waitForURL(/\/events\//);
    const [proof] = await Promise.all([page.waitForEvent("download"), page.click("text=Inclusion proof")]);
    return (await page.isVisible("#proof, h2:has-text('Integrity')")) && !(await page.isVisible("[data-check]")) && proof.suggestedFilename() !== "";
  });
  await check("the live view says that it is not live, and loads newer events", async () => {
    await go("/live");
    const said = await page.textContent("[data-live-state]");
    await Promise.all([page.waitForNavigation(), page.click("a:has-text('Load newer events')")]);
    return said.includes("Not live without the script") && (await page.locator("tr.event").count()) > 0;
  });
  await check("alerts, and one acknowledged", async () => {
    await go("/alerts");
    const waiting = await page.locator("form.ack").count();
    await page.fill("form.ack input[name=note] >> nth=-1", "seen without a script");
    await Promise.all([page.waitForNavigation(), page.click("form.ack button >> nth=-1")]);
    return (await page.locator("form.ack").count()) < waiting && (await page.textContent(".firings")).includes("seen without a script");
  });
  await check("a download", async () => {
    await go("/search?range=30d&q=status%3Adenied");
    await page.click("details.downloads summary:has-text('Download')");
    const [download] = await Promise.all([page.waitForEvent("download"), page.click("button[value=json]")]);
    return download.suggestedFilename().endsWith(".json");
  });
  await check("preferences", async () => {
    await page.click("summary[aria-label=Display]");
    await page.click("label[for=pref-theme-dark]");
    await Promise.all([page.waitForNavigation(), page.click("[data-preferences-apply]")]);
    return (await page.getAttribute("html", "data-theme")) === "dark";
  });
  await visitor.close();

  const officer = await site.visitor(COMPLIANCE, { javaScriptEnabled: false });
  await check("a report is asked for, and is there when the page is loaded again", async () => {
    await officer.page.goto("/reports");
    await Promise.all([officer.page.waitForURL(/\/reports\/\d+$/), officer.page.click("button:text-is('Make the report')")]);
    for (let i = 0; i < 120 && (await officer.page.locator("a[href$='/files/pdf']").count()) === 0; i += 1) {
      await new Promise((resolve) => setTimeout(resolve, 1000));
      await officer.page.reload();
    }
    return officer.page.isVisible("a[href$='/files/pdf']");
  });
  await officer.close();
}
