/** `--name value` and `--name` of the command line. */
export const options = {};
const words = process.argv.slice(2);
for (let at = 0; at < words.length; at += 1) {
  if (!words[at].startsWith("--")) continue;
  const next = words[at + 1];
  const hasValue = next !== undefined && !next.startsWith("--");
  options[words[at].slice(2)] = hasValue ? next : true;
}

export function numberOption(name, fallback) {
  const value = Number(options[name] ?? fallback);
  if (Number.isFinite(value) && value >= 0) return value;
  process.stderr.write(`--${name} is '${options[name]}'. Give a number.\n`);
  process.exit(1);
}
