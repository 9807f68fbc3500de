// The search: completion, errors, facets, the bars, addresses, saved queries, downloads.
import { readFile } from "node:fs/promises";
import { ADMINISTRATOR, USER } from "../pages.mjs";

/** What is in the list, in its order. @param {import("playwright-core").Page} page */
const listed = (page) => page.$$eval("tr.event a.open", (all) => all.map((a) => a.getAttribute("href")));
const found = async (page) => Number((await page.textContent("#found-title")).replace(/\D/g, ""));

export async function search(site, { check }) {
  const visitor = await site.visitor(ADMINISTRATOR);
  const { page } = visitor;
  await visitor.go("/search?range=30d");

  await check("completion of a field and of a value comes from the database", async () => {
    await page.locator("#query").pressSequentially("event_t");
    await page.waitForFunction(() => document.querySelector("#query-list li")?.textContent.startsWith("event_type"));
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    if ((await page.inputValue("#query")) !== "event_type:") return page.inputValue("#query");
    await page.locator("#query").pressSequentially("authentication.log");
    await page.waitForFunction(() => document.querySelector("#query-list:not([hidden]) li")?.textContent.startsWith("authentication.log"));
    await page.click("#query-list li:has-text('authentication.login')");
    return (await page.inputValue("#query")).trim() === "event_type:authentication.login" || page.inputValue("#query");
  });
  await check("Enter searches, and the query is in the address", async () => {
    await page.fill("#query", "status:failed");
    await Promise.all([page.waitForURL((url) => url.searchParams.get("q") === "status:failed"), page.press("#query", "Enter")]);
    return (await found(page)) > 0;
  });
  await check("the address gives the same list again, to somebody else, too", async () => {
    await visitor.go("/search?range=30d&q=event_type%3Aauthentication.login&order=oldest&limit=25&cols=time,actor");
    const address = page.url();
    const first = await listed(page);
    await page.reload();
    const again = await listed(page);
    const other = await site.visitor(ADMINISTRATOR);
    await other.page.goto(address);
    const theirs = await listed(other.page);
    await other.close();
    const heads = await page.$$eval("table.events thead th", (all) => all.map((th) => th.textContent.trim()).filter((text) => ["Time", "Actor", "Status", "Resource"].includes(text)).join());
    return (first.length === 25 && first.join() === again.join() && first.join() === theirs.join() && heads === "Time,Actor") || { heads, first: first[0], again: again[0], theirs: theirs[0] };
  });
  await check("the next page has others, the first page comes back", async () => {
    const first = await listed(page);
    await Promise.all([page.waitForURL(/after=/), page.click("a[rel=next]")]);
    const next = await listed(page);
    await page.click("text=First page");
    await page.waitForURL((url) => !url.searchParams.has("after"));
    return (next.length > 0 && next.every((href) => !first.includes(href)) && (await listed(page)).join() === first.join()) || { first, next };
  });
  await check("a wrong query is marked at its place", async () => {
    await visitor.go("/search?range=30d&q=status%3Afailed%20AND%20(severity%3A");
    const marked = await page.textContent(".problem pre");
    const [line, carets] = marked.split("\n");
    const at = Number(/at character (\d+)/.exec(await page.textContent(".problem p"))[1]);
    return (line.startsWith("status:failed AND (severity:") && carets.indexOf("^") === at - 1 && (await page.getAttribute("#query", "aria-invalid")) === "true") || marked;
  });
  await check("a facet narrows, its minus excludes; together they are all", async () => {
    await visitor.go("/search?range=30d");
    const all = await found(page);
    const item = page.locator(".facets li").first();
    const only = await item.locator("a.only").getAttribute("href");
    const without = await item.locator("a.without").getAttribute("href");
    await visitor.go(only);
    const some = await found(page);
    await visitor.go(without);
    const rest = await found(page);
    return (some > 0 && rest > 0 && some + rest >= all && some + rest - all < 40) || { all, some, rest };
  });
  await check("dragging over the bars chooses a time", async () => {
    await visitor.go("/search?range=30d&q=category%3Aauthentication");
    const all = await found(page);
    const box = await page.locator("[data-histogram]").boundingBox();
    await page.mouse.move(box.x + box.width * 0.3, box.y + box.height / 2);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.6, box.y + box.height / 2, { steps: 5 });
    await Promise.all([page.waitForURL(/since=/), page.mouse.up()]);
    const { searchParams } = new URL(page.url());
    const some = await found(page);
    return (searchParams.get("q") === "category:authentication" && searchParams.get("since") < searchParams.get("until") && some > 0 && some < all) || { url: page.url(), some, all };
  });
  await check("a row unfolds and has what fits", async () => {
    await visitor.go("/search?range=30d");
    await page.click("tr.event button.fold >> nth=0");
    return (await page.isVisible("#event-more-0")) && (await page.getAttribute("tr.event button.fold >> nth=0", "aria-expanded")) === "true";
  });
  await check("a query is saved, found as a part of another, and deleted", async () => {
    await visitor.go("/search?range=30d&q=status%3Adenied");
    const denied = await found(page);
    await page.click("summary:has-text('Save this query')");
    await page.fill("#save-name", "denied.browser");
    await page.fill("#save-description", "made by a browser");
    await Promise.all([page.waitForNavigation(), page.click("button:has-text('Save'):visible")]);
    await page.click("summary:has-text('Saved queries')");
    const shown = await page.isVisible(".saved a:has-text('denied.browser')");
    await visitor.go("/search?range=30d&q=_saved_%3Adenied.browser");
    const same = await found(page);
    await page.click("summary:has-text('Saved queries')");
    await Promise.all([page.waitForNavigation(), page.click("button[aria-label='Delete denied.browser']")]);
    return (shown && same === denied && (await page.locator("button[aria-label='Delete denied.browser']").count()) === 0) || { shown, same, denied };
  });
  await check("the download as CSV has all that was found", async () => {
    await visitor.go("/search?range=30d&q=status%3Adenied&limit=25");
    const count = await found(page);
    await page.click("details.downloads summary:has-text('Download')");
    const [download] = await Promise.all([page.waitForEvent("download"), page.click("button[value=csv]")]);
    const text = await readFile(await download.path(), "utf8");
    const head = text.slice(0, text.indexOf("\r\n") > 0 ? text.indexOf("\r\n") : text.indexOf("\n"));
    return (download.suggestedFilename().endsWith(".csv") && head.includes("event_id") && records(text) === count + 1) || { name: download.suggestedFilename(), head, records: records(text), count };
  });
  await check("an incident report is asked for as PDF of what was found", async () => {
    await page.reload();
    await page.click("details.downloads summary:has-text('Download')");
    await Promise.all([page.waitForURL(/\/reports\/\d+$/), page.click("button[value=pdf]")]);
    return (await page.textContent("h1")).includes("incident");
  });
  await check("nothing was said by the browser", async () => visitor.heard().join("; ") || true);
  await visitor.close();

  const user = await site.visitor(USER);
  await check("a user is offered no download, and finds the own events only", async () => {
    await user.go("/search?range=all&cols=time,actor");
    const offered = await user.page.locator("summary:has-text('Download'), summary:has-text('Save this query')").count();
    await user.go("/search?range=all&q=actor.id%3Auser_10000");
    return (offered === 0 && (await user.page.isVisible("text=No events match"))) || { offered };
  });
  await user.close();
}

/** Records of a CSV: line ends outside of quotes. */
function records(text) {
  let [n, quoted] = [0, false];
  for (const character of text) {
    if (character === '"') quoted = !quoted;
    else if (character === "\n" && !quoted) n += 1;
  }
  return text.endsWith("\n") ? n : n + 1;
}
