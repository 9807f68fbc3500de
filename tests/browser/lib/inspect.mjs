// What is wrong with a page as it stands in the browser: accessibility (axe), width, targets.
import { AxeBuilder } from "./packages.mjs";

/** Rules of WCAG 2.2 AA, and those that axe calls best practice. */
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** The four looks in which the pages are to hold. */
export const LOOKS = {
  "desktop light": { viewport: { width: 1440, height: 900 }, colorScheme: "light" },
  "phone dark": { viewport: { width: 390, height: 844 }, colorScheme: "dark" },
  "desktop dark": { viewport: { width: 1440, height: 900 }, colorScheme: "dark" },
  "phone light": { viewport: { width: 390, height: 844 }, colorScheme: "light" },
};

/** Rules whose verdict depends on the look; the others judge the same document whatever it looks like. */
const OF_THE_LOOK = ["color-contrast", "target-size", "scrollable-region-focusable", "link-in-text-block", "css-orientation-lock"];

/**
 * @param {import("playwright-core").Page} page
 * @param {boolean} [all] all rules, or only those of the look
 * @returns {Promise<string[]>} faults
 */
export async function inspect(page, all = true) {
  const faults = await layout(page);
  const axe = new AxeBuilder({ page });
  if (all) axe.withTags(TAGS);
  else axe.withRules(OF_THE_LOOK);
  // Our pages have no frames, so axe needs no second page to gather what it found.
  const { violations } = await axe.setLegacyMode().analyze();
  for (const { id, nodes } of violations) faults.push(`${id}: ${nodes.length} × ${nodes[0].html.slice(0, 160)} ${nodes[0].failureSummary.replace(/\s+/g, " ").slice(0, 220)}`);
  return faults;
}

/** Width and targets alone. @param {import("playwright-core").Page} page */
export async function layout(page) {
  const faults = [];
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (wide > 0) faults.push(`${wide} px wider than the window`);
  faults.push(...(await page.evaluate(smallTargets)).map((target) => `target below 24 px: ${target}`));
  return faults;
}

/** Controls that are smaller than 24 px in a direction; links in running text are exempt (WCAG 2.5.8, inline). */
function smallTargets() {
  const found = [];
  for (const element of document.querySelectorAll("a[href], button, input:not([type=hidden], .unseen), select, textarea, summary")) {
    const box = element.getBoundingClientRect();
    if (box.width === 0 || box.height === 0 || element.closest(".unseen, .skip, .suggestions")) continue;
    const style = getComputedStyle(element);
    const inline = element.tagName === "A" && style.display.startsWith("inline") && !style.display.includes("flex");
    const labelled = element.tagName === "INPUT" && (element.type === "checkbox" || element.type === "radio");
    if (!inline && !labelled && (box.height < 23.5 || box.width < 23.5)) found.push(`${element.outerHTML.slice(0, 100)} ${Math.round(box.width)}×${Math.round(box.height)}`);
  }
  return found.slice(0, 5);
}
