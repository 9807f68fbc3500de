// The keyboard alone, and what is kept of preferences.
import { ADMINISTRATOR } from "../pages.mjs";

export async function keyboard(site, { check }) {
  const visitor = await site.visitor(ADMINISTRATOR);
  const { page } = visitor;
  const dark = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor === "rgb(14, 19, 18)");
  await visitor.go("/search?range=30d");

  await check("/ leads to the query, Esc out of it", async () => {
    await page.keyboard.press("/");
    const inside = await page.evaluate(() => document.activeElement.id);
    await page.keyboard.press("Escape");
    return (inside === "query" && (await page.evaluate(() => document.activeElement.id)) !== "query" && (await page.inputValue("#query")) === "") || inside;
  });
  await check("j and k go through the events, Enter opens the one", async () => {
    for (const key of ["j", "j", "j", "k"]) await page.keyboard.press(key);
    const href = await page.getAttribute("tr.event.current a.open", "href");
    const second = await page.getAttribute("tr.event a.open >> nth=1", "href");
    await Promise.all([page.waitForURL(/\/events\//), page.keyboard.press("Enter")]);
    return (href === second && page.url().endsWith(href)) || { href, second, at: page.url() };
  });
  await check("[ and ] lead to the events before and after", async () => {
    await page.waitForSelector("html.js");
    const first = page.url();
    await Promise.all([page.waitForURL((url) => url.href !== first), page.keyboard.press("[")]);
    await page.waitForSelector("html.js");
    await Promise.all([page.waitForURL(first), page.keyboard.press("]")]);
    return page.url() === first;
  });
  await check("? shows the keys, Esc closes them", async () => {
    await page.waitForSelector("html.js");
    await page.keyboard.press("?");
    const open = await page.isVisible("#keys-dialog");
    await page.keyboard.press("Escape");
    return open && !(await page.isVisible("#keys-dialog"));
  });
  await check("g and a letter lead through the site", async () => {
    for (const [key, path] of [["s", "/search"], ["l", "/live"], ["a", "/alerts"], ["r", "/reports"], ["o", "/"]]) {
      await page.waitForSelector("html.js");
      await page.keyboard.press("g");
      await Promise.all([page.waitForURL((url) => url.pathname === path), page.keyboard.press(key)]);
    }
    return true;
  });
  await check("letters in a query are letters", async () => {
    await visitor.go("/search?range=30d");
    await page.keyboard.press("/");
    await page.keyboard.type("jk?gx");
    return (await page.inputValue("#query")) === "jk?gx" && !(await page.isVisible("#keys-dialog"));
  });
  await check("Tab begins at the link to the content, and the focus is seen", async () => {
    await visitor.go("/");
    await page.keyboard.press("Tab");
    const first = await page.evaluate(() => ({ text: document.activeElement.textContent, top: document.activeElement.getBoundingClientRect().top }));
    await page.keyboard.press("Enter");
    await page.keyboard.press("Tab");
    const outline = await page.evaluate(() => ({ inMain: document.activeElement.closest("main") !== null, style: getComputedStyle(document.activeElement).outlineStyle }));
    return (first.text === "Skip to content" && first.top >= 0 && outline.inMain && outline.style !== "none") || { first, outline };
  });
  await check("the theme that was chosen stays, on the server's next page from the first moment", async () => {
    await page.click("summary[aria-label=Display]");
    await page.click("label[for=pref-theme-dark]");
    const now = await dark();
    const [answer] = await Promise.all([page.waitForResponse((response) => response.url().endsWith("/search")), page.goto("/search")]);
    const served = (await answer.text()).includes('data-theme="dark"');
    const later = await dark();
    await page.click("summary[aria-label=Display]");
    await page.click("label[for=pref-theme-light]");
    await page.goto("/live");
    return (now && served && later && !(await dark())) || { now, served, later };
  });
  await check("local times stay, too", async () => {
    await visitor.go("/events/evt_browser_rich");
    const utc = await page.textContent(".event-when time");
    await page.click("summary[aria-label=Display]");
    await page.click("label[for=pref-clock-local]");
    await visitor.go("/events/evt_browser_rich");
    const local = await page.textContent(".event-when time");
    const hour = (text) => Number(/ (\d\d):/.exec(text)[1]);
    return [1, 2].includes((hour(local) - hour(utc) + 24) % 24) || { utc, local };
  });
  await check("signing out ends the session", async () => {
    await page.click("summary[aria-label=Account]");
    await Promise.all([page.waitForURL(/\/login$/), page.click("form[action='/logout'] button")]);
    await page.goto("/search");
    return page.url().includes("/login?return_to=%2Fsearch") || page.url();
  });
  await check("nothing was said by the browser", async () => visitor.heard().join("; ") || true);
  await visitor.close();
}
