import type { CommandIo, Terminal } from "./command.ts";

export type Painter = Readonly<Record<"strong" | "quiet" | "good" | "bad" | "notice", Paint>>;
type Paint = (text: string) => string;

const sgr = { strong: [1, 22], quiet: [2, 22], good: [32, 39], bad: [31, 39], notice: [33, 39] };

/** Colours only on a terminal, and not where NO_COLOR is set (no-color.org). */
export function painterFor(terminal: Terminal, env: CommandIo["env"]): Painter {
  const isColoured = terminal.isTTY === true && (env.NO_COLOR ?? "") === "" && env.TERM !== "dumb";
  const paint = ([on, off]: number[]): Paint =>
    isColoured ? (text) => `\u001b[${on}m${text}\u001b[${off}m` : (text) => text;
  return {
    strong: paint(sgr.strong),
    quiet: paint(sgr.quiet),
    good: paint(sgr.good),
    bad: paint(sgr.bad),
    notice: paint(sgr.notice),
  };
}

/** What came over a wire may not steer the terminal: control characters become a question mark. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Bidi_Control}]/gu, "?");
}

/** Breaks at spaces into lines of at most `width` characters; a longer word stays whole. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
