import type { Sql } from "../db/sql.ts";
import type { Sid } from "../lib/sid.ts";
import type { Sender } from "./sender.ts";
import { readSenders, readVersion } from "./store.ts";

/** Every number that an account holds, in memory, as of the last refresh. */
export type SenderBook = {
  readonly find: (account: number, number: string) => Sender | undefined;
  readonly byNumber: (number: string) => Sender | undefined;
  readonly bySid: (account: number, sid: Sid) => Sender | undefined;
  /** An account's senders, newest first. */
  readonly ofAccount: (account: number) => readonly Sender[];
  /** Reads the table again if the configuration changed. Must run once before the first use. */
  readonly refresh: () => Promise<void>;
};

export function createSenderBook(app: { readonly sql: Sql }): SenderBook {
  let version = -1n;
  let byNumber: ReadonlyMap<string, Sender> = new Map();
  let bySid: ReadonlyMap<Sid, Sender> = new Map();
  let byAccount: ReadonlyMap<number, readonly Sender[]> = new Map();
  let reading: Promise<void> | undefined;
  let asked = 0;

  const read = async () => {
    let answered: number;
    do {
      answered = asked;
      // Read before the table: a change between the two is read once more, never missed.
      const current = await readVersion(app.sql);
      if (current === version) continue;
      const senders = await readSenders(app.sql);
      byNumber = new Map(senders.map((sender) => [sender.number, sender]));
      bySid = new Map(senders.map((sender) => [sender.sid, sender]));
      byAccount = groupByAccount(senders);
      version = current;
    } while (answered !== asked);
  };

  return {
    find: (account, number) => {
      const sender = byNumber.get(number);
      return sender?.account === account ? sender : undefined;
    },
    byNumber: (number) => byNumber.get(number),
    bySid: (account, sid) => {
      const sender = bySid.get(sid);
      return sender?.account === account ? sender : undefined;
    },
    ofAccount: (account) => byAccount.get(account) ?? [],
    refresh: () => {
      asked += 1;
      reading ??= read().finally(() => {
        reading = undefined;
      });
      return reading;
    },
  };
}

function groupByAccount(senders: readonly Sender[]): Map<number, Sender[]> {
  const groups = new Map<number, Sender[]>();
  for (const sender of senders.toSorted((a, b) => (a.sid < b.sid ? 1 : -1))) {
    const group = groups.get(sender.account);
    if (group === undefined) groups.set(sender.account, [sender]);
    else group.push(sender);
  }
  return groups;
}
