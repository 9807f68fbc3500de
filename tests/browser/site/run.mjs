// A running server with demonstration events, as its visitors use it (run.sh starts one):
//   node site/run.mjs --base http://127.0.0.1:8480 [walk] [use] [pictures] [docs] [--all] [--out DIR] [--only NAME,…]
//
//   walk       every page as every role and as nobody (walk.mjs); --all: in all four looks
//   use        what the script and the forms do with the server's own answers (use/)
//   pictures   of every page, to be looked at (pictures.mjs), into DIR
//   docs       those of docs/dashboard.md, into DIR
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { launch } from "../lib/packages.mjs";
import { Score } from "../lib/score.mjs";
import { documentation, pictures } from "./pictures.mjs";
import { routes } from "./routes.mjs";
import { use } from "./use.mjs";
import { Site } from "./visitor.mjs";
import { walk } from "./walk.mjs";

const { values: options, positionals } = parseArgs({ allowPositionals: true, options: {
  base: { type: "string" }, all: { type: "boolean" }, out: { type: "string", default: "pictures" }, only: { type: "string" },
} });
const parts = positionals.length > 0 ? positionals : ["walk", "use"];
const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));
const browser = await launch();
const score = new Score();
const site = new Site(browser, options.base, await routes(root));

if (parts.includes("walk")) await walk(site, score, options.all ?? false);
if (parts.includes("use")) await use(site, score, options.only?.split(","));
if (parts.includes("walk") && parts.includes("use")) score.tell(`each of the ${site.routes.length} routes of the pages was used`, site.left());
if (parts.includes("pictures")) await pictures(site, options.out, options.only?.split(","));
if (parts.includes("docs")) await documentation(site, options.out);
await browser.close();
if (parts.includes("walk") || parts.includes("use")) process.exitCode = score.close();
