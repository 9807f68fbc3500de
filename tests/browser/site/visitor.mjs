// A visitor of the site, and what the browser has to say of each page: errors, refused scripts, requests that go elsewhere.
import { PASSWORD } from "./pages.mjs";
import { routeOf } from "./routes.mjs";

export class Site {
  /**
   * @param {import("playwright-core").Browser} browser
   * @param {string} base
   * @param {import("./routes.mjs").routes} routes
   */
  constructor(browser, base, routes) {
    this.browser = browser;
    this.base = base;
    this.routes = routes;
    /** Routes that somebody got an answer from that was no refusal. */
    this.visited = new Set();
  }

  /**
   * Somebody who logs in by the form; nobody in particular without a name.
   * @param {string} [user]
   * @param {import("playwright-core").BrowserContextOptions} [look]
   */
  async visitor(user, look = {}) {
    const context = await this.browser.newContext({
      baseURL: this.base, viewport: { width: 1280, height: 800 }, locale: "en-GB", timezoneId: "Europe/Berlin", reducedMotion: "reduce", ...look,
    });
    // Machines that compile beside it are slow.
    context.setDefaultTimeout(120_000);
    const visitor = new Visitor(this, context);
    await visitor.open();
    if (user) await visitor.signIn(user);
    return visitor;
  }

  /** @param {"GET"|"POST"} method @param {string} url @param {number} status */
  note(method, url, status) {
    const address = new URL(url);
    if (address.origin !== this.base || status >= 400) return;
    const route = routeOf(this.routes, method, address.pathname);
    if (route) this.visited.add(`${route.method} ${route.path}`);
  }

  /** Routes that nobody has used. */
  left() {
    return this.routes.map((route) => `${route.method} ${route.path}`).filter((route) => !this.visited.has(route));
  }
}

class Visitor {
  /** What the browser said since it was asked last. @type {string[]} */
  said = [];

  /** @param {Site} site @param {import("playwright-core").BrowserContext} context */
  constructor(site, context) {
    this.site = site;
    this.context = context;
  }

  async open() {
    const page = await this.context.newPage();
    this.page = page;
    // What the policy forbids is told as an event; scripts are off for some visitors, whose console says the same.
    await page.addInitScript(() => {
      document.addEventListener("securitypolicyviolation", (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
    });
    page.on("console", (message) => {
      // An answer that is no success is told there, too; which status was expected the walk knows better.
      if (message.type() === "error" && !/Failed to load resource: the server responded with a status of/.test(message.text())) this.said.push(`console: ${message.text()}`);
    });
    page.on("pageerror", (error) => this.said.push(`script: ${error}`));
    page.on("dialog", (dialog) => {
      // Questions before what cannot be undone are the product's own; anything else was put there by the log.
      if (dialog.type() !== "confirm") this.said.push(`a dialog: ${dialog.message()}`);
      dialog.accept().catch(() => {});
    });
    page.on("request", (request) => {
      const { protocol, origin } = new URL(request.url());
      if (origin !== this.site.base && protocol !== "data:" && protocol !== "blob:") this.said.push(`a request elsewhere: ${request.url()}`);
    });
    page.on("response", (response) => {
      this.site.note(response.request().method(), response.url(), response.status());
      if (response.status() >= 500) this.said.push(`${response.request().method()} ${response.url()}: ${response.status()}`);
    });
  }

  /** @param {string} user */
  async signIn(user) {
    await this.page.goto("/login?return_to=%2Fhelp%2Fquery");
    await this.page.fill("#user", user);
    await this.page.fill("#password", PASSWORD);
    await Promise.all([this.page.waitForURL("**/help/query"), this.page.click("main button[type=submit]")]);
  }

  /** Goes there; the status of the answer. @param {string} path */
  async go(path) {
    const answer = await this.page.goto(path, { waitUntil: "load" });
    await this.page.waitForSelector("html.js");
    return answer.status();
  }

  /** What was said since the last time. */
  heard() {
    return this.said.splice(0);
  }

  async close() {
    await this.context.close();
  }
}
