// The REST API of the audit log with Node's own fetch.
//
//   . .run/env                                      AUDITLOG_URL and AUDITLOG_TOKEN, as `make run` has written them
//   node build/client.js record FILE [KEY]          one event, an array (.json) or one a line (.ndjson)
//   node build/client.js search QUERY [PAGE]        all events that match, one a line, read in pages of so many
//   node build/client.js event ID PROOF_FILE        one event, and its proof into a file
//   node build/client.js stream QUERY AFTER COUNT   what is sealed behind a log_index, so many events
//   node build/client.js export FORMAT FILE [QUERY] a file that is whole, or no file
import { randomUUID } from "node:crypto";
import { createWriteStream } from "node:fs";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import { setTimeout as pause } from "node:timers/promises";

const ATTEMPTS = 8;

/** An event as it was recorded; `auditlog` is what the log says of it. */
interface AuditEvent {
  event_id: string;
  event_type: string;
  auditlog?: { log_index?: number };
  [member: string]: unknown;
}

interface Page {
  events: AuditEvent[];
  next_cursor: string | null;
}

/** RFC 9457. */
interface ProblemDetails {
  title?: string;
  detail?: string;
  hint?: string;
  errors?: { parameter?: string; position?: number; detail: string; excerpt?: string }[];
}

interface Message {
  name: string;
  id: string | null;
  data: string;
}

/** A refusal. */
class Problem extends Error {
  constructor(readonly status: number | undefined, readonly details: ProblemDetails) {
    super(`${details.title ?? status}: ${details.detail ?? ""}`);
  }

  /** What it says, with the character of the query that it is about. */
  override toString(): string {
    const excerpts = (this.details.errors ?? []).flatMap(({ excerpt }) => excerpt?.split("\n") ?? []);
    return [this.message, ...excerpts.map((line) => `    ${line}`), ...(this.details.hint ? [this.details.hint] : [])].join("\n");
  }
}

/** The audit log, as the owner of a token sees it. */
class Client {
  constructor(private readonly url: string, private readonly token: string) {}

  /** The answer. Waits as long as Retry-After says where it is 429 or 503, so only what may be done twice is asked for here. */
  private async ask(path: string, parameters: Record<string, string> = {}, init: RequestInit = {}): Promise<Response> {
    const address = `${this.url}/api/v1${path}?${new URLSearchParams(parameters)}`;
    const headers = { Authorization: `Bearer ${this.token}`, ...(init.headers as Record<string, string>) };
    for (let attempt = 1; ; attempt += 1) {
      let seconds: number;
      try {
        const answer = await fetch(address, { ...init, headers });
        if (answer.ok) return answer;
        if (![429, 503].includes(answer.status) || attempt === ATTEMPTS) {
          const isProblem = answer.headers.get("Content-Type") === "application/problem+json";
          throw new Problem(answer.status, isProblem ? ((await answer.json()) as ProblemDetails) : {});
        }
        await answer.body?.cancel();
        seconds = Number(answer.headers.get("Retry-After") ?? "1");
      } catch (error) {
        if (error instanceof Problem || attempt === ATTEMPTS) throw error;
        seconds = Math.min(2 ** attempt / 2, 30);
      }
      await pause(seconds * 1000);
    }
  }

  /** Records; what is sent again with the same key is not recorded again. Without a key, one that is drawn covers retries of this call. */
  async record(body: string, kind = "application/json", key: string = randomUUID()): Promise<{ event_id?: string; recorded?: number }> {
    const headers = { "Content-Type": kind, "Idempotency-Key": key };
    const answer = await this.ask("/events", {}, { method: "POST", body, headers });
    return (await answer.json()) as { event_id?: string; recorded?: number };
  }

  /** All events that match, the newest first. */
  async *search(query: string, page = "1000"): AsyncGenerator<AuditEvent> {
    let cursor: string | null = null;
    do {
      const answer = await this.ask("/audit-logs", { q: query, limit: page, ...(cursor === null ? {} : { cursor }) });
      const found = (await answer.json()) as Page;
      yield* found.events;
      cursor = found.next_cursor;
    } while (cursor !== null);
  }

