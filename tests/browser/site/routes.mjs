// The pages that the server has, read from its router: what is added there and not walked here is a fault.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** A provider of identities is needed for it, which the world of these tests has not: crates/server/tests/server/sso.rs has one. */
const ELSEWHERE = ["/login/sso"];

/**
 * @param {string} root the checkout
 * @returns {Promise<{method: "GET"|"POST", path: string, matches: (path: string) => boolean}[]>}
 */
export async function routes(root) {
  const folder = join(root, "crates/server/src/web");
  const found = [];
  for (const file of (await readdir(folder, { recursive: true })).filter((name) => name.endsWith(".rs")).sort()) {
    const source = await readFile(join(folder, file), "utf8");
    // .route("/path", get(handler).post(handler))
    for (const [, path, handlers] of source.matchAll(/\.route\(\s*"([^"]+)",\s*((?:[^()"]|\([^()]*\))*)\)/g)) {
      for (const [method, pattern] of [["GET", /\bget\(/], ["POST", /\bpost\(/]]) {
        if (pattern.test(handlers) && !ELSEWHERE.includes(path)) found.push({ method, path, matches: matcher(path) });
      }
    }
  }
  return found;
}

/** @param {string} path of axum's router */
function matcher(path) {
  const pattern = path.replace(/[.]/g, "\\$&").replace(/\{\*\w+\}/g, ".+").replace(/\{\w+\}/g, "[^/]+");
  const whole = new RegExp(`^${pattern}$`);
  return (given) => whole.test(given);
}

/** The route of a path: one without a placeholder first, as axum has it. */
export function routeOf(all, method, path) {
  const fitting = all.filter((route) => route.method === method && route.matches(path));
  return fitting.sort((a, b) => (a.path.match(/\{/g) ?? []).length - (b.path.match(/\{/g) ?? []).length)[0];
}
