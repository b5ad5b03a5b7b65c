import { escapeHtml } from "../html.ts";
import { pathNames } from "./openapi.ts";
import type { Route, Schema } from "./route.ts";

/** The routes as a page for people: no script, nothing from elsewhere. */
export function renderReference(routes: readonly Route[]): string {
  const links = routes.map((route) => `<li><a href="#${route.id}">${title(route)}</a></li>`);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Longwave API</title>
<style>${style}</style>
<main>
<h1>Longwave API</h1>
<p>What Twilio has no API for, below <code>/longwave/v1</code>. Sign in with HTTP Basic: the account's
sid and auth token, or an API key and its secret. Bodies are JSON unless CSV is said. For programs:
<a href="/longwave/v1/openapi.json">openapi.json</a>.</p>
<ul>${links.join("\n")}</ul>
${routes.map(renderRoute).join("\n")}
</main>
</html>
`;
}

function title(route: Route): string {
  return `<code>${route.method} ${escapeHtml(route.path)}</code> ${escapeHtml(route.summary)}`;
}

function renderRoute(route: Route): string {
  const parts = [
    `<h2 id="${route.id}"><code>${route.method} /longwave/v1${escapeHtml(route.path)}</code></h2>`,
    `<p>${escapeHtml(route.summary)}.${route.isForOperator ? " For the operator." : ""}</p>`,
    ...pathNames(route.path).map((name) => `<p><code>${name}</code> is part of the path.</p>`),
  ];
  if (route.query !== undefined) {
    parts.push("<h3>Query</h3>", renderProperties({ properties: route.query }));
  }
  if (route.body !== undefined) {
    parts.push("<h3>Body</h3>", route.body.type === "csv" ? csv : renderSchema(route.body.schema));
  }
  parts.push(`<h3>Answer: ${route.answer.status}</h3>`);
  if ("csv" in route.answer) parts.push(csv);
  else if ("schema" in route.answer) parts.push(renderSchema(route.answer.schema));
  return `<section>${parts.join("\n")}</section>`;
}

const csv = "<p><code>text/csv</code></p>";

function renderSchema(schema: Schema): string {
  const notes = [
    typeof schema.description === "string" ? `<p>${escapeHtml(schema.description)}</p>` : "",
    ...asList(schema.examples).map(
      (example) => `<pre>${escapeHtml(JSON.stringify(example))}</pre>`,
    ),
  ].join("");
  if (isSchema(schema.items)) return `${notes}${renderSchema(schema.items)}`;
  const choices = asList(schema.oneOf).filter(isSchema);
  if (choices.length > 0) return notes + choices.map(renderSchema).join("<p>or</p>");
  return notes + renderProperties(schema);
}

function renderProperties(schema: Schema): string {
  if (!isSchema(schema.properties)) return "";
  const required = new Set(asList(schema.required));
  const rows = Object.entries(schema.properties).map(([name, property]) => {
    if (!isSchema(property)) return "";
    const note = required.size > 0 && !required.has(name) ? ", optional" : "";
    const inner = isSchema(property.items) || isSchema(property.properties);
    const about = inner ? renderSchema(property) : escapeHtml(String(property.description ?? ""));
    return `<tr><td><code>${name}</code><td>${escapeHtml(typeOf(property))}${note}<td>${about}`;
  });
  return `<table>${rows.join("\n")}</table>`;
}

function typeOf(schema: Schema): string {
  const choices = asList(schema.enum);
  const limits = [
    schema.minimum === undefined ? "" : `from ${schema.minimum}`,
    schema.maximum === undefined ? "" : `to ${schema.maximum}`,
    schema.maxItems === undefined ? "" : `at most ${schema.maxItems}`,
    schema.default === undefined ? "" : `else ${schema.default}`,
  ].filter((limit) => limit !== "");
  const type = choices.length > 0 ? choices : asList(schema.type);
  return [type.join(" or "), ...limits].join(", ");
}

function asList(value: unknown): unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

function isSchema(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const style = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
main { max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
ul { padding-left: 1.2rem }
section { border-top: 1px solid #8886; margin-top: 2rem }
h2 { font-size: 1.1rem } h3 { font-size: 1rem; margin-bottom: .3rem }
table { border-collapse: collapse; width: 100% }
td { border-top: 1px solid #8884; padding: .3rem .8rem .3rem 0; vertical-align: top }
pre { overflow-x: auto }
`;
