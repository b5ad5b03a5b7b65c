import { keepConfiguration } from "../db/configuration.ts";
import type { Sql } from "../db/sql.ts";
import type { Sid } from "../lib/sid.ts";
import type { CarriedSender, Sender } from "./sender.ts";
import { isAlphaName, type Service } from "./service.ts";
import {
  type NameCarrier,
  readAlphaSenders,
  readNameCarrier,
  readServices,
} from "./service-store.ts";
import { readSenders } from "./store.ts";

/** Ten hours of a name's rate may wait, as of a number's. */
const NAME_QUEUE_SECONDS_MAX = 36_000;

/** Every number that an account holds and every messaging service, in memory, as of the last refresh. */
export type SenderBook = {
  readonly find: (account: number, number: string) => Sender | undefined;
  /** A number of the account, or any name when a connector carries names. */
  readonly carried: (account: number, sender: string) => CarriedSender | undefined;
  readonly byNumber: (number: string) => Sender | undefined;
  readonly bySid: (account: number, sid: Sid) => Sender | undefined;
  /** An account's senders, newest first. */
  readonly ofAccount: (account: number) => readonly Sender[];
  readonly service: (account: number, sid: Sid) => Service | undefined;
  /** An account's messaging services, newest first. */
  readonly servicesOf: (account: number) => readonly Service[];
  /** Reads the tables again if the configuration changed. Must run once before the first use. */
  readonly refresh: () => Promise<void>;
};

type Tables = {
  readonly senders: ReadonlyMap<string, Sender>;
  readonly bySid: ReadonlyMap<Sid, Sender>;
  readonly byAccount: ReadonlyMap<number, readonly Sender[]>;
  readonly services: ReadonlyMap<Sid, Service>;
  readonly servicesByAccount: ReadonlyMap<number, readonly Service[]>;
  readonly nameCarrier: NameCarrier | undefined;
};

export function createSenderBook(app: { readonly sql: Sql }): SenderBook {
  const kept = keepConfiguration(app, {
    empty: groupTables({ senders: [], services: [], nameCarrier: undefined }),
    read: readTables,
  });

  const find = (account: number, number: string) => {
    const sender = kept.current().senders.get(number);
    return sender?.account === account ? sender : undefined;
  };

  return {
    find,
    carried: (account, sender) =>
      find(account, sender) ?? nameOf(sender, kept.current().nameCarrier),
    byNumber: (number) => kept.current().senders.get(number),
    bySid: (account, sid) => {
      const sender = kept.current().bySid.get(sid);
      return sender?.account === account ? sender : undefined;
    },
    ofAccount: (account) => kept.current().byAccount.get(account) ?? [],
    service: (account, sid) => {
      const service = kept.current().services.get(sid);
      return service?.account === account ? service : undefined;
    },
    servicesOf: (account) => kept.current().servicesByAccount.get(account) ?? [],
    refresh: kept.refresh,
  };
}

async function readTables(sql: Sql): Promise<Tables> {
  const [senders, services, alphaSenders, nameCarrier] = await Promise.all([
    readSenders(sql),
    readServices(sql),
    readAlphaSenders(sql),
    readNameCarrier(sql),
  ]);
  const numbersByService = groupBy(senders, (sender) => sender.service);
  const alphasByService = groupBy(alphaSenders, (sender) => sender.service);
  return groupTables({
    ...{ senders, nameCarrier },
    services: services.map((service) => ({
      ...service,
      numbers: numbersByService.get(service.sid) ?? [],
      alphaSenders: alphasByService.get(service.sid) ?? [],
    })),
  });
}

function groupTables(read: {
  readonly senders: readonly Sender[];
  readonly services: readonly Service[];
  readonly nameCarrier: NameCarrier | undefined;
}): Tables {
  const { senders, services, nameCarrier } = read;
  return {
    nameCarrier,
    senders: new Map(senders.map((sender) => [sender.number, sender])),
    bySid: new Map(senders.map((sender) => [sender.sid, sender])),
    byAccount: groupBy(newestFirst(senders), (sender) => sender.account),
    services: new Map(services.map((service) => [service.sid, service])),
    servicesByAccount: groupBy(newestFirst(services), (service) => service.account),
  };
}

function nameOf(name: string, carrier: NameCarrier | undefined): CarriedSender | undefined {
  if (carrier === undefined || !isAlphaName(name)) return undefined;
  return {
    ...{
      number: name,
      kind: "name",
      country: "",
      service: null,
      maxQueueSeconds: NAME_QUEUE_SECONDS_MAX,
    },
    ...carrier,
  };
}

function newestFirst<Item extends { readonly sid: Sid }>(items: readonly Item[]): Item[] {
  return items.toSorted((a, b) => (a.sid < b.sid ? 1 : -1));
}

function groupBy<Key, Item>(
  items: readonly Item[],
  keyOf: (item: Item) => Key | null,
): Map<Key, Item[]> {
  const groups = new Map<Key, Item[]>();
  for (const item of items) {
    const key = keyOf(item);
    if (key === null) continue;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}
