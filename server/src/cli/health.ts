import { type Command, type CommandIo, exitCodes, usageError } from "./command.ts";

const ANSWER_MS_MAX = 3_000;

export const healthCommand: Command = {
  name: "health",
  usage: "",
  summary: "Tells whether the Longwave of this machine takes requests: exit code 0 or 1.",
  details: ["Asks /health/ready at LONGWAVE_URL, else at PORT (8080) of this machine."],
  run: health,
};

async function health(argv: readonly string[], io: CommandIo): Promise<number> {
  if (argv.length > 0) throw usageError("This command takes nothing.", "Usage: longwave health");
  const base = io.env.LONGWAVE_URL ?? `http://127.0.0.1:${io.env.PORT ?? "8080"}`;
  const signal = AbortSignal.timeout(ANSWER_MS_MAX);
  const answer = await io.fetch(`${base}/health/ready`, { signal }).catch(() => undefined);
  const body = (await answer?.json().catch(() => undefined)) as { status?: string } | undefined;
  io.out.write(`${body?.status ?? `no answer at ${base}`}\n`);
  return answer?.ok === true ? exitCodes.done : exitCodes.failed;
}
