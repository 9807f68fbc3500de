// Reports: asked for, watched, downloaded.
import { readFile } from "node:fs/promises";
import { COMPLIANCE } from "../pages.mjs";

/** The first of a month, so many ago, as datetime-local has it. */
const month = (back) => new Date(Date.UTC(new Date().getUTCFullYear(), new Date().getUTCMonth() - back, 1)).toISOString().slice(0, 16);

export async function reports(site, { check }) {
  const visitor = await site.visitor(COMPLIANCE);
  const { page } = visitor;
  const saved = async (link) => {
    // The proof is there once a checkpoint covers the report; until then the server has none to give, and Chromium cancels.
    for (let tries = 1; ; tries += 1) {
      const [download] = await Promise.all([page.waitForEvent("download"), page.click(link)]);
      const failure = await download.failure();
      if (failure === null) {
        site.note("GET", download.url(), 200);
        return { name: download.suggestedFilename(), bytes: await readFile(await download.path()) };
      }
      if (!link.includes("/proof") || tries === 30) throw new Error(`${link}: ${failure}`);
      await page.waitForTimeout(1_000);
    }
  };

  await check("a period that ends before it begins is refused in place", async () => {
    await visitor.go("/reports");
    await page.selectOption("#framework", "gdpr");
    await page.fill("#report-since", month(0));
    await page.fill("#report-until", month(1));
    await Promise.all([page.waitForNavigation(), page.click("button:text-is('Make the report')")]);
    return (await page.isVisible(".notice.bad")) && (await page.inputValue("#framework")) === "gdpr" && (await page.inputValue("#report-since")).startsWith(month(0));
  });
  await check("framework and period are chosen, and it is made while one looks", async () => {
    await page.fill("#report-since", month(1));
    await page.fill("#report-until", month(0));
    await Promise.all([page.waitForURL(/\/reports\/\d+$/), page.click("button:text-is('Make the report')")]);
    // The page asks how far it is, and comes again by itself.
    await page.waitForSelector("a[href$='/files/pdf']", { timeout: 120_000 });
    return ((await page.textContent("h1")).includes("GDPR") && (await page.locator("ul.files a[download]").count()) === 5) || page.textContent("main");
  });
  await check("the PDF is one", async () => {
    const { name, bytes } = await saved("a[href$='/files/pdf']");
    return (name.endsWith(".pdf") && bytes.subarray(0, 5).toString() === "%PDF-" && bytes.subarray(-1024).includes("%%EOF")) || name;
  });
  await check("JSON, CSV, manifest and proof are what they say", async () => {
    const json = JSON.parse((await saved("a[href$='/files/json']")).bytes);
    const csv = (await saved("a[href$='/files/csv']")).bytes.toString();
    const proof = (await saved("a[href$='/proof']")).bytes.toString();
    return (typeof json === "object" && csv.split("\n").length > 3 && proof.length > 100) || { csv: csv.slice(0, 200), proof: proof.slice(0, 200) };
  });
  await check("an incident report is made of a query", async () => {
    await visitor.go("/reports");
    await page.click("summary:has-text('Who and what was affected')");
    await page.fill("#incident-name", "Guessed passwords");
    await page.fill("#incident-query", "event_type:authentication.login AND status:failed");
    await page.fill("#incident-since", month(1));
    await page.fill("#incident-until", month(0));
    await Promise.all([page.waitForURL(/\/reports\/\d+$/), page.click("button:text-is('Make it')")]);
    await page.waitForSelector("a[href$='/files/pdf']", { timeout: 120_000 });
    return (await page.textContent("h1")).includes("Guessed passwords");
  });
  await check("a report of one's own is made and cancelled, or is there", async () => {
    await visitor.go("/reports");
    await Promise.all([page.waitForURL(/\/reports\/\d+$/), page.click("button[aria-label='Make weekly-denials now']")]);
    const at = new URL(page.url()).pathname;
    // It may be done before somebody can cancel it: then the database says so, and that is not a fault of the page.
    const token = await page.getAttribute("form[action='/logout'] input[name=csrf_token]", "value");
    const post = (action) => page.evaluate(async ([to, csrf]) => {
      const answer = await fetch(to, { method: "POST", body: new URLSearchParams({ csrf_token: csrf }) });
      return [answer.status, answer.url];
    }, [`${at}/${action}`, token]);
    const [cancelled, where] = await post("cancel");
    const [retried] = await post("retry");
    return ([cancelled, retried].every((status) => status < 500) && where.includes("/reports/")) || { cancelled, retried, where };
  });
  await check("nothing was said by the browser", async () => visitor.heard().join("; ") || true);
  await visitor.close();
}
