// One event: what changed, copies, and the check of its proof, which must fail for a byte that is another.
import { readFile } from "node:fs/promises";
import { ADMINISTRATOR, USER } from "../pages.mjs";

const RESULT = "[data-result] strong";

export async function event(site, { check }) {
  const visitor = await site.visitor(ADMINISTRATOR);
  const { page } = visitor;
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"], { origin: site.base });
  await visitor.go("/integrity");
  const key = (await page.textContent(".command pre code")).trim();
  await visitor.go("/events/evt_browser_rich");

  const proven = async () => {
    await page.evaluate(() => document.querySelector("[data-result]").replaceChildren());
    await page.click("[data-check]");
    await page.waitForFunction((place) => /^(Proven|NOT PROVEN|Not checked|The event is)/.test(document.querySelector(place)?.textContent ?? ""), RESULT);
    return page.textContent(RESULT);
  };
  /** The proof with a change, on its way to the page. */
  const tampered = async (change) => {
    await page.route("**/evt_browser_rich/proof", async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, body: change(await response.text()) });
    });
    await page.reload();
    const said = await proven();
    await page.unroute("**/evt_browser_rich/proof");
    return said;
  };
  /** Another character of base64 in the middle of a line. */
  const other = (text, line) => {
    const lines = text.split("\n");
    const at = Math.floor(lines[line].length / 2);
    lines[line] = lines[line].slice(0, at) + (lines[line][at] === "A" ? "B" : "A") + lines[line].slice(at + 1);
    return lines.join("\n");
  };

  await check("what has changed is shown, before and after", async () => {
    const changed = await page.textContent("section:has(#changes-title), #changes");
    return (changed.includes("public") && changed.includes("reviewed")) || changed;
  });
  await check("the proof is checked without a key, which is said", async () => {
    const said = await proven();
    return said.startsWith("The event is in the tree") || said;
  });
  await check("the proof is valid with the log's key", async () => {
    await page.click(".proof-check .behind summary");
    await page.fill("[data-vkey]", key);
    const said = await proven();
    return said.startsWith("Proven") || said;
  });
  await check("with another key it is not", async () => {
    await page.fill("[data-vkey]", other(key, 0));
    const said = await proven();
    return /^(NOT PROVEN|Not checked)/.test(said) || said;
  });
  await check("the key that proved it is kept in this browser", async () => {
    await page.reload();
    await page.click(".proof-check .behind summary");
    return (await page.inputValue("[data-vkey]")) === key;
  });
  await check("a proof with another byte in a hash is not valid", async () => {
    const said = await tampered((text) => other(text, text.split("\n").findIndex((line) => /^[A-Za-z0-9+/]{43}=$/.test(line))));
    return said.startsWith("NOT PROVEN") || said;
  });
  await check("a checkpoint with another byte in its root is not valid", async () => {
    const said = await tampered((text) => {
      const lines = text.split("\n");
      return other(text, lines.findLastIndex((line) => /^[A-Za-z0-9+/]{43}=$/.test(line)));
    });
    return said.startsWith("NOT PROVEN") || said;
  });
  await check("a checkpoint whose signature has another byte is not valid", async () => {
    const said = await tampered((text) => other(text, text.split("\n").findLastIndex((line) => line.startsWith("— "))));
    return said.startsWith("NOT PROVEN") || said;
  });
  await check("and untouched it is valid again", async () => {
    await page.reload();
    const said = await proven();
    return said.startsWith("Proven") || said;
  });
  await check("proof and document are downloaded", async () => {
    const [proof] = await Promise.all([page.waitForEvent("download"), page.click("text=Inclusion proof")]);
    const [document] = await Promise.all([page.waitForEvent("download"), page.click("text=Event as JSON")]);
    const lines = await readFile(await proof.path(), "utf8");
    const json = JSON.parse(await readFile(await document.path(), "utf8"));
    return (lines.startsWith("c2sp.org/tlog-proof@v1") && json.event_id === "evt_browser_rich") || { lines: lines.slice(0, 40), json };
  });
  await check("the SQL is copied", async () => {
    await page.click(".command:has-text('psql') button:has-text('Copy')");
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    return copied === "SELECT * FROM auditlog.events WHERE event_id = 'evt_browser_rich';" || copied;
  });
  await check("hostile texts are texts", async () => {
    await visitor.go("/events/evt_browser_hostile");
    const made = await page.locator("main :is(img, script, iframe, object)").count();
    return (made === 0 && (await page.textContent("main")).includes("\\u{202e}")) || made;
  });
  await check("nothing was said by the browser", async () => visitor.heard().join("; ") || true);
  await visitor.close();

  const user = await site.visitor(USER);
  await check("a user is offered no proof, and not another's event", async () => {
    await user.go("/events/evt_browser_rich");
    const offered = await user.page.locator("[data-proof]").count();
    const status = await user.page.evaluate(async () => (await fetch("/api/v1/audit-logs/evt_browser_rich/proof")).status);
    return (offered === 0 && status === 403) || { offered, status };
  });
  await user.close();
}
