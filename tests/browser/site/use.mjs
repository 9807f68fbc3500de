// What the pages do with the server's own answers, subject by subject.
import { admin } from "./use/admin.mjs";
import { alerts } from "./use/alerts.mjs";
import { event } from "./use/event.mjs";
import { keyboard } from "./use/keyboard.mjs";
import { live } from "./use/live.mjs";
import { plain } from "./use/plain.mjs";
import { reports } from "./use/reports.mjs";
import { search } from "./use/search.mjs";
import { viewer } from "./use/viewer.mjs";

const SUBJECTS = { search, event, live, alerts, reports, admin, keyboard, plain, viewer };

/**
 * @param {import("./visitor.mjs").Site} site
 * @param {import("../lib/score.mjs").Score} score
 * @param {string[]} [only] subjects
 */
export async function use(site, score, only = Object.keys(SUBJECTS)) {
  const begun = Object.entries(SUBJECTS).filter(([name]) => only.includes(name));
  // Two at once; each has visitors of its own.
  await Promise.all([0, 1].map(async () => {
    for (let next = begun.shift(); next; next = begun.shift()) {
      const [name, subject] = next;
      // What goes wrong between the checks is a fault as well, and the other subjects go on.
      await subject(site, { check: (what, test) => score.check(`${name}: ${what}`, test) }).catch((error) => score.tell(`${name}: to the end`, [String(error).split("\n")[0]]));
    }
  }));
}
