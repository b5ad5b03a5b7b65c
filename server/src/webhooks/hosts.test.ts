import { expect, test } from "vitest";
import { createHosts } from "./hosts.ts";

test("a host that fails ten times is left alone for 30 seconds, then tried with one call", async () => {
  let now = Date.UTC(2026, 10, 24);
  const hosts = createHosts(() => new Date(now));
  for (let count = 0; count < 10; count += 1) await hosts.run("a", async () => false);
  expect(hosts.run("a", async () => true)).toBeUndefined();
  expect(hosts.closedUntil("a")).toEqual(new Date(now + 30_000));
  now += 30_000;
  const probe = hosts.run("a", async () => true);
  expect(probe).toBeDefined();
  expect(hosts.run("a", async () => true)).toBeUndefined();
  await probe;
  expect(hosts.run("a", async () => true)).toBeDefined();
});

test("a busy host takes no more than its bound, and no other host notices", async () => {
  const hosts = createHosts(() => new Date(0));
  const held: ((isWell: boolean) => void)[] = [];
  const call = () => new Promise<boolean>((resolve) => held.push(resolve));
  let taken = 0;
  while (hosts.run("slow", call) !== undefined) taken += 1;
  expect(hosts.state()).toMatchObject({ running: 64, waiting: taken - 64 });
  expect(hosts.run("well", async () => true)).toBeDefined();
});
