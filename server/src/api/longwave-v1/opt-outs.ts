import { exportOptOutCsv, parseOptOutCsv } from "../../compliance/opt-out-csv.ts";
import { insertOptOuts, listOptOuts, type OptOut, removeOptOuts } from "../../compliance/store.ts";
import type { Sql } from "../../db/sql.ts";
import type { Clock } from "../../lib/clock.ts";
import { invalidParameter, notFound } from "../../lib/errors.ts";
import {
  type PhoneNumber,
  parsePhoneNumber,
  parsePhoneNumbers,
} from "../../numbers/phone-number.ts";
import type { SenderBook } from "../../senders/sender-book.ts";
import { pageOf, pageQuery, pageSchema, readPage } from "./page.ts";
import {
  type Call,
  count,
  csvOf,
  date,
  listOf,
  objectOf,
  type Route,
  text,
  textOf,
  textOrNull,
} from "./route.ts";

export type OptOutNeeds = {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly senderBook: Pick<SenderBook, "service">;
};

const RECIPIENTS_MAX = 1_000;
/** Rows of an import that go to the database in one statement. */
const IMPORT_BATCH = 1_000;
/** Rows at fault that an import tells; the rest are only counted. */
const INVALID_ROWS_MAX = 100;

const pool = {
  ...text,
  pattern: "^(MG[0-9a-f]{32}|\\+\\d{7,15}|[A-Za-z0-9 ]{1,11})$",
  description: "A messaging service (MG…), or a sender used alone.",
};
const optOut = objectOf({
  pool,
  recipient: text,
  source: { enum: ["keyword", "api", "import", "carrier"] },
  keyword: textOrNull,
  date_opted_out: date,
});

export function optOutRoutes(app: OptOutNeeds): Route[] {
  return [
    {
      method: "GET",
      path: "/OptOuts",
      id: "ListOptOuts",
      summary: "The account's opt-outs, by pool and recipient",
      query: { ...pageQuery, Pool: pool, Recipient: text },
      answer: { status: 200, schema: pageSchema("opt_outs", optOut) },
      handle: (call) => list(app, call),
    },
    {
      method: "POST",
      path: "/OptOuts",
      id: "AddOptOuts",
      summary: "Adding recipients who must not be texted",
      body: {
        type: "json",
        schema: objectOf({
          pool,
          recipients: { ...listOf(text), minItems: 1, maxItems: RECIPIENTS_MAX },
        }),
      },
      answer: { status: 200, schema: objectOf({ added: listOf(text) }) },
      handle: (call) => add(app, call),
    },
    {
      method: "DELETE",
      path: "/OptOuts/{pool}/{recipient}",
      id: "RemoveOptOut",
      summary: "Taking an opt-out back, with the recipient's consent",
      answer: { status: 204 },
      handle: (call) => remove(app, call),
    },
    ...csvRoutes(app),
  ];
}

function csvRoutes(app: OptOutNeeds): Route[] {
  return [
    {
      method: "POST",
      path: "/OptOuts/Import",
      id: "ImportOptOuts",
      summary:
        "Importing opt-outs from CSV with the column recipient, and pool unless Pool is given",
      query: { Pool: pool },
      body: { type: "csv" },
      answer: { status: 200, schema: importSchema },
      handle: (call) => importCsv(app, call),
    },
    {
      method: "GET",
      path: "/OptOuts/Export",
      id: "ExportOptOuts",
      summary: "The account's opt-outs as CSV",
      query: { Pool: pool },
      answer: { status: 200, csv: true },
      handle: async (call) =>
        exportOptOutCsv(app.sql, { account: call.account.id, pool: textOf(call.query.Pool) }),
    },
  ];
}

