import type { CommandIo } from "./command.ts";
import { type Painter, painterFor, printable, wrap } from "./paint.ts";

/** One lane of `/longwave/v1/Lanes`, as far as it is shown. */
export type Lane = {
  readonly lane: string;
  readonly depth: number;
  readonly segments_per_second: number | null;
  readonly measured_segments_per_second: number;
  readonly seconds_to_drain: number | null;
  readonly phase: string;
  readonly limit: {
    readonly words: string;
    readonly set_by: string;
    readonly remedy: string;
  } | null;
};

export type LanePage = {
  readonly lanes: readonly Lane[];
  readonly meta: { readonly next_token: string | null };
};

const WIDTH_DEFAULT = 120;
/** Lanes drawn at once where the terminal does not tell its height. */
const ROWS_DEFAULT = 40;
/** Head, a line for what is left out, and the prompt. */
const ROWS_BESIDE = 3;

const marks: Readonly<Record<string, keyof Painter>> = {
  ...{ idle: "quiet", sending: "good", paced: "good", "window full": "notice" },
  ...{ paused: "notice", draining: "notice", throttled: "bad", reconnecting: "bad" },
  ...{ "no route": "bad", waiting: "notice", capped: "notice" },
};

const head = ["LANE", "WAITING", "LIMIT/S", "NOW/S", "EMPTY IN", "PHASE", "WHY"];
const isRight = [false, true, true, true, true, false, false];
const PHASE = 5;

/** The fullest lanes first, each on one line as wide as the terminal. */
export function lanesTable({ lanes, meta }: LanePage, io: CommandIo): string[] {
  const paint = painterFor(io.out, io.env);
  if (lanes.length === 0) return ["Nothing waits in any lane. --all lists them all."];
  const drawnMax = io.out.isTTY ? (io.out.rows ?? ROWS_DEFAULT) - ROWS_BESIDE : lanes.length;
  const drawn = lanes.toSorted((a, b) => b.depth - a.depth).slice(0, Math.max(1, drawnMax));
  const rows = drawn.map(cellsOf);
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((cells) => cells[column]?.length ?? 0)),
  );
  const width = io.out.isTTY ? (io.out.columns ?? WIDTH_DEFAULT) : Number.POSITIVE_INFINITY;
  const line = (cells: readonly string[], mark?: keyof Painter) =>
    lineOf(cells, { widths, width, paint: mark === undefined ? paint.strong : paint[mark] });
  const more = lanes.length - drawn.length;
  return [
    line(head),
    ...rows.map((cells, row) => line(cells, marks[drawn[row]?.phase ?? ""] ?? "quiet")),
    ...(more > 0 ? [paint.quiet(`and ${more} more`)] : []),
    ...(meta.next_token === null ? [] : [paint.quiet("The API lists the rest page by page.")]),
  ];
}

/** One lane in words, after it was changed. */
export function laneLines(lane: Lane, io: CommandIo): string[] {
  const paint = painterFor(io.out, io.env);
  const phase = paint[marks[lane.phase] ?? "strong"](printable(lane.phase));
  const waiting = lane.depth === 1 ? "1 segment waits" : `${lane.depth} segments wait`;
  const { limit } = lane;
  return [
    `${paint.strong(printable(lane.lane))}  ${phase} · ${waiting}`,
    ...(limit === null ? [] : wrap(printable(`${limit.words} Set by: ${limit.set_by}`), 100)),
    ...(limit === null ? [] : [`do: ${printable(limit.remedy)}`]),
  ];
}

function cellsOf(lane: Lane): string[] {
  return [
    printable(lane.lane),
    String(lane.depth),
    lane.segments_per_second === null ? "-" : rateOf(lane.segments_per_second),
    rateOf(lane.measured_segments_per_second),
    lane.seconds_to_drain === null ? "-" : timeOf(lane.seconds_to_drain),
    printable(lane.phase),
    lane.limit === null ? "" : printable(lane.limit.words),
  ];
}

function lineOf(
  cells: readonly string[],
  { widths, width, paint }: { widths: readonly number[]; width: number; paint: Painter["strong"] },
): string {
  const padded = cells.map((cell, column) =>
    isRight[column] ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
  );
  const before = padded.slice(0, PHASE).join("  ");
  const [phase = "", why = ""] = padded.slice(PHASE);
  const room = width - before.length - phase.length - 4;
  const words = why.trimEnd();
  const shown = words.length <= room ? words : `${words.slice(0, Math.max(0, room - 1))}…`;
  return `${before}  ${paint(phase)}  ${room > 1 ? shown : ""}`.trimEnd();
}

function rateOf(perSecond: number): string {
  return String(Math.round(perSecond * 100) / 100);
}

/** Two units at most: `45 s`, `12 min 5 s`, `3 h 20 min`. */
function timeOf(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
