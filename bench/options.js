/** `--name value` and `--name` of the command line. */
export const options = {};
/** What stands before and between them. */
export const words = [];

const given = process.argv.slice(2);
for (let at = 0; at < given.length; at += 1) {
  if (!given[at].startsWith("--")) {
    words.push(given[at]);
    continue;
  }
  const next = given[at + 1];
  const hasValue = next !== undefined && !next.startsWith("--");
  options[given[at].slice(2)] = hasValue ? next : true;
  if (hasValue) at += 1;
}

export function numberOption(name, fallback) {
  const value = Number(options[name] ?? fallback);
  if (Number.isFinite(value) && value >= 0 && options[name] !== true) return value;
  return refuse(`--${name} is '${options[name]}'. Give a number.`);
}

/** Ends the program with a sentence for whoever gave the command. */
export function refuse(sentence) {
  process.stderr.write(`${sentence}\n`);
  process.exit(1);
}
