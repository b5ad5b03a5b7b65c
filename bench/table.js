/** A result for people: a heading for each group of figures, a line for each figure. */
export function tableOf(result) {
  const lines = [];
  write(lines, result, "");
  return `${lines.join("\n")}\n`;
}

const LABEL_WIDTH = 42;
const CELL_WIDTH = 12;

function write(lines, group, indent) {
  const entries = Object.entries(group).filter(([, value]) => value !== undefined);
  const labels = entries.map(([name]) => name);
  for (const [index, [name, value]] of entries.entries()) {
    if (typeof value !== "object" || value === null) {
      lines.push(`${indent}${wordsOf(name).padEnd(LABEL_WIDTH - indent.length)}${value}`);
      continue;
    }
    if (isRow(value)) {
      const isFirst = index === 0 || !isSameRow(group[labels[index - 1]], value);
      if (isFirst)
        lines.push(`${" ".repeat(LABEL_WIDTH)}${cells(Object.keys(value).map(wordsOf))}`);
      lines.push(
        `${indent}${wordsOf(name).padEnd(LABEL_WIDTH - indent.length)}${cells(Object.values(value))}`,
      );
      continue;
    }
    if (indent === "") lines.push("");
    lines.push(`${indent}${wordsOf(Array.isArray(group) ? `round ${index + 1}` : name)}`);
    write(lines, value, `${indent}  `);
  }
}

/** Percentiles, and what has a ratio with it, stand side by side. */
function isRow(value) {
  return "p50" in value || "ratio" in value;
}

function isNested(value) {
  return typeof value === "object";
}

function isSameRow(one, two) {
  return isNested(one) && Object.keys(one).join() === Object.keys(two).join();
}

function cells(values) {
  return values.map((value) => String(value ?? "").padStart(CELL_WIDTH)).join("");
}

/** `cpuMicrosPerMessage`: "cpu micros per message". */
function wordsOf(name) {
  return name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
