import { connectDirect, type DatabaseAddress } from "./connect.ts";
import type { Sql } from "./sql.ts";

/** A hint from process to process through PostgreSQL: it may be lost, and nothing depends on it. */
export type Channel = {
  readonly close: () => Promise<void>;
};

/** Hears what `notify` says, on a connection of its own that comes back by itself. */
export async function listen(
  address: DatabaseAddress,
  channel: string,
  onWords: (words: string) => void,
): Promise<Channel> {
  const direct = connectDirect(address);
  await direct.listen(channel, onWords);
  return { close: () => direct.end({ timeout: 1 }) };
}

/** On a statement of its own: a notification takes a lock at commit that all committers share. */
export async function notify(sql: Sql, channel: string, words: string): Promise<void> {
  await sql`select pg_notify(${channel}, ${words})`;
}
