import type { Sql } from "../db/sql.ts";
import type { Sid } from "../lib/sid.ts";
import type { NewTrigger, TriggerChange, WatchedTrigger } from "./trigger.ts";

/** Looked at whenever usage grows. */
export const TRIGGERS_PER_ACCOUNT_MAX = 100;
/** The rest a few seconds later. */
const FIRED_MAX = 1_000;

type Of = { readonly account: number; readonly sid: Sid };

/** False when the account has as many as it may. An offset is upon what is used now. */
export async function insertTrigger(sql: Sql, trigger: NewTrigger, at: Date): Promise<boolean> {
  return sql.begin(async (transaction) => {
    const held = transaction as unknown as Sql;
    // One after another: two that count at once would both find room for the last one.
    await held`
      select
      from accounts
      where account = ${trigger.account}
      for no key update
    `;
    return insertWhereRoom(held, trigger, at);
  });
}

async function insertWhereRoom(sql: Sql, trigger: NewTrigger, at: Date): Promise<boolean> {
  const { account, category, triggerBy, recurring } = trigger;
  const result = await sql`
    with watched as (
      select ${account}::int as account, ${category}::text as category,
        ${triggerBy}::text as trigger_by, ${recurring}::text as recurring
    ), used as (
      select ${currentMicros(sql)}::bigint as micros
      from watched
    )
    insert into usage_triggers (sid, account, category, trigger_by, trigger_micros, recurring,
      friendly_name, callback_url, callback_method, callback_host, created_at, updated_at)
    select ${trigger.sid}, ${trigger.account}, ${trigger.category}, ${trigger.triggerBy},
      ${String(trigger.triggerMicros)}::bigint + case when ${trigger.isOffset} then micros else 0 end,
      ${trigger.recurring}, ${trigger.friendlyName},
      ${trigger.callbackUrl}, ${trigger.callbackMethod}, ${trigger.callbackHost}, ${at}, ${at}
    from used
    where (
      select count(*) from usage_triggers where account = ${account}
    ) < ${TRIGGERS_PER_ACCOUNT_MAX}
  `;
  return result.count > 0;
}

export async function findTrigger(sql: Sql, of: Of): Promise<WatchedTrigger | undefined> {
  const [row] = await sql<WatchedTrigger[]>`
    ${selectTriggers(sql)}
    where account = ${of.account} and sid = ${of.sid}
  `;
  return row;
}

/** An account's triggers, oldest first. */
export async function listTriggers(
  sql: Sql,
  of: {
    readonly account: number;
    readonly category: string | undefined;
    readonly triggerBy: string | undefined;
    readonly recurring: string | undefined;
    readonly afterSid: string | undefined;
    readonly limit: number;
  },
): Promise<WatchedTrigger[]> {
  return sql<WatchedTrigger[]>`
    ${selectTriggers(sql)}
    where account = ${of.account}
      ${of.category === undefined ? sql`` : sql`and category = ${of.category}`}
      ${of.triggerBy === undefined ? sql`` : sql`and trigger_by = ${of.triggerBy}`}
      ${of.recurring === undefined ? sql`` : sql`and recurring = ${of.recurring}`}
      ${of.afterSid === undefined ? sql`` : sql`and sid > ${of.afterSid}`}
    order by sid
    limit ${of.limit}
  `;
}

/** What is not given stays. Whether there was one. */
export async function updateTrigger(
  sql: Sql,
  of: Of & { readonly change: Partial<TriggerChange> },
  at: Date,
): Promise<boolean> {
  const { change } = of;
  const result = await sql`
    update usage_triggers
    set friendly_name = coalesce(${change.friendlyName ?? null}, friendly_name),
      callback_url = coalesce(${change.callbackUrl ?? null}, callback_url),
      callback_method = coalesce(${change.callbackMethod ?? null}, callback_method),
      callback_host = coalesce(${change.callbackHost ?? null}, callback_host),
      updated_at = ${at}
    where account = ${of.account} and sid = ${of.sid}
  `;
  return result.count > 0;
}

/** Whether there was one. */
export async function deleteTrigger(sql: Sql, of: Of): Promise<boolean> {
  const result = await sql`
    delete from usage_triggers
    where account = ${of.account} and sid = ${of.sid}
  `;
  return result.count > 0;
}

/**
 * Fires the triggers whose value is reached and that have not fired in this time: the mark and the
 * webhook's job are one statement, so that each is called once.
 */
export async function fireTriggers(sql: Sql): Promise<void> {
  await sql`
    with waiting as (
      select sid, trigger_micros, ${currentMicros(sql)} as current_micros
      from usage_triggers as watched
      where fired_at is null or fired_at < ${timeBegins(sql)} at time zone 'UTC'
    ), fired as (
      update usage_triggers
      set fired_at = now()
      from (
        select sid, current_micros
        from waiting
        where current_micros >= trigger_micros
        limit ${FIRED_MAX}
      ) as reached
      where usage_triggers.sid = reached.sid
        -- Asked again: another process may have fired it while this one waited for the row.
        and (fired_at is null or fired_at < ${timeBegins(sql)} at time zone 'UTC')
      returning usage_triggers.*, current_micros
    )
    insert into retries (due_at, host, kind, account, id, attempt, first_at, data)
    select now(), callback_host, 'usage', account, 0, 0, now(), jsonb_build_object(
      'url', callback_url, 'method', callback_method, 'sid', sid, 'category', category,
      'triggerBy', trigger_by, 'triggerMicros', trigger_micros, 'currentMicros', current_micros,
      'recurring', recurring, 'firedAt', to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))
    from fired
  `;
}

function selectTriggers(sql: Sql) {
  return sql`
    select sid, account, category, trigger_by as "triggerBy",
      trigger_micros::float8 as "triggerMicros", recurring, friendly_name as "friendlyName",
      callback_url as "callbackUrl", callback_method as "callbackMethod",
      callback_host as "callbackHost", fired_at as "firedAt", created_at as "createdAt",
      updated_at as "updatedAt", (${currentMicros(sql)})::float8 as "currentMicros"
    from usage_triggers as watched
  `;
}

/** What is used since the trigger's time began, by the account and its subaccounts. */
function currentMicros(sql: Sql) {
  return sql`(
    select coalesce(sum(case
        when trigger_by = 'price' or category = 'totalprice' then price_micros
        when trigger_by = 'count' then messages * 1000000
        else segments * 1000000
      end), 0)
    from usage_days
    where usage_days.account in (
        select accounts.account
        from accounts
        where accounts.account = watched.account or parent = watched.account
      )
      and day >= ${timeBegins(sql)}
      and category in ('sms', 'totalprice', 'sms-' || direction, 'sms-' || direction || '-' || sender)
  )`;
}

/** The first instant of the day, month or year that runs; long ago when the trigger fires once. */
function timeBegins(sql: Sql) {
  return sql`(case recurring
    when 'daily' then date_trunc('day', now() at time zone 'UTC')
    when 'monthly' then date_trunc('month', now() at time zone 'UTC')
    when 'yearly' then date_trunc('year', now() at time zone 'UTC')
    else '-infinity'::timestamp
  end)`;
}
