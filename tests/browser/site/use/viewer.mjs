// A link for who has no login: made on the search page, opened by somebody else, and good for that list alone.
import { inspect } from "../../lib/inspect.mjs";
import { ANALYST } from "../pages.mjs";

export async function viewer(site, { check }) {
  const maker = await site.visitor(ANALYST);
  let link = "";
  await check("a link is made for a search", async () => {
    await maker.go("/search?range=30d&q=category%3Aauthentication&limit=25");
    await maker.page.click("summary:has-text('Viewer link')");
    await Promise.all([maker.page.waitForURL("**/search/link"), maker.page.click("button:has-text('Make a link')")]);
    link = (await maker.page.textContent("main pre code")).trim();
    return /\/viewer#.+/.test(link) || (await maker.page.textContent("main")).trim();
  });
  // In a browser of its own: no session, no cookie.
  const other = await site.visitor();
  const path = () => link.replace(/^https?:\/\/[^/]+/, "");
  await check("somebody without a login sees the list, and no way elsewhere", async () => {
    await other.page.goto(path());
    await other.page.waitForSelector("table tbody tr");
    const rows = await other.page.locator("table tbody tr").count();
    const links = await other.page.$$eval("a[href^='/']", (all) => all.map((a) => a.getAttribute("href")));
    return (rows > 0 && rows <= 100 && links.every((href) => href.startsWith("/viewer") || href.startsWith("/assets")) && (await other.page.locator("nav.main-nav").count()) === 0) || { rows, links };
  });
  await check("axe and the console have nothing to say of it", async () => {
    const faults = [...(await inspect(other.page)), ...other.heard()];
    return faults.length === 0 || faults;
  });
  await check("without JavaScript the link is put in by hand", async () => {
    const plain = await site.visitor(undefined, { javaScriptEnabled: false });
    await plain.page.goto("/viewer");
    await plain.page.fill("input#link", link);
    await Promise.all([plain.page.waitForResponse((answer) => answer.request().method() === "POST"), plain.page.click("main button[type=submit]")]);
    await plain.page.waitForSelector("table tbody tr");
    await plain.close();
    return true;
  });
  await check("a link that was altered shows nothing", async () => {
    const altered = await site.visitor();
    const at = path().length - 8;
    await altered.page.goto(path().slice(0, at) + (path()[at] === "A" ? "B" : "A") + path().slice(at + 1));
    await altered.page.waitForFunction(() => document.querySelector("main")?.textContent.match(/no link of this server|is over/));
    const rows = await altered.page.locator("table tbody tr").count();
    await altered.close();
    return rows === 0 || rows;
  });
  await other.close();
  await maker.close();
}
