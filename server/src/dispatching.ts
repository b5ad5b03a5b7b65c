import type { Account } from "./accounts/account.ts";
import type { Closers } from "./app.ts";
import { buildCarriers } from "./carriers.ts";
import { BRAND_DAY_ZONE, type RegisteredLimits } from "./compliance/registration-limits.ts";
import { carrierKey } from "./connectors/carrier-key.ts";
import type { Connector } from "./connectors/connector.ts";
import { reportConnectorStates } from "./connectors/connector-states.ts";
import type { Departure } from "./messages/departure-store.ts";
import { createDispatcher } from "./messages/dispatch.ts";
import type { DispatcherNeeds } from "./messages/dispatch-machine.ts";
import type { InboundNeeds } from "./messages/inbound.ts";
import { judgedOf } from "./messages/judged.ts";
import { countryOf, type PhoneNumber } from "./numbers/phone-number.ts";
import type { Base } from "./open-base.ts";
import { connectorsFor, connectorsOfSender, firstUp, isUp } from "./routing/choose-route.ts";
import type { CarriedSender } from "./senders/sender.ts";
import { createDayLimits, type DayLimit } from "./throughput/day-limits.ts";
import { holdShards, type ShardLeases } from "./throughput/leases.ts";
import type { Limit } from "./throughput/limiter.ts";
import { createLimiters } from "./throughput/limiters.ts";
import { createQuotas } from "./throughput/quotas.ts";

const UPS_POLL_MS = 250;

/** The way to the carriers and back: connectors, dispatcher, receipts, texts from phones. */
export type Dispatching = ReturnType<typeof buildDispatching>;

export function buildDispatching(
  base: Base,
  app: { readonly inbound: InboundNeeds; readonly onEvents: () => void },
  closers: Closers,
) {
  const { hot, clock, owner, newWriter, report } = base;
  const onReady = () => dispatcher.wake();
  const { connectors, receipts } = buildCarriers(
    base,
    { ...app, onReady, onlyCalled: false },
    closers,
  );
  const ownership: Ownership = {
    ...{ epochOf: () => undefined, life: () => undefined, holdsAll: () => false },
  };
  const limits = buildLimiters(base, ownership, closers);
  const dispatcher = createDispatcher({
    ...{ hot, clock, owner, carrierKey, onError: report },
    onRecorded: () => {
      receipts.notify();
      app.onEvents();
    },
    epochOf: (shard) => ownership.epochOf(shard),
    writers: { claims: newWriter(), departures: newWriter(), deferrals: newWriter() },
    priceOf: (departure) => priceOf(base, departure),
    whenUnknownOf: (account) => base.accountBook.byId(account)?.whenUnknown ?? "resend",
    judge: (claimed, connector) =>
      base.judges.claimed(judgedOf(claimed, connector), claimed.claim.segments),
    ...limits,
    ...waysOf(base, connectors.byName, ownership),
    assigning: {
      ...{ writer: newWriter(), judgeSender: base.judges.accepted },
      pools: {
        ...{ serviceOf: base.senderBook.service, carried: base.senderBook.carried },
        isSimulated: base.connectorBook.isSimulated,
        mayCarryMedia: base.mayCarryMedia,
      },
    },
  });
  return { connectors, dispatcher, ownership, limiters: limits.limiters };
}

/** What the leases tell once they are held. */
type Ownership = {
  epochOf: ShardLeases["epochOf"];
  life: ShardLeases["life"];
  holdsAll: ShardLeases["holdsAll"];
};

function buildLimiters(base: Base, ownership: Ownership, closers: Closers) {
  const { sql, owner, clock, report } = base;
  const quotas = createQuotas({
    ...{ sql, owner, life: () => ownership.life(), onError: report },
    now: () => clock().getTime(),
  });
  closers.push(quotas.close);
  const dayLimits = createDayLimits({
    ...{ sql, owner, clock, life: () => ownership.life(), onError: report },
  });
  closers.push(dayLimits.close);
  return { limiters: createLimiters({ quotas }), dayLimits };
}

/** By which connector texts go. */
function waysOf(
  { accountBook, senderBook, routeBook, networkBook, ruleBook }: Base,
  connectors: ReadonlyMap<string, Connector>,
  ownership: Ownership,
) {
  return {
    routeOf: (lane) => {
      const sender = senderBook.carried(lane.account, lane.sender);
      if (sender === undefined) return undefined;
      const candidates = connectorsOfSender(routeBook.current(), sender, connectors);
      const connector = firstUp(candidates);
      if (connector === undefined) return undefined;
      const { segmentsPerSecond } = sender;
      const isShared = !ownership.holdsAll();
      const isSenderShared = isShared && isInSeveralPools(sender);
      const registered = ruleBook.current().registeredLimits.get(sender.number);
      const limits = [
        ...candidates.flatMap((one) => carrierLimit(one, sender, isSenderShared)),
        ...campaignLimit(registered, isShared),
        ...accountLimit(accountBook.byId(lane.account), isShared),
      ];
      const dayLimits = [...candidates.flatMap(connectorDay), ...brandDay(registered)];
      return { segmentsPerSecond, limits, isSenderShared, dayLimits, connector };
    },
    connectorNamed: (name) => connectors.get(name),
    pick: (lane, recipient, refusedBy, hasMedia) => {
      const routes = routeBook.current();
      const sender = routes.length > 0 ? senderBook.carried(lane.account, lane.sender) : undefined;
      if (sender === undefined) return undefined;
      const networkOf = (number: string) => networkBook.of(number)?.code;
      const candidates = connectorsFor(routes, { sender, recipient, networkOf }, connectors);
      const open = candidates.filter(({ name }) => !refusedBy.has(name));
      const able = hasMedia ? open.filter(({ carriesMedia }) => carriesMedia === true) : open;
      // One that carries no media says to who asked that nobody does: the message fails there.
      return firstUp(able) ?? firstUp(open);
    },
  } satisfies Pick<DispatcherNeeds, "routeOf" | "pick" | "connectorNamed">;
}

