import type { Sql } from "../db/sql.ts";
import type { LogEvent } from "../events/store.ts";
import type { MessageId } from "../lib/message-id.ts";
import type { MessageSids } from "../lib/sid.ts";
import type { AttemptLog } from "./attempt-log.ts";
import { type Caller, callCustomer, hostOf, shownUrl } from "./call.ts";
import { addParameter, addWord, emptyForm, type Form } from "./form.ts";
import type { Hosts } from "./hosts.ts";
import { retryDelayMs } from "./retry-delay.ts";
import { HIDDEN_MS, type RetryQueue } from "./retry-queue.ts";
import { insertRetries, type NewRetry, type Retry } from "./store.ts";
import { errorCodeOf, type Verdict, verdictOn } from "./verdict.ts";

type Needs = Caller & {
  sql: Sql;
  sids: MessageSids;
  accountSid: (account: number) => string;
  hosts: Hosts;
  attempts: AttemptLog;
  random: () => number;
};

/** One status of one message to be told. */
type Job = {
  readonly account: number;
  readonly id: MessageId;
  readonly attempt: number;
  readonly data: Readonly<Record<string, unknown>>;
  readonly url: string;
  readonly status: string;
  readonly host: string;
};

/** A first attempt; its host may have refused it at once. */
type Flight = {
  readonly job: Job;
  phase: "waiting" | "started" | "landed" | "abandoned";
  verdict: Verdict;
  done: Promise<void>;
};

/**
 * How long a batch of events waits for its calls before the rest goes to `retries`, in
 * milliseconds: other hosts' events stand behind it.
 */
const PATIENCE_MS = 250;
/**
 * The same while all events of the batch are one host's and it answers fast enough to end in this
 * time: nobody else is known to wait, and a row in `retries` costs as much as a call.
 */
const PATIENCE_ALONE_MS = 8 * PATIENCE_MS;

const skipped: Verdict = { kind: "skipped" };
const ended = Promise.resolve();

// Twilio tells no status that a message has from its creation on.
const toldStatuses = new Set([
  "queued",
  "sending",
  "sent",
  "delivered",
  "undelivered",
  "failed",
  "canceled",
]);

/** Nothing is told of a message after it. */
const lastStatuses = new Set(["delivered", "undelivered", "failed", "canceled"]);

/**
 * Tells the callbacks of a batch of events, each message's in the order of its life. Resolves when
 * each is delivered or kept in `retries`; a slow host holds it no longer than a moment.
 */
export async function tellStatuses(
  app: Needs,
  events: readonly LogEvent[],
  retries: Pick<RetryQueue, "settle">,
): Promise<void> {
  const jobs = jobsOf(events);
  if (jobs.length === 0) return;
  const flights = takeOffAll(app, jobs);
  await landedOrPatience(flights);
  await keepRest(app, flights, retries);
}

/** A further attempt at a status that waits in `retries`. */
export async function retellStatus(app: Needs, row: Retry): Promise<Verdict> {
  const { account, id, attempt, data } = row;
  const job = newJob({ account, id, attempt, data, status: String(data.status) });
  return job === undefined ? { kind: "never", isHostWell: true } : tell(app, job);
}

function jobsOf(events: readonly LogEvent[]): Job[] {
  const jobs: Job[] = [];
  for (const { account, id, kind, data } of events) {
    if (!toldStatuses.has(kind)) continue;
    const job = newJob({ account, id, attempt: 0, data, status: kind });
    if (job !== undefined) jobs.push(job);
  }
  return jobs;
}

function newJob(about: Omit<Job, "url" | "host">): Job | undefined {
  const { account, id, attempt, data, status } = about;
  const url = data.callback;
  if (typeof url !== "string") return undefined;
  const host = hostOf(url);
  return host === "" ? undefined : { account, id, attempt, data, status, url, host };
}

/** A message's last status may stand before another of it, by another writer: it waits for that. */
function takeOffAll(app: Needs, jobs: readonly Job[]): Flight[] {
  const isLast = ({ status }: Job) => lastStatuses.has(status);
  const flights = jobs.filter((job) => !isLast(job)).map((job) => takeOff(app, job));
  const byMessage = new Map(flights.map((flight) => [flight.job.id, flight]));
  for (const job of jobs.filter(isLast)) flights.push(takeOff(app, job, byMessage.get(job.id)));
  return flights;
}

function takeOff(app: Needs, job: Job, after?: Flight): Flight {
  const flight: Flight = { job, phase: "waiting", verdict: skipped, done: ended };
  const run = () => {
    const done = app.hosts.run(job.host, async () => {
      if (flight.phase === "abandoned") return undefined;
      if (app.hosts.closedUntil(job.host) === undefined) {
        flight.phase = "started";
        flight.verdict = await tell(app, job);
      }
      flight.phase = "landed";
      return flight.verdict.kind === "skipped" ? undefined : flight.verdict.isHostWell;
    });
    if (done === undefined && flight.phase === "waiting") flight.phase = "landed";
    return done ?? ended;
  };
  flight.done = after === undefined ? run() : after.done.then(run, run);
  return flight;
}

