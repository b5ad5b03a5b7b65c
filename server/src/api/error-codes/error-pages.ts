import type { FastifyInstance, FastifyReply } from "fastify";
import { escapeHtml } from "../html.ts";
import type { ErrorCodes } from "./error-code.ts";
import { messageCodes } from "./message-codes.ts";
import { requestCodes } from "./request-codes.ts";
import { sendCodes } from "./send-codes.ts";
import { serviceCodes } from "./service-codes.ts";
import { webhookCodes } from "./webhook-codes.ts";

export const errorGroups: readonly { readonly title: string; readonly codes: ErrorCodes }[] = [
  { title: "Requests", codes: requestCodes },
  { title: "New messages", codes: sendCodes },
  { title: "Messaging services", codes: serviceCodes },
  { title: "Messages that failed", codes: messageCodes },
  { title: "Webhooks and TwiML", codes: webhookCodes },
];
const codes: ErrorCodes = Object.assign({}, ...errorGroups.map((group) => group.codes));

const policy = "default-src 'none'; style-src 'unsafe-inline'";

/** `/docs/errors/21211`, where the `more_info` of an error leads: for people, without credentials. */
export function addErrorPages(server: FastifyInstance): void {
  const list = renderList();
  server.get("/docs/errors", (_request, reply) => sendHtml(reply, list));
  server.get<{ Params: { code: string } }>("/docs/errors/:code", (request, reply) => {
    const { code } = request.params;
    const isKnown = /^\d{5}$/.test(code) && Object.hasOwn(codes, code);
    return sendHtml(
      reply.code(isKnown ? 200 : 404),
      isKnown ? renderCode(Number(code)) : renderUnknown(),
    );
  });
}

function sendHtml(reply: FastifyReply, page: string): FastifyReply {
  return reply
    .type("text/html; charset=utf-8")
    .header("content-security-policy", policy)
    .send(page);
}

function renderCode(code: number): string {
  const { meaning, remedy } = codes[code] ?? { meaning: "", remedy: "" };
  return renderPage(
    `Error ${code}`,
    `<p class="meaning">${escapeHtml(meaning)}</p>
<h2>What to do</h2>
<p>${escapeHtml(remedy)}</p>
<p class="more"><a href="/docs/errors">All codes</a></p>`,
  );
}

function renderUnknown(): string {
  return renderPage(
    "Unknown error code",
    `<p>Longwave gives no error with this code. See <a href="/docs/errors">all codes</a> that it gives.</p>`,
  );
}

function renderList(): string {
  const sections = errorGroups.map(({ title, codes: group }) => {
    const rows = Object.entries(group).map(
      ([code, { meaning, remedy }]) =>
        `<tr><td><a href="/docs/errors/${code}">${code}</a><td>${escapeHtml(meaning)}<td>${escapeHtml(remedy)}`,
    );
    return `<h2>${title}</h2>\n<table><tr><th>Code<th>Meaning<th>What to do\n${rows.join("\n")}</table>`;
  });
  return renderPage(
    "Error codes",
    `<p>The codes are Twilio's; the words are ours.</p>\n${sections.join("\n")}`,
  );
}

function renderPage(title: string, content: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · Longwave</title>
<style>${style}</style>
<main>
<h1>${title}</h1>
${content}
</main>
</html>
`;
}

const style = `
:root { color-scheme: light dark; font: 17px/1.55 system-ui, sans-serif }
main { max-width: 46rem; margin: 3rem auto; padding: 0 1.2rem }
h1 { font-size: 1.7rem } h2 { font-size: 1.05rem; margin: 2rem 0 .3rem }
.meaning { font-size: 1.2rem }
.more { margin-top: 3rem; font-size: .9rem }
table { border-collapse: collapse; width: 100%; font-size: .92rem }
th { text-align: left }
th, td { border-bottom: 1px solid #8884; padding: .4rem .8rem .4rem 0; vertical-align: top }
`;
