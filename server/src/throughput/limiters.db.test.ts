import { expect, test } from "vitest";
import { createTestDatabase } from "../../test/database.ts";
import { connectDirect } from "../db/connect.ts";
import { holdShards } from "./leases.ts";
import { earliest, noteWritten, takeSegments } from "./limiter.ts";
import { createLimiters } from "./limiters.ts";
import { createQuotas } from "./quotas.ts";

const RATE = 12;

test("two processes under one account's limit send no more together than it says, and share it", async () => {
  const database = await createTestDatabase();
  const onError = (error: unknown) => {
    throw error;
  };
  const owners = await Promise.all(
    ["a", "b"].map(async (owner) => {
      const sql = connectDirect(database.address);
      const now = () => Date.now();
      const leases = await holdShards({ sql, owner, now, onGained: () => undefined, onError });
      const quotas = createQuotas({ sql, owner, life: leases.life, now, onError });
      const limiter = createLimiters({ quotas }).use({
        ...{ kind: "account", of: "AC1", segmentsPerSecond: RATE, isShared: true },
        setBy: "the operator",
      });
      const close = async () => {
        await quotas.close();
        await leases.close();
        await sql.end({ timeout: 1 });
      };
      return { limiter, close, left: [] as number[] };
    }),
  );
  const sendUntil = (isDone: () => boolean) =>
    expect
      .poll(
        () => {
          for (const { limiter, left } of owners) {
            const now = performance.now();
            if (earliest(limiter) > now) continue;
            takeSegments(limiter, now, 1);
            noteWritten(limiter, now);
            left.push(now);
          }
          return isDone();
        },
        { interval: 2 },
      )
      .toBe(true);
  await sendUntil(() => owners.every(({ left }) => left.length >= 3 * RATE));
  const stamps = owners.flatMap(({ left }) => left).sort((one, other) => one - other);
  for (let last = RATE; last < stamps.length; last += 1) {
    expect((stamps[last] ?? 0) - (stamps[last - RATE] ?? 0)).toBeGreaterThanOrEqual(1_000);
  }
  for (const { close } of owners) await close();
  await database.close();
}, 40_000);