/** What the carrier took costs, whatever became of the rest of a long message. */
function priceOf(
  { priceBook, networkBook }: Base,
  { claim, message, submissions, sentAt }: Departure,
) {
  const taken = submissions.filter(({ answer }) => answer === "accepted");
  const connector = taken[0]?.connector;
  if (connector === undefined) return undefined;
  const country = countryOf(message.recipient as PhoneNumber); // parsed when it was accepted
  const network = networkBook.of(message.recipient);
  const each = priceBook.current().perSegment({ connector, country, network }, sentAt);
  // Some connectors hand over whole texts: one submission then stands for all segments.
  const parts = taken[0]?.parts ?? 1;
  return each === undefined
    ? undefined
    : Math.round((each * claim.segments * taken.length) / parts);
}

/** Binds to the carriers and takes shards to send for. */
export async function startDispatching(
  base: Base,
  { connectors, dispatcher, ownership }: Dispatching,
  closers: Closers,
): Promise<void> {
  const { sql, owner, clock, report } = base;
  await connectors.refresh();
  // A bind is left before its answers are recorded, and they before the leases are given back.
  closers.push(connectors.close);
  const told = { sql, owner, connectors: connectors.byName, onError: report };
  closers.push(reportConnectorStates(told).close);
  let isHeld = false;
  const gained: (() => void)[] = [];
  const leases = await holdShards({
    ...{ sql, owner, now: () => clock().getTime(), onError: report },
    onGained: (shards, lapsedAt) => {
      if (isHeld) dispatcher.gain(shards, lapsedAt);
      else gained.push(() => dispatcher.gain(shards, lapsedAt));
    },
    onLeaving: (shards) => dispatcher.leave(shards),
    onConfiguration: async () => {
      await Promise.all([base.refreshBooks(), connectors.refresh()]);
      dispatcher.reconfigure();
    },
  });
  ownership.epochOf = leases.epochOf;
  ownership.life = leases.life;
  ownership.holdsAll = leases.holdsAll;
  isHeld = true;
  const ups = watchUps(connectors.byName, dispatcher.reconfigure);
  closers.push(leases.close, dispatcher.close, ups.close);
  for (const gain of gained) gain();
}

/** Passed by lanes of all processes. */
function accountLimit(account: Account | undefined, isShared: boolean): Limit[] {
  if (account?.segmentsPerSecond === undefined) return [];
  const { sid, segmentsPerSecond } = account;
  return [{ kind: "account", of: sid, segmentsPerSecond, setBy: "the operator", isShared }];
}

/** Its numbers may be in any pools, and so in lanes of several processes. */
function campaignLimit(registered: RegisteredLimits | undefined, isShared: boolean): Limit[] {
  if (registered?.segmentsPerSecond === undefined) return [];
  const { campaign, segmentsPerSecond } = registered;
  const of = { kind: "campaign", of: campaign, segmentsPerSecond } as const;
  return [{ ...of, setBy: "the operator", isShared }];
}

function brandDay(registered: RegisteredLimits | undefined): DayLimit[] {
  if (registered?.segmentsPerDay === undefined) return [];
  const { brand, segmentsPerDay } = registered;
  const of = { kind: "brand day", of: brand, segmentsPerDay } as const;
  return [{ ...of, zone: BRAND_DAY_ZONE, setBy: "the operator" }];
}

/** What a carrier takes from the sender, where that is less than the sender's own. */
function carrierLimit(connector: Connector, sender: CarriedSender, isShared: boolean): Limit[] {
  const segmentsPerSecond = connector.senderLimit?.(sender) ?? Number.POSITIVE_INFINITY;
  if (segmentsPerSecond >= sender.segmentsPerSecond) return [];
  const { name } = connector;
  const setBy = `the settings of connector ${name}`;
  return [
    { kind: "connector", of: `${name} ${sender.number}`, segmentsPerSecond, setBy, isShared },
  ];
}

/** A service's number is sent from by itself, too; a name by any pool of any account. */
function isInSeveralPools({ kind, service }: CarriedSender): boolean {
  return kind === "name" || service !== null;
}

/** Of every connector that the lane's texts may leave by: which one it is, is decided later. */
function connectorDay({ name, dayLimit }: Connector): DayLimit[] {
  if (dayLimit === undefined) return [];
  const setBy = `the settings of connector ${name}`;
  return [{ kind: "connector day", of: name, ...dayLimit, setBy }];
}

/** Lanes take another way when a connector comes up or goes down. */
function watchUps(connectors: ReadonlyMap<string, Connector>, onChange: () => void) {
  const upNow = () =>
    [...connectors.values()]
      .filter(isUp)
      .map(({ name }) => name)
      .join();
  let before = upNow();
  const timer = setInterval(() => {
    const now = upNow();
    if (now === before) return;
    before = now;
    onChange();
  }, UPS_POLL_MS);
  return { close: async () => clearInterval(timer) };
}
