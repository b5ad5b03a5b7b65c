import { socketOf } from "./longwave.js";
import { AREAS, LINES } from "./requests.js";

/** Of a Longwave's embedded database. The package is asked for only now: a fresh clone has none yet. */
export async function connectTo(folder) {
  const { default: postgres } = await import("postgres");
  const { PGHOST: host, PGUSER: user } = socketOf(folder);
  return postgres({ host, port: 5432, user, database: "longwave", max: 1 });
}

/** British long codes, straight into the tables: a request for each would take longer than the benchmark. */
export async function addSenders({ target }, folder, senders, { maxQueueSeconds = 14_400 } = {}) {
  const sql = await connectTo(folder);
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

const FILLED_AT_ONCE = 500_000;
/** As `lib/message-id.ts` counts: the last writer's slot, which nobody has while there are few. */
const EPOCH_MS = Date.UTC(2024, 0, 1);
const SLOT = 63;

/** Queues so many messages in the lanes of these senders, in turn, as accepting them would but not one by one. */
export async function fillQueue(folder, senders, count) {
  const sql = await connectTo(folder);
  const started = performance.now();
  const firstMs = Date.now() - EPOCH_MS;
  for (let from = 0; from < count; from += FILLED_AT_ONCE) {
    const to = Math.min(count, from + FILLED_AT_ONCE) - 1;
    await sql`
      with place as materialized (
        select *, row_number() over (order by sender) - 1 as turn, count(*) over () as turns
        from lanes
        where sender = any(${senders}::text[])
      ), stored as (
        insert into messages (
          shard, id, day, account, lane, direction, sender, recipient, body, encoding, segments,
          priority, valid_until, is_simulated
        )
        select shard,
          ((${firstMs}::bigint + serial / 256) << 22) | (shard::bigint << 14) | ${SLOT << 8} | serial % 256,
          (now() at time zone 'UTC')::date, account, lane, 'outbound-api', sender,
          case when sender like '+1%' then '+1'
            || (${AREAS}::text[])[1 + serial / ${LINES} / 700 % ${AREAS.length}]
            || 220 + serial / ${LINES} % 700 || lpad((serial % ${LINES})::text, 4, '0')
          else '+447' || 600000000 + serial / ${LINES} * 10000 + serial % ${LINES} end,
          'Your code is ' || serial || '. It works for ten minutes.', 'GSM-7', 1,
          2, now() + interval '10 hours', false
        from generate_series(${from}::bigint, ${to}::bigint) as serial
        join place on turn = serial % turns
        returning shard, lane, priority, id, segments, valid_until
      ), queued as (
        insert into queue (shard, lane, priority, id, attempt, segments, valid_until)
        select shard, lane, priority, id, 1, segments, valid_until
        from stored
      )
      update lanes
      set accepted = accepted + added.segments
      from (select shard, lane, sum(segments) as segments from stored group by shard, lane) as added
      where lanes.shard = added.shard and lanes.lane = added.lane
    `;
  }
  // What PostgreSQL does later by itself, so that it does not do it while something is measured.
  await sql`vacuum (analyze) messages, queue, lanes`;
  await sql`checkpoint`;
  await sql.end();
  return { accepted: count, refused: 0, seconds: (performance.now() - started) / 1000 };
}
