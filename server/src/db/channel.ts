import { connectDirect, type DatabaseAddress } from "./connect.ts";
import type { Sql } from "./sql.ts";

/** A hint from process to process through PostgreSQL: it may be lost, and nothing depends on it. */
export type Channel = {
  readonly close: () => Promise<void>;
};

/** Hears what `notify` says on some channels, on a connection of its own that comes back by itself. */
export async function listen(
  address: DatabaseAddress,
  hearers: Readonly<Record<string, (words: string) => void>>,
): Promise<Channel> {
  const direct = connectDirect(address);
  for (const [channel, onWords] of Object.entries(hearers)) await direct.listen(channel, onWords);
  return { close: () => direct.end({ timeout: 1 }) };
}

/** On a statement of its own: a notification takes a lock at commit that all committers share. */
export async function notify(sql: Sql, channel: string, words: string): Promise<void> {
  await sql`select pg_notify(${channel}, ${words})`;
}

/** Says that there is news: at once, and what follows within `everyMs` in one word after it. */
export function createHerald(app: {
  readonly sql: Sql;
  readonly channel: string;
  readonly everyMs: number;
  readonly onError: (error: unknown) => void;
}) {
  let timer: NodeJS.Timeout | undefined;
  let isNews = false;
  let telling: Promise<void> = Promise.resolve();
  const tell = () => {
    isNews = true;
    if (timer !== undefined) return;
    isNews = false;
    telling = notify(app.sql, app.channel, "").catch(app.onError);
    timer = setTimeout(() => {
      timer = undefined;
      if (isNews) tell();
    }, app.everyMs);
  };
  return {
    tell,
    close: async () => {
      clearTimeout(timer);
      await telling;
    },
  };
}
