// Playwright and axe, from where run.sh has installed them (a folder of the cache), or from node_modules beside the tests.
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(dirname(fileURLToPath(import.meta.url)));
const require = createRequire(join(process.env.AUDITLOG_BROWSER_PACKAGES ?? here, "package.json"));

export const { chromium } = require("playwright-core");
export const AxeBuilder = require("@axe-core/playwright").default;

/** Debian's Chromium. Its sandbox needs rights that containers do not give, and the pages are our own. */
export const launch = () => chromium.launch({ executablePath: process.env.AUDITLOG_CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
