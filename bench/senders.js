import postgres from "postgres";
import { socketOf } from "./longwave.js";

/** Of a Longwave's embedded database. */
export function connectTo(folder) {
  const { PGHOST: host, PGUSER: user } = socketOf(folder);
  return postgres({ host, port: 5432, user, database: "longwave", max: 1 });
}

/** British long codes, straight into the tables: a request for each would take longer than the benchmark. */
export async function addSenders({ target }, folder, senders, { maxQueueSeconds = 14_400 } = {}) {
  const sql = connectTo(folder);
  await sql`
    insert into inventory (
      number, kind, country, connector, segments_per_second, max_queue_seconds, sid, account,
      created_at, updated_at
    )
    select number, 'long_code', 'GB', 'carrier', rate, ${maxQueueSeconds}, 'PN' || md5(number),
      account, now(), now()
    from unnest(
      ${senders.map(({ number }) => number)}::text[], ${senders.map(({ rate }) => rate)}::real[]
    ) as sender(number, rate),
      accounts
    where accounts.sid = ${target.accountSid}
  `;
  await sql.end();
  await new Promise((done) => setTimeout(done, 3_000)); // the configuration is in force by then
}

export const senderNumber = (index) => `+4477${String(index).padStart(8, "0")}`;
