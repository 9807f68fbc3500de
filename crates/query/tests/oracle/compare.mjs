// node compare.mjs DECIDE PAIRS SEED
// Every deviation must come from an atom of a known class; a deviation of whole queries whose atoms agree would be one
// of precedence or negation, and is an error.

import { spawnSync } from "node:child_process";
import { DocumentMatcher } from "@terascope/data-mate";
import { Generator, TYPES } from "./generate.mjs";

const [decide, pairs = "2000", seed = "1"] = process.argv.slice(2);
const generator = new Generator(Number(seed));
const cases = Array.from({ length: Number(pairs) }, () => ({ ...generator.query(), doc: generator.document() }));

function oracle(query, doc) {
  try {
    return String(new DocumentMatcher(query, { type_config: TYPES }).match(doc));
  } catch (error) {
    return `error: ${error.message.split("\n")[0]}`;
  }
}

function ours(lines) {
  const input = lines.map(({ query, doc }) => JSON.stringify({ query, doc })).join("\n");
  const run = spawnSync(decide, { input, encoding: "utf8", maxBuffer: 1 << 28 });
  if (run.status !== 0) throw new Error(run.stderr);
  return run.stdout.trimEnd().split("\n");
}

/** Why an atom has another answer there. */
const CLASSES = [
  ["case: they compare exactly, we fold", (atom, { raw }) => /^(word|name|obj)/.test(atom) && /[A-Z]/.test(atom + JSON.stringify(raw))],
  ["numbers in strings: they do not equal a number, for us the texts do", (atom, value) => /^num:/.test(atom) && typeof value.raw === "string"],
  ["dates: for them the end itself belongs to <, { and }", (atom, { raw }) =>
    typeof raw === "string" && /^when:(<"|{|.*}$)/.test(atom) && atom.includes(raw.replace(".000", ""))],
  ["lists of objects: they do not walk through them", (atom, value) => value.through],
];

function valueAt(atom, doc) {
  const path = atom.replace(/^_exists_:/, "").split(":")[0].split(".");
  const top = doc[path[0]];
  const through = path.length > 1 && Array.isArray(top);
  const raw = path.slice(1).reduce((at, key) => (Array.isArray(at) ? at[0]?.[key] : at?.[key]), top);
  return { raw, through };
}

const whole = ours(cases.map(({ text, doc }) => ({ query: text, doc })));
const atoms = cases.flatMap(({ atoms, doc }) => atoms.map((query) => ({ query, doc })));
const single = ours(atoms);
const found = new Map();
let at = 0;
let [agreed, held, atomDeviations, unexplained] = [0, 0, 0, 0];
const note = (name, example) => {
  const entry = found.get(name) ?? { count: 0, examples: [] };
  entry.count += 1;
  if (entry.examples.length < 3) entry.examples.push(example);
  found.set(name, entry);
};

cases.forEach(({ text, atoms: parts, doc }, i) => {
  const deviating = [];
  for (const atom of parts) {
    const [us, them] = [single[at++], oracle(atom, doc)];
    if (us === them) continue;
    atomDeviations += 1;
    deviating.push(atom);
    const value = valueAt(atom, doc);
    const known = CLASSES.find(([, applies]) => applies(atom, value));
    if (!known) unexplained += 1;
    note(known ? known[0] : "UNEXPLAINED ATOM", `${atom}  ${JSON.stringify(doc)}  us ${us}, they ${them}`);
  }
  const them = oracle(text, doc);
  if (whole[i] === "true") held += 1;
  if (whole[i] === them) {
    agreed += 1;
  } else if (them.startsWith("error") && !whole[i].startsWith("error")) {
    note("they do not parse it", text);
  } else if (deviating.length === 0) {
    unexplained += 1;
    note("UNEXPLAINED STRUCTURE", `${text}  ${JSON.stringify(doc)}  us ${whole[i]}, they ${them}`);
  }
});

for (const [name, { count, examples }] of found) console.log(`${count} × ${name}\n    ${examples.join("\n    ")}`);
console.log(
  `${cases.length} pairs (${held} hold): ${agreed} agree, ${cases.length - agreed} deviate; ` +
    `${atoms.length} atoms: ${atomDeviations} deviate, ${unexplained} unexplained`,
);
process.exit(unexplained === 0 ? 0 : 1);