  /** An event and its proof. By a parameter: «.» and «..», which may be ids, would be steps in a path. */
  async event(id: string): Promise<{ event: AuditEvent; proof: string }> {
    const event = await this.ask("/audit-logs/by-id", { id });
    const proof = await this.ask("/audit-logs/by-id/proof", { id });
    return { event: (await event.json()) as AuditEvent, proof: await proof.text() };
  }

  /** Events behind a log_index as they are sealed, without end. A connection that breaks off is made anew where it was. */
  async *stream(query: string, after: string): AsyncGenerator<AuditEvent> {
    let last = after;
    for (;;) {
      try {
        const answer = await this.ask("/audit-logs/stream", { query }, { headers: { "Last-Event-ID": last } });
        for await (const { name, id, data } of messages(answer.body as ReadableStream<Uint8Array>)) {
          if (name === "problem") throw new Problem(undefined, JSON.parse(data) as ProblemDetails);
          if (name === "audit") yield JSON.parse(data) as AuditEvent;
          last = id ?? last;
        }
      } catch (error) {
        if (error instanceof Problem) throw error;
        console.error(`the stream broke off: ${error}`);
      }
      await pause(2000);
    }
  }

  /** Writes a file; there is none when the connection breaks off, as what came would be a part. */
  async export(format: string, file: string, query = ""): Promise<void> {
    const body = JSON.stringify({ format, query });
    const answer = await this.ask("/audit-logs/export", {}, { method: "POST", body, headers: { "Content-Type": "application/json" } });
    try {
      await pipeline(Readable.fromWeb(answer.body as ReadableStream<Uint8Array>), createWriteStream(`${file}.part`));
      await rename(`${file}.part`, file);
    } finally {
      await rm(`${file}.part`, { force: true });
    }
  }
}

/** Server-Sent Events: blocks of lines, an empty line behind each. */
async function* messages(body: ReadableStream<Uint8Array>): AsyncGenerator<Message> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true });
    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
      const fields = new Map(text.slice(0, end).split("\n").map((line) => [line.split(":", 1)[0] ?? "", line.slice(line.indexOf(":") + 1).trimStart()]));
      text = text.slice(end + 2);
      const data = fields.get("data");
      if (data !== undefined) yield { name: fields.get("event") ?? "message", id: fields.get("id") ?? null, data };
    }
  }
}

async function main([command, ...given]: string[]): Promise<number> {
  const { AUDITLOG_URL: url, AUDITLOG_TOKEN: token } = process.env;
  if (!url || !token) throw new Error("AUDITLOG_URL and AUDITLOG_TOKEN are not set; . .run/env");
  const client = new Client(url, token);
  const [first, second, third] = given;
  if (command === "record" && first) {
    const kind = first.endsWith(".ndjson") ? "application/x-ndjson" : "application/json";
    console.log(JSON.stringify(await client.record(await readFile(first, "utf8"), kind, second)));
  } else if (command === "search" && first !== undefined) {
    for await (const event of client.search(first, second)) console.log(JSON.stringify(event));
  } else if (command === "event" && first && second) {
    const { event, proof } = await client.event(first);
    await writeFile(second, proof);
    console.log(JSON.stringify(event));
  } else if (command === "stream" && first !== undefined && second && third) {
    let left = Number(third);
    for await (const event of client.stream(first, second)) {
      console.log(JSON.stringify(event));
      left -= 1;
      if (left <= 0) break;
    }
  } else if (command === "export" && first && second) {
    await client.export(first, second, third);
    console.log("written");
  } else {
    console.error("record FILE [KEY] | search QUERY [PAGE] | event ID PROOF_FILE | stream QUERY AFTER COUNT | export FORMAT FILE [QUERY]");
    return 2;
  }
  return 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Problem ? error.toString() : error);
  process.exitCode = 1;
}
