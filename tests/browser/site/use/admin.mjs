// The forms of administration: each is filled in as an administrator does, and what it changed is looked for in the page.
import { ADMINISTRATOR, ANALYST, USER } from "../pages.mjs";

const NOWHERE = '{"url": "https://127.0.0.1:9/browser"}';

export async function admin(site, { check }) {
  const visitor = await site.visitor(ADMINISTRATOR);
  const { page } = visitor;
  /** Sends a form: the page that follows, in words. */
  const send = async (button) => {
    await Promise.all([page.waitForNavigation(), page.click(button)]);
    return (await page.textContent("main")).replace(/\s+/g, " ");
  };
  const row = (name) => page.locator(`tr:has(th:has-text("${name}"))`);
  /** A button among the actions of a row. */
  const act = async (name, button) => {
    await row(name).locator("details.behind > summary").first().click();
    await Promise.all([page.waitForNavigation(), row(name).locator(`button:text-is("${button}")`).click()]);
    return (await row(name).count()) > 0 ? (await row(name).textContent()).replace(/\s+/g, " ") : "";
  };

  await check("a plan of retention, a policy that is wrong, one that is right, a round", async () => {
    await visitor.go("/admin/retention");
    await page.fill("#plan-at", "2037-01-01T00:00");
    const plan = await send("button:text-is('Plan')");
    const written = await page.inputValue("#definition");
    await page.fill("#definition", "retention_policies:\n  - event_types: [authentication.*\n");
    const wrong = await send("button:text-is('Set the policy')");
    const kept = await page.inputValue("#definition");
    await page.fill("#definition", written);
    const right = await send("button:text-is('Set the policy')");
    const round = await send("button:text-is('Make a round now')");
    return (plan.includes("What will happen") && wrong.includes("The policy was not set") && kept.includes("authentication.*") && /Version \d+ is in force/.test(right) && !round.includes("not set")) || { wrong, right, round };
  });
  await check("a hold is made and released", async () => {
    await visitor.go("/admin/holds");
    await page.fill("#hold-name", "browser 1");
    await page.fill("#hold-query", "actor.id:(");
    await page.fill("#hold-reason", "a try");
    await send("button:text-is('Hold')");
    const marked = await page.textContent(".problem pre");
    const kept = await page.inputValue("#hold-name") + (await page.inputValue("#hold-reason"));
    await page.fill("#hold-query", "actor.id:user_10007");
    await page.fill("#hold-until", "2099-01-01T00:00");
    await send("button:text-is('Hold')");
    const held = (await row("browser 1").textContent()).includes("active");
    await row("browser 1").locator("details.behind > summary").click();
    await row("browser 1").locator("input[name=reason]").fill("it was a try");
    await Promise.all([page.waitForNavigation(), row("browser 1").locator("button:text-is('Release')").click()]);
    return (marked.includes("^") && kept === "browser 1a try" && held && (await row("browser 1").textContent()).includes("released")) || { marked, kept, held };
  });
  await check("a sink is added, paused, resumed, tested and removed", async () => {
    await visitor.go("/admin/sinks");
    await page.click("summary:text-is('Add a sink …')");
    await page.fill("#sink-name", "browser");
    await page.selectOption("#sink-kind", "http");
    await page.fill("#sink-config", "no JSON");
    const wrong = await send("button:text-is('Add')");
    if (!wrong.includes("no JSON")) return wrong.slice(0, 400);
    // What was filled in is still there.
    if ((await page.inputValue("#sink-name")) !== "browser" || (await page.inputValue("#sink-kind")) !== "http") return "the form is empty again";
    await page.fill("#sink-config", NOWHERE);
    await page.fill("#sink-query", "severity:>=error");
    await send("button:text-is('Add')");
    const paused = await act("browser", "Pause");
    const resumed = await act("browser", "Resume");
    await act("browser", "Test");
    const tested = await page.isVisible("h2:has-text('Test of browser')");
    const removed = await act("browser", "Remove");
    return (paused.includes("paused") && !resumed.includes("paused") && tested && removed === "") || { paused, resumed, tested, removed };
  });
  await check("a channel is added, disabled, enabled and removed", async () => {
    await visitor.go("/admin/channels");
    await page.click("summary:text-is('Add a channel …')");
    await page.fill("#channel-name", "browser");
    await page.selectOption("#channel-kind", "webhook");
    await page.fill("#channel-config", NOWHERE);
    await page.selectOption("#channel-severity", "error");
    await send("button:text-is('Add')");
    const disabled = await act("browser", "Disable");
    const enabled = await act("browser", "Enable");
    const removed = await act("browser", "Remove");
    return (disabled.includes("disabled") && !enabled.includes("disabled") && removed === "") || { disabled, enabled, removed };
  });
  await check("a job gets another schedule, is disabled, enabled and removed", async () => {
    await visitor.go("/admin/jobs");
    const job = row("heartbeat");
    await job.locator("details.behind > summary").click();
    await job.locator("input[name=schedule]").fill("0 4 * * 1");
    await Promise.all([page.waitForNavigation(), job.locator("button:text-is('Change')").click()]);
    const changed = (await job.textContent()).includes("0 4 * * 1");
    const disabled = await act("heartbeat", "Disable");
    const enabled = await act("heartbeat", "Enable");
    const removed = await act("heartbeat", "Remove");
    return (changed && disabled.includes("disabled") && !enabled.includes("disabled") && removed === "") || { changed, disabled, enabled, removed };
  });
  await check("a principal is added and removed", async () => {
    await visitor.go("/admin/principals");
    await page.click("summary:text-is('Add a principal …')");
    await page.fill("#p-actor", "user_browser");
    await page.fill("#p-email", "browser@example.com");
    await page.fill("#p-teams", "web, data");
    await send("button:text-is('Add')");
    const added = (await row("user_browser").textContent()).includes("browser@example.com");
    await Promise.all([page.waitForNavigation(), page.click("button[aria-label='Remove user_browser']")]);
    return (added && (await row("user_browser").count()) === 0) || { added };
  });
  await check("a token is made, works, is not shown again, and is revoked", async () => {
    await visitor.go("/admin/tokens");
    await page.fill("#token-name", "browser token");
    await send("button:text-is('Make a token')");
    const token = (await page.textContent(".notice .command pre code")).trim();
    const ask = () => site.browser.newContext().then(async (context) => {
      const { status } = await context.request.get(`${site.base}/api/v1/whoami`, { headers: { Authorization: `Bearer ${token}` } }).then((answer) => ({ status: answer.status() }));
      await context.close();
      return status;
    });
    const used = await ask();
    await visitor.go("/admin/tokens");
    const again = (await page.content()).includes(token);
    await Promise.all([page.waitForNavigation(), page.click("button[aria-label='Revoke browser token']")]);
    const revoked = (await row("browser token").textContent()).includes("revoked");
    const after = await ask();
    return (used === 200 && !again && revoked && after === 401) || { used, again, revoked, after };
  });
  await check("what a channel was refused for good is sent again", async () => {
    await visitor.go("/admin/channels");
    const [button] = await page.$$("button:text-is('Send again')");
    const number = /\d+/.exec(await button.getAttribute("aria-label"))[0];
    const said = await send(`button[aria-label="Send number ${number} again"]`);
    return said.includes("The notification is sent again") || said.slice(0, 300);
  });
  await check("nothing was said by the browser", async () => visitor.heard().join("; ") || true);
  await visitor.close();

  for (const role of [ANALYST, USER]) {
    const other = await site.visitor(role);
    await check(`${role} is refused by every form of administration`, async () => {
      await other.go("/admin/tokens");
      const csrf = await other.page.getAttribute("form[action='/logout'] input[name=csrf_token]", "value");
      const forms = site.routes.filter(({ method, path }) => method === "POST" && path.startsWith("/admin/") && !path.includes("tokens")).map(({ path }) => path.replace("{name}", "siem").replace("{id}", "1").replace("{action}", "delete"));
      const answers = await other.page.evaluate(async ([all, token]) => {
        const found = [];
        for (const to of all) found.push(`${to} ${(await fetch(to, { method: "POST", body: new URLSearchParams({ csrf_token: token, id: "1" }) })).status}`);
        return found;
      }, [forms, csrf]);
      return (forms.length > 6 && answers.every((answer) => answer.endsWith(" 403"))) || answers;
    });
    await other.close();
  }
}
