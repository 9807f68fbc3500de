// Serves a gallery folder as the server would: same policy, same assets; and what the script asks of REST.
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { join, normalize } from "node:path";

const TYPES = { ".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml", ".json": "application/json" };

const SUGGESTIONS = [
  { suggestion: "status:", kind: "field", description: "how it ended" },
  { suggestion: "severity:", kind: "field", description: "how grave it is" },
  { suggestion: "<img src=x onerror=alert(1)>\u202e", kind: "value", description: "hostile" },
];

/**
 * @param {string} folder
 * @returns {Promise<{url: string, index: any, close: () => void}>}
 */
export async function serve(folder) {
  const index = JSON.parse(await readFile(join(folder, "index.json"), "utf8"));
  const proof = await readFile(join(folder, "inclusion.proof"));
  const server = createServer(async (request, response) => {
    const url = new URL(request.url, "http://localhost");
    const send = (type, body, status = 200) => {
      response.writeHead(status, { "Content-Type": type, "Content-Security-Policy": index.csp, "X-Content-Type-Options": "nosniff" });
      response.end(body);
    };
    if (url.pathname === "/api/v1/suggest") {
      const cursor = Number(url.searchParams.get("cursor"));
      const items = SUGGESTIONS.map((one) => ({ ...one, replace_from: Math.max(cursor - 2, 1), replace_to: cursor }));
      return send("application/json", JSON.stringify({ items }));
    }
    if (url.pathname.endsWith("/proof")) return send("text/plain; charset=utf-8", proof);
    if (url.pathname.startsWith("/api/v1/reports/")) return send("application/json", JSON.stringify({ state: "running", sections: 17, sections_done: 9, working_on: "CC8.1 \u202echange" }));
    if (url.pathname === "/api/v1/audit-logs/stream") {
      response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
      let n = Number(url.searchParams.get("after") ?? 0);
      const timer = setInterval(() => {
        n += 1;
        const event = index.live[n % index.live.length];
        response.write(`id: ${n}\nevent: audit\ndata: ${JSON.stringify({ ...event, auditlog: { log_index: n } })}\n\n`);
      }, Number(process.env.STREAM_EVERY ?? 150));
      return request.on("close", () => clearInterval(timer));
    }
    try {
      const path = normalize(decodeURIComponent(url.pathname));
      const file = path === "/" ? "dashboard.html" : path;
      const body = await readFile(join(folder, file));
      return send(TYPES[/\.\w+$/.exec(file)?.[0]] ?? "text/html; charset=utf-8", body);
    } catch {
      return send("text/plain", "not here", 404);
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${server.address().port}`, index, close: () => server.close() };
}
