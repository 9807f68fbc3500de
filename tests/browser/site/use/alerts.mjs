// Alerts: previewed, made, tested, muted, changed, deleted; firings acknowledged.
import { ADMINISTRATOR, ANALYST, COMPLIANCE } from "../pages.mjs";

export async function alerts(site, { check }) {
  const visitor = await site.visitor(ADMINISTRATOR);
  const { page } = visitor;
  const said = async () => (await page.textContent("main .notice")).trim();
  const press = async (label) => Promise.all([page.waitForNavigation(), page.click(`#actions button:text-is("${label}"), section:has(#actions-title) button:text-is("${label}")`)]);

  await check("a preview over the past says when it would have fired", async () => {
    await visitor.go("/alerts/new");
    await page.fill("#name", "Made by a browser");
    await page.fill("#condition", "event_type:authentication.login AND status:failed");
    await page.fill("#count", "3");
    await page.fill("#window", "10m");
    await Promise.all([page.waitForNavigation(), page.click("button[value=preview]")]);
    const lines = (await page.$$eval("ol.lines li", (all) => all.map((li) => li.textContent))).join("\n");
    return (/\d/.test(lines) && (await page.inputValue("#name")) === "Made by a browser") || lines;
  });
  await check("a wrong condition is marked, and what was filled in stays", async () => {
    await page.fill("#condition", "status:(");
    await Promise.all([page.waitForNavigation(), page.click("button[value=save]")]);
    return (await page.textContent(".problem pre")).includes("^") && (await page.inputValue("#condition")) === "status:(" && (await page.inputValue("#window")) === "10m";
  });
  await check("it is tested before it is made", async () => {
    await page.fill("#condition", "event_type:authentication.login AND status:failed");
    await Promise.all([page.waitForNavigation(), page.click("button[value=test]")]);
    return (await page.locator("table:has(caption:text('step by step')) tbody tr").count()) > 2;
  });
  await check("it is made, and in the list", async () => {
    await Promise.all([page.waitForURL(/\/alerts\/\d+$/), page.click("button[value=save]")]);
    const made = await said();
    const at = page.url();
    await visitor.go("/alerts");
    const listed = await page.isVisible("table a:has-text('Made by a browser')");
    await page.goto(at);
    return (made.includes("made") && listed) || { made, listed };
  });
  await check("it is changed", async () => {
    await Promise.all([page.waitForURL(/\/edit$/), page.click("a:text-is('Edit')")]);
    await page.fill("#description", "Somebody guesses");
    await Promise.all([page.waitForURL(/\/alerts\/\d+$/), page.click("button[value=save]")]);
    return (await page.textContent(".page-head")).includes("Somebody guesses");
  });
  await check("it is muted, until a time and with a reason, and not any more", async () => {
    await page.click("summary:text-is('Mute …')");
    await page.fill("#mute-until", "2099-01-01T00:00");
    await page.fill("#mute-reason", "a try");
    await press("Mute");
    const muted = await page.textContent("main");
    await press("End the mute");
    return (muted.includes("a try") && !(await page.textContent(".page-head")).includes("muted")) || muted.slice(0, 400);
  });
  await check("it is disabled and enabled", async () => {
    await press("Disable");
    const off = await page.textContent(".event-badges");
    await press("Enable");
    return (off.includes("disabled") && !(await page.textContent(".event-badges")).includes("disabled")) || off;
  });
  await check("it is deleted, after a question", async () => {
    await page.click("summary:text-is('Delete …')");
    await Promise.all([page.waitForURL(/\/alerts$/), page.click("button:text-is('Delete the alert')")]);
    return (await page.locator("a:has-text('Made by a browser')").count()) === 0;
  });
  await check("one that comes with the extension is installed", async () => {
    await page.click("summary:has-text('that come with the extension')");
    await page.check("#install-0");
    await Promise.all([page.waitForNavigation(), page.click("button:text-is('Install')")]);
    return (await said()).includes("installed");
  });
  await check("nothing was said by the browser", async () => visitor.heard().join("; ") || true);
  await visitor.close();

  const analyst = await site.visitor(ANALYST);
  await check("an analyst acknowledges a firing with a note, and makes no alert", async () => {
    await analyst.go("/alerts");
    const waiting = await analyst.page.locator("form.ack").count();
    await analyst.page.fill("form.ack input[name=note] >> nth=0", "a test of ours");
    await Promise.all([analyst.page.waitForNavigation(), analyst.page.click("form.ack button >> nth=0")]);
    const left = await analyst.page.locator("form.ack").count();
    const text = await analyst.page.textContent(".firings");
    return (left === waiting - 1 && text.includes("a test of ours") && text.includes(`Acknowledged by ${ANALYST}`) && (await analyst.page.locator("a[href='/alerts/new']").count()) === 0) || { waiting, left };
  });
  await check("a firing leads to its events", async () => {
    const query = await analyst.page.getAttribute(".firing-facts a[href^='/search'] >> nth=0", "href");
    await analyst.go(query);
    return (await analyst.page.locator("tr.event").count()) > 0 || query;
  });
  await analyst.close();

  const officer = await site.visitor(COMPLIANCE);
  await check("a compliance officer looks on", async () => {
    await officer.go("/alerts");
    return (await officer.page.locator(".firing").count()) > 0 && (await officer.page.locator("form.ack, form[action='/alerts/install']").count()) === 0;
  });
  await officer.close();
}
