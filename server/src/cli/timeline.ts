import type { CommandIo } from "./command.ts";
import type { Connection } from "./connection.ts";
import { type Painter, painterFor, printable, wrap } from "./paint.ts";

/** The answer of `/longwave/v1/Messages/{sid}/Timeline`. */
export type Timeline = {
  readonly message: {
    readonly sid: string;
    readonly direction: string;
    readonly from: string;
    readonly to: string;
    readonly status: string;
    readonly num_segments: number;
    readonly error_code: number | null;
    readonly is_simulated: boolean;
    readonly date_created: string;
  };
  readonly timeline: readonly TimelineEntry[];
};

type TimelineEntry = {
  readonly at: string;
  readonly kind: string;
  readonly words: string;
  readonly rule: string | null;
  readonly remedy: string | null;
  readonly raw: string | null;
};

const WIDTH_MAX = 100;
const WIDTH_MIN = 60;
/** Time, kind and the gaps between. */
const MARGIN = 29;

export async function fetchTimeline(connection: Connection, sid: string): Promise<Timeline> {
  const path = `/longwave/v1/Messages/${encodeURIComponent(sid)}/Timeline`;
  return (await connection.get(path)) as Timeline; // our own API's answer
}

/** The statuses that stay, and how they look. */
export const finalMark: Readonly<Record<string, keyof Painter>> = {
  delivered: "good",
  received: "good",
  failed: "bad",
  undelivered: "bad",
  canceled: "notice",
};

export function messageLine(message: { sid: string; from: string; to: string }, io: CommandIo) {
  const between = `${printable(message.from)} to ${printable(message.to)}`;
  return `${painterFor(io.out, io.env).strong(printable(message.sid))}  ${between}`;
}

/** How the message stands; a simulated one says so. */
export function statusLine({ message }: Timeline, io: CommandIo): string {
  const paint = painterFor(io.out, io.env);
  const mark = paint[finalMark[message.status] ?? "strong"];
  return [
    mark(message.status),
    ...(message.error_code === null ? [] : [`error ${message.error_code}`]),
    message.num_segments === 1 ? "1 segment" : `${message.num_segments} segments`,
    ...(message.is_simulated ? [paint.notice("simulated: no phone was texted")] : []),
  ].join(" · ");
}

/** Each entry: when, what, in words; below it the rule, the remedy and the raw answer. */
export function entryLines(entries: readonly TimelineEntry[], io: CommandIo): string[] {
  const paint = painterFor(io.out, io.env);
  const width = Math.max(WIDTH_MIN, Math.min(WIDTH_MAX, io.out.columns ?? WIDTH_MAX)) - MARGIN;
  const indent = " ".repeat(MARGIN);
  return entries.flatMap(({ at, kind, words, rule, remedy, raw }) => {
    const [first = "", ...more] = wrap(printable(words), width);
    const head = `${paint.quiet(at.slice(11, 23))}  ${printable(kind).padEnd(MARGIN - 16)}  `;
    const notes = [note("rule", rule), note("do", remedy), note("raw", raw)].flat();
    return [
      head + first,
      ...more.map((line) => indent + line),
      ...notes.map((line) => indent + paint.quiet(line)),
    ];
  });

  function note(name: string, text: string | null): string[] {
    if (text === null) return [];
    return wrap(printable(text), width - 6).map(
      (line, index) => `${index === 0 ? `${name}:` : ""}`.padEnd(6) + line,
    );
  }
}
