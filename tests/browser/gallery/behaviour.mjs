// What the script does, in a real browser: each check is a fault or passes.

/**
 * @param {import("playwright-core").Browser} browser
 * @param {string} base
 * @param {any} index
 * @param {import("../lib/score.mjs").Score} score
 */
export async function behaviour(browser, base, index, score) {
  const said = [];
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, timezoneId: "Europe/Berlin", locale: "en-GB" });
  context.setDefaultTimeout(60_000);
  const page = await context.newPage();
  page.on("dialog", (dialog) => { said.push(`a dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on("pageerror", (error) => said.push(`script: ${error}`));
  const check = (what, test) => score.check(`gallery script: ${what}`, test);

  await page.goto(`${base}/event.html`);
  await check("the proof is checked without a key", async () => {
    await page.click("[data-check]");
    await page.waitForSelector("[data-result] .notice");
    return (await page.textContent("[data-result] strong")).startsWith("The event is in the tree");
  });
  await check("the proof is checked with the key", async () => {
    await page.click(".proof-check .behind summary");
    await page.fill("[data-vkey]", index.vkey);
    await page.click("[data-check]");
    await page.waitForFunction(() => /^Proven|cannot check/.test(document.querySelector("[data-result] strong")?.textContent ?? ""));
    return (await page.textContent("[data-result] strong")).startsWith("Proven");
  });
  await check("another entry hash is not proven", async () => {
    await page.evaluate(() => { document.querySelector("[data-proof]").dataset.entryHash = "00".repeat(32); });
    await page.click("[data-check]");
    await page.waitForSelector("[data-result] .notice.bad");
    return (await page.textContent("[data-result] strong")).startsWith("NOT PROVEN");
  });
  await check("local times", async () => {
    await page.click("summary[aria-label=Display]");
    await page.click("label[for=pref-clock-local]");
    const cookies = await context.cookies();
    return /^2026-03-10 15:\d\d:\d\d\.\d{3}$/.test(await page.textContent(".event-when time")) && cookies.some((c) => c.name === "auditlog_clock" && c.value === "local");
  });
  await check("dark theme", async () => {
    await page.click("label[for=pref-theme-dark]");
    return (await page.evaluate(() => getComputedStyle(document.body).backgroundColor)) === "rgb(14, 19, 18)";
  });

  await page.goto(`${base}/search.html`);
  await check("/ leads to the query, Esc out of it", async () => {
    await page.keyboard.press("/");
    const inside = await page.evaluate(() => document.activeElement.id === "query");
    await page.keyboard.press("Escape");
    return inside && (await page.evaluate(() => document.activeElement.id !== "query"));
  });
  await check("j, k and x", async () => {
    for (const key of ["j", "j", "k", "x"]) await page.keyboard.press(key);
    return (await page.evaluate(() => [...document.querySelectorAll("tr.event")].findIndex((row) => row.classList.contains("current")))) === 0
      && (await page.isVisible("#event-more-0"));
  });
  await check("? opens help, Esc closes it", async () => {
    await page.keyboard.press("?");
    const open = await page.isVisible("#keys-dialog");
    await page.keyboard.press("Escape");
    return open && !(await page.isVisible("#keys-dialog"));
  });
  await check("completion by the keyboard", async () => {
    await page.fill("#query", "");
    await page.locator("#query").pressSequentially("st");
    await page.waitForSelector("#query-list li");
    const hostile = await page.textContent("#query-list li:nth-child(3) code");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    return (await page.inputValue("#query")) === "status:" && hostile.includes("\\u{202e}");
  });
  await check("the brush goes to a time", async () => {
    await page.goto(`${base}/search.html`);
    const box = await page.locator("[data-histogram]").boundingBox();
    await page.mouse.move(box.x + box.width * 0.25, box.y + 40);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.5, box.y + 40, { steps: 4 });
    const [request] = await Promise.all([page.waitForRequest(/\/search\?/), page.mouse.up()]);
    const query = new URL(request.url()).searchParams;
    return query.get("q") !== null && query.get("since") < query.get("until") && query.get("range") === null;
  });

  await page.goto(`${base}/live.html`);
  await check("live rows come, and no more than so many", async () => {
    await page.waitForFunction(() => document.querySelectorAll("tr.event.fresh").length >= 3);
    return (await page.locator("tr.event").count()) <= 200 && (await page.textContent("[data-live-state]")).includes("Live");
  });
  await check("live text is as harmless as the server's", async () => (await page.locator("tr.fresh img, tr.fresh script").count()) === 0
    && (await page.textContent("tr.fresh .c-type")).startsWith("<script>"));
  await check("pause counts, resume shows", async () => {
    await page.click("[data-pause]");
    const before = await page.locator("tr.event").count();
    await page.waitForSelector("[data-show-new]:not([hidden])");
    await page.waitForFunction(() => /Show \d+ new/.test(document.querySelector("[data-show-new]").textContent));
    const during = await page.locator("tr.event").count();
    await page.click("[data-show-new]");
    await page.waitForFunction((n) => document.querySelectorAll("tr.event").length > n, before);
    return before === during;
  });
  await check("nothing of the hostile pages runs", async () => {
    for (const name of index.pages.filter((name) => name.endsWith("-hostile"))) await page.goto(`${base}/${name}.html`);
    return said.join("; ") || true;
  });
  await context.close();

  const plain = await browser.newContext({ javaScriptEnabled: false, viewport: { width: 1280, height: 800 } });
  const without = await plain.newPage();
  await check("without the script a search can be sent and a time chosen", async () => {
    await without.goto(`${base}/search.html`);
    return (await without.isVisible("form.search button[type=submit]")) && (await without.isVisible("#since")) && !(await without.isVisible("button.fold"));
  });
  await plain.close();
}
