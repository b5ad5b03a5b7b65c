import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { ParameterUse } from "../../src/api/form.ts";
import { twilioRoutes } from "../../src/api/routes.ts";

const file = join(import.meta.dirname, "../../../docs/compatibility.md");

/** One line a parameter: `| POST /…/Messages | To | same |`. */
function rowsOfCode(): string[] {
  return twilioRoutes.flatMap(({ method, path, parameters }) => {
    const suffix = path.startsWith("/2010-04-01/") ? ".json" : "";
    const endpoint = `${method} ${path.replace(/:(\w+)/g, "{$1}")}${suffix}`;
    const uses = Object.entries(parameters);
    if (uses.length === 0) return [`| \`${endpoint}\` | | |`];
    return uses.map(([name, use]) => `| \`${endpoint}\` | \`${name}\` | ${words(use)} |`);
  });
}

function words(use: ParameterUse): string {
  return typeof use === "object" ? `only \`${use.only}\`` : use;
}

test("docs/compatibility.md lists every endpoint and parameter as the code has it", () => {
  const listed = readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => /^\| `(GET|POST|PATCH|DELETE) /.test(line));
  expect(listed).toEqual(rowsOfCode());
});
