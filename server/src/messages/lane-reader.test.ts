import { expect, test } from "vitest";
import type { Sql } from "../db/sql.ts";
import type { Lane } from "./lane.ts";
import { createLaneReader } from "./lane-reader.ts";
import { unreadWindows } from "./lane-windows.ts";

const needs = { isTaken: () => false, windowMax: () => 8, onEnd: () => undefined };

const laneOf = (lane: number) =>
  ({
    ...unreadWindows,
    row: { shard: 0, lane },
    windows: [[], [], [], []],
    needs,
  }) as unknown as Lane;

test("a lane that somebody awaits is read before the thousands that nobody does", async () => {
  const read: Lane[] = [];
  const reader = createLaneReader({
    hot: (async () => []) as unknown as Sql,
    onRead: (lane) => read.push(lane),
    onError: (error) => {
      throw error;
    },
  });
  for (let lane = 0; lane < 2_000; lane += 1) reader.fill(laneOf(lane));
  const awaited = laneOf(2_000);
  await reader.filled(awaited);
  expect(read).toContain(awaited);
  expect(read.length).toBeLessThanOrEqual(500);
  await expect.poll(() => read.length).toBe(2_001);
});
