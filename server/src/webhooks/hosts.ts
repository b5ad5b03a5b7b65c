import { type Clock, SECOND } from "../lib/clock.ts";

/**
 * Bounds what one host can take from us: so many calls at a time, so many waiting, and none while
 * its breaker is open. A slow host delays nobody else.
 */
export type Hosts = {
  /**
   * Runs the call now or when a slot is free; nothing when the host has no room. The call tells
   * whether the host was well, or nothing if it was not asked.
   */
  run: (host: string, call: HostCall) => Promise<void> | undefined;
  /** When the host may be tried again, if its breaker is open. */
  closedUntil: (host: string) => Date | undefined;
  state: () => { hosts: number; running: number; waiting: number; open: number };
};

export type HostCall = () => Promise<boolean | undefined>;

/** As many connections as the dialer opens to one origin. */
const CONCURRENCY_PER_HOST = 64;
/** Above one batch of events and the retries in work for one host, so only a fault reaches it. */
const WAITING_PER_HOST = 2_500;
const FAILURES_TO_OPEN = 10;
const OPEN_MS = 30 * SECOND;
const HOSTS_REMEMBERED = 10_000;

type Host = { running: number; waiting: (() => void)[]; failures: number; openUntilMs: number };

export function createHosts(clock: Clock): Hosts {
  const hosts = new Map<string, Host>();
  const isOpen = ({ openUntilMs }: Host) => openUntilMs > 0 && openUntilMs > clock().getTime();

  const start = async (host: Host, call: HostCall, slot?: Promise<void>) => {
    let isWell: boolean | undefined = false;
    if (slot !== undefined) await slot;
    try {
      isWell = await call();
    } finally {
      noteHealth(host, isWell, clock);
      const next = host.waiting.shift();
      if (next === undefined) host.running -= 1;
      else next();
    }
  };

  return {
    run: (name, call) => {
      const host = knownHost(hosts, name);
      if (isOpen(host)) return undefined;
      // After a pause one call tells whether the host is back; the others wait for it.
      const slots = host.failures >= FAILURES_TO_OPEN ? 1 : CONCURRENCY_PER_HOST;
      if (host.running < slots) {
        host.running += 1;
        return start(host, call);
      }
      if (slots === 1 || host.waiting.length >= WAITING_PER_HOST) return undefined;
      const slot = new Promise<void>((free) => host.waiting.push(free));
      return start(host, call, slot);
    },
    closedUntil: (name) => {
      const host = hosts.get(name);
      return host !== undefined && isOpen(host) ? new Date(host.openUntilMs) : undefined;
    },
    state: () => {
      const all = [...hosts.values()];
      return {
        hosts: all.length,
        running: all.reduce((sum, host) => sum + host.running, 0),
        waiting: all.reduce((sum, host) => sum + host.waiting.length, 0),
        open: all.filter(isOpen).length,
      };
    },
  };
}

function knownHost(hosts: Map<string, Host>, name: string): Host {
  const known = hosts.get(name);
  if (known !== undefined) return known;
  if (hosts.size >= HOSTS_REMEMBERED) forgetIdle(hosts);
  const host: Host = { running: 0, waiting: [], failures: 0, openUntilMs: 0 };
  hosts.set(name, host);
  return host;
}

function noteHealth(host: Host, isWell: boolean | undefined, clock: Clock): void {
  if (isWell === true) host.failures = 0;
  if (isWell === false) host.failures += 1;
  if (isWell === false && host.failures >= FAILURES_TO_OPEN)
    host.openUntilMs = clock().getTime() + OPEN_MS;
}

function forgetIdle(hosts: Map<string, Host>): void {
  for (const [name, host] of hosts) if (host.running === 0) hosts.delete(name);
}