/** Returns when all have landed or no more patience is due. */
async function landedOrPatience(flights: readonly Flight[]): Promise<void> {
  const isAlone = flights.every(({ job }) => job.host === flights[0]?.job.host);
  const patienceMs = isAlone ? PATIENCE_ALONE_MS : PATIENCE_MS;
  const all = allEnded(flights);
  for (let waitedMs = PATIENCE_MS; waitedMs <= patienceMs; waitedMs += PATIENCE_MS) {
    await withinMs(all, PATIENCE_MS);
    const landed = flights.filter(({ phase }) => phase === "landed").length;
    const isOnCourse = landed * patienceMs >= flights.length * waitedMs;
    if (landed === flights.length || !isOnCourse) return;
  }
}

/** As Promise.allSettled, which makes an object for each. */
function allEnded(flights: readonly Flight[]): Promise<void> {
  let left = flights.length;
  return new Promise((resolve) => {
    const count = () => {
      left -= 1;
      if (left === 0) resolve();
    };
    for (const { done } of flights) done.then(count, count);
  });
}

async function withinMs(work: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, timeout]);
  clearTimeout(timer);
}

/** Writes what is to be tried again or not known yet into `retries`; calls under way settle their rows. */
async function keepRest(
  app: Needs,
  flights: readonly Flight[],
  retries: Pick<RetryQueue, "settle">,
): Promise<void> {
  const kept = flights.filter(({ phase, verdict }) => phase !== "landed" || isKept(verdict));
  if (kept.length === 0) return;
  const hiddenUntil = new Date(app.clock().getTime() + HIDDEN_MS);
  const rows = kept.map((flight) => {
    const row = newRetry(app, flight.job, flight.verdict);
    if (flight.phase === "waiting") flight.phase = "abandoned";
    return flight.phase === "started" ? { ...row, dueAt: hiddenUntil } : row;
  });
  const underWay = kept.map(({ phase }) => phase === "started");
  const numbers = await insertRetries(app.sql, rows);
  kept.forEach((flight, index) => {
    const retry = numbers[index];
    if (underWay[index] !== true || retry === undefined) return;
    const row = { retry, host: flight.job.host, attempt: 0 };
    // Should this fail, the row comes due by itself.
    flight.done.then(() => retries.settle(row, flight.verdict)).catch(() => undefined);
  });
}

function isKept(verdict: Verdict): boolean {
  return verdict.kind === "again" || verdict.kind === "skipped";
}

function newRetry(app: Needs, job: Job, verdict: Verdict): NewRetry {
  const now = app.clock();
  const { account, id, host } = job;
  const base = { kind: "status", account, id, host, firstAt: now } as const;
  const data = { ...job.data, status: job.status };
  if (verdict.kind === "again") {
    const delayMs = retryDelayMs(1, app.random(), verdict.retryAfterMs) ?? 0;
    return { ...base, data, attempt: 1, dueAt: new Date(now.getTime() + delayMs) };
  }
  return { ...base, data, attempt: 0, dueAt: app.hosts.closedUntil(host) ?? now };
}

async function tell(app: Needs, job: Job): Promise<Verdict> {
  const { account, id, status, url } = job;
  const sid = app.sids.sidOf(id);
  const { answer, at, durationMs } = await callCustomer(app, {
    account,
    url,
    method: "POST",
    form: statusForm(sid, app.accountSid(account), job),
    webhookId: `${sid}-${status}`,
  });
  app.attempts.add({
    id,
    at,
    account,
    kind: "status",
    about: status,
    attempt: job.attempt + 1,
    url: shownUrl(url),
    httpStatus: answer.kind === "answered" ? answer.status : undefined,
    error: answer.kind === "failed" ? `${errorCodeOf(answer)} ${answer.reason}` : undefined,
    durationMs,
  });
  return verdictOn(answer, app.clock);
}

function statusForm(sid: string, accountSid: string, { data, status }: Job): Form {
  const form = emptyForm();
  const isFailure = status === "failed" || status === "undelivered";
  const isFromReceipt = status === "delivered" || status === "undelivered";
  addWord(form, "AccountSid", accountSid);
  addWord(form, "ApiVersion", "2010-04-01");
  if (isFailure && data.errorCode !== undefined) {
    addParameter(form, "ErrorCode", String(data.errorCode));
  }
  addParameter(form, "From", String(data.from ?? ""));
  addWord(form, "MessageSid", sid);
  addWord(form, "MessageStatus", status);
  if (typeof data.service === "string") addParameter(form, "MessagingServiceSid", data.service);
  if (isFromReceipt && typeof data.rawDlrDoneDate === "string") {
    addParameter(form, "RawDlrDoneDate", data.rawDlrDoneDate.slice(0, 10));
  }
  addWord(form, "SmsSid", sid);
  addWord(form, "SmsStatus", status);
  addParameter(form, "To", String(data.to ?? ""));
  return form;
}
