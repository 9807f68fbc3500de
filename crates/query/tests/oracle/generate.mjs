// Random queries and documents in the subset that both dialects share, with values near to each other so that about
// half of the conditions hold. Some pairs step outside on purpose: the comparison shall find the known differences.

/** Reproducible random numbers (mulberry32). */
export function random(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** What the oracle has to be told about the fields; ours goes by the literals and the JSON. */
export const TYPES = { when: "date", addr: "ip" };

const WORDS = ["stop", "start", "stopped", "us-east-1", "eu-west-1", "a b", "policy.update", "Stop"];
const NUMBERS = [0, 1, 5, 7.5, 200, -3];
const DATES = ["2024-01-01T00:00:00.000Z", "2024-01-15T12:30:00.000Z", "2024-03-01T00:00:00.000Z"];
const ADDRESSES = ["10.0.0.1", "10.1.2.3", "192.168.0.7", "2001:db8::17"];

export class Generator {
  constructor(seed) {
    this.next = random(seed);
  }

  below(end) {
    return Math.floor(this.next() * end);
  }

  of(items) {
    return items[this.below(items.length)];
  }

  document() {
    const out = {};
    const maybe = (key, value) => {
      if (this.below(4) > 0) out[key] = value();
    };
    const word = () => (this.below(4) === 0 ? [this.of(WORDS), this.of(WORDS)] : this.of(WORDS));
    maybe("word", word);
    maybe("name", word);
    maybe("num", () => (this.below(8) === 0 ? String(this.of(NUMBERS)) : this.of(NUMBERS)));
    maybe("flag", () => this.below(2) === 0);
    maybe("when", () => this.of(DATES));
    maybe("addr", () => this.of(ADDRESSES));
    maybe("obj", () => (this.below(10) === 0 ? [{ in: word() }] : { in: word() }));
    if (this.below(12) === 0) out[this.of(["word", "name"])] = this.of([null, [], ""]);
    return out;
  }

  /** A condition: its text and the texts of the atoms in it. */
  query(depth = 3) {
    const kind = depth > 0 ? this.below(6) : 5;
    if (kind <= 1) {
      const [a, b] = [this.query(depth - 1), this.query(depth - 1)];
      const operator = kind === 0 ? "AND" : "OR";
      const text = this.below(2) === 0 ? `(${a.text} ${operator} ${b.text})` : `${a.text} ${operator} ${b.text}`;
      return { text, atoms: [...a.atoms, ...b.atoms] };
    }
    if (kind === 2) {
      const inner = this.query(depth - 1);
      // the oracle takes NOT (NOT x) for NOT x, or does not parse it
      return inner.text.startsWith("NOT") ? inner : { text: `NOT (${inner.text})`, atoms: inner.atoms };
    }
    const atom = this.atom();
    return { text: this.below(6) === 0 ? `NOT ${atom}` : atom, atoms: [atom] };
  }

  atom() {
    const texts = this.of(["word", "name", "obj.in"]);
    const quoted = () => `"${this.of(WORDS)}"`;
    const operator = this.of([">", ">=", "<", "<="]);
    const open = this.of(["[", "{"]);
    const close = this.of(["]", "}"]);
    const number = () => this.of(NUMBERS.filter((n) => n >= 0));
    const dates = ["2024-01-01T00:00:00Z", "2024-01-15T12:30:00Z", "2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z"];
    const date = () => this.of(dates);
    // the oracle swaps the ends of a range whose first is the later one
    const range = () => [date(), date()].sort();
    return this.of([
      () => `${texts}:${quoted()}`,
      () => `${texts}:${quoted()}`,
      () => `${texts}:${this.of(["stop", "start", "policy.update", "STOP"])}`,
      () => `${texts}:(${quoted()} OR ${quoted()})`,
      () => `${texts}:(${quoted()} AND ${quoted()})`,
      () => `${texts}:${this.of(["st*", "*op", "s?art", "*o*", "us-*", "policy.*", "*-west-?"])}`,
      () => `${texts}:/${this.of(["st.*", "stop(ped)?", "[a-z]+-[a-z]+-\\d", "start|stop"])}/`,
      () => `_exists_:${this.of(["word", "name", "num", "flag", "when", "addr", "obj", "obj.in", "other"])}`,
      () => `num:${number()}`,
      () => `num:${operator}${number()}`,
      () => `num:${open}${number()} TO ${number() + 5}${close}`,
      () => `num:(>=${number()} AND <${number() + 4})`,
      () => `flag:${this.of(["true", "false"])}`,
      () => `when:${operator}"${date()}"`,
      () => range().reduce((from, to) => `when:${open}"${from}" TO "${to}"${close}`),
      () => `addr:"${this.of(["10.0.0.0/8", "10.0.0.0/24", "192.168.0.0/16", "2001:db8::/32", "10.0.0.1", "10.1.2.3"])}"`,
    ])();
  }
}