async function list(app: OptOutNeeds, call: Call) {
  const page = readPage(call, 2);
  const [afterPool = "", afterRecipient = ""] = page.after ?? [];
  const recipient = textOf(call.query.Recipient);
  const optOuts = await listOptOuts(app.sql, {
    account: call.account.id,
    pool: textOf(call.query.Pool),
    recipient: recipient === undefined ? undefined : readRecipient("Recipient", recipient),
    after: page.after && { pool: afterPool, recipient: afterRecipient },
    limit: page.limit,
  });
  return {
    opt_outs: optOuts.map(describe),
    ...pageOf("opt_outs", optOuts, page, (item) => [item.pool, item.recipient]),
  };
}

async function add(app: OptOutNeeds, { account, body }: Call) {
  const request = body as { pool: string; recipients: string[] }; // by the schema
  const parsed = await parsePhoneNumbers(request.recipients);
  const recipients = parsed.map(
    (number, index) => number ?? readRecipient("recipients", request.recipients[index] ?? ""),
  );
  const scope = { account: account.id, pool: request.pool, source: "api" } as const;
  return { added: await insertOptOuts(app.sql, scope, recipients, app.clock()) };
}

async function remove(app: OptOutNeeds, { account, params }: Call): Promise<void> {
  const scope = { account: account.id, pool: params.pool ?? "" };
  const recipient = readRecipient("recipient", params.recipient ?? "");
  // An opt-out of a service also stands at the number that was told.
  const members = app.senderBook.service(account.id, scope.pool)?.numbers ?? [];
  const pools = [scope.pool, ...members.map(({ number }) => number)];
  const removed = await removeOptOuts(app.sql, { account: account.id, pools }, [recipient]);
  if (removed.length === 0) {
    throw notFound(`An opt-out of ${recipient} from '${scope.pool}'`);
  }
}

/** Row by row, a batch at a time: what was read before a broken row stays. */
async function importCsv(app: OptOutNeeds, call: Call) {
  const fallback = textOf(call.query.Pool);
  const batches = new Map<string, PhoneNumber[]>();
  const invalidRows: { row: number; why: string }[] = [];
  const counts = { added: 0, already_there: 0, invalid: 0 };
  let waiting = 0;

  const store = async () => {
    for (const [name, recipients] of batches) {
      const scope = { account: call.account.id, pool: name, source: "import" } as const;
      const added = await insertOptOuts(app.sql, scope, recipients, app.clock());
      counts.added += added.length;
      counts.already_there += recipients.length - added.length;
    }
    batches.clear();
    waiting = 0;
  };

  for await (const row of parseOptOutCsv(csvOf(call))) {
    const name = row.kind === "opt-out" ? (row.pool ?? fallback) : undefined;
    if (row.kind === "opt-out" && name !== undefined) {
      const batch = batches.get(name);
      if (batch === undefined) batches.set(name, [row.recipient]);
      else batch.push(row.recipient);
      waiting += 1;
      if (waiting === IMPORT_BATCH) await store();
    } else {
      const why = row.kind === "invalid" ? row.why : "It has no pool. Add one, or give Pool.";
      counts.invalid += 1;
      if (invalidRows.length < INVALID_ROWS_MAX) invalidRows.push({ row: row.row, why });
    }
  }
  await store();
  return { ...counts, invalid_rows: invalidRows };
}

function readRecipient(name: string, given: string): PhoneNumber {
  const number = parsePhoneNumber(given);
  if (number !== undefined) return number;
  throw invalidParameter(name, `'${given}' is not a phone number. Write it as +12025550123.`);
}

function describe({ pool, recipient, source, keyword, optedOutAt }: OptOut) {
  return { pool, recipient, source, keyword: keyword ?? null, date_opted_out: optedOutAt };
}

const importSchema = objectOf({
  added: count,
  already_there: count,
  invalid: count,
  invalid_rows: {
    ...listOf(objectOf({ row: { type: "integer" }, why: text })),
    description: `The first ${INVALID_ROWS_MAX} rows at fault; the header is row 1.`,
  },
});
