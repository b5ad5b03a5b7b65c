import { expect, test } from "vitest";
import { createTestCarrier } from "../../test/messaging.ts";
import { createLimiter } from "../throughput/limiter.ts";
import { createThrottle } from "../throughput/throttle.ts";
import { createChannel } from "./channel.ts";
import { createLane } from "./lane.ts";
import { beginRead, endRead, offerTo, readAgain, takeNext, unreadOf } from "./lane-windows.ts";
import type { QueuedRow } from "./queue-store.ts";

const WINDOW_MAX = 100;
const row = { shard: 0, lane: 1, account: 1, pool: "+1", sender: "+1" };
const queued = (id: number): QueuedRow => ({
  ...{ shard: 0, lane: 1, priority: 2, id: BigInt(id), attempt: 1, segments: 1 },
  validUntil: new Date(0),
});
const laneWith = (ids: readonly number[], isAll = true) => {
  const channel = createChannel(createTestCarrier().connector, createThrottle("carrier"));
  const way = { passage: [], channel, days: [] };
  const limiter = createLimiter({
    ...{ kind: "sender", of: row.sender, segmentsPerSecond: 1, setBy: "the inventory" },
  });
  const lane = createLane(
    row,
    { limiter, way },
    {
      ...{ isTaken: () => false, windowMax: () => WINDOW_MAX, onEnd: () => undefined },
    },
  );
  for (const priority of unreadOf(lane)) {
    beginRead(lane, priority);
    endRead(lane, priority, { rows: priority === 2 ? ids.map(queued) : [], isAll });
  }
  return lane;
};
const takeAll = (lane: ReturnType<typeof laneWith>) => {
  const ids: number[] = [];
  for (let next = takeNext(lane); next !== undefined; next = takeNext(lane))
    ids.push(Number(next.id));
  return ids;
};

test("a message that comes back stands at its place", () => {
  const lane = laneWith([2, 4]);
  for (const id of [3, 1, 3, 5]) offerTo(lane, queued(id));
  expect(takeAll(lane)).toEqual([1, 2, 3, 4, 5]);
});

test("one that stands beyond what a window has read is read with the rest", () => {
  const lane = laneWith([2, 4], false);
  offerTo(lane, queued(5));
  offerTo(lane, queued(3));
  expect(takeAll(lane)).toEqual([2, 3, 4]);
  expect(unreadOf(lane)).toContain(2);
});

test("a full window gives up its end for one that comes back", () => {
  const ids = Array.from({ length: WINDOW_MAX }, (_, index) => index * 2);
  const lane = laneWith(ids);
  offerTo(lane, queued(1));
  expect(takeAll(lane)).toEqual([0, 1, ...ids.slice(1, -1)]);
  expect(unreadOf(lane)).toContain(2);
});

test("a lane that is to be read again gives nothing until it was", () => {
  const lane = laneWith([2, 4]);
  readAgain(lane);
  offerTo(lane, queued(6));
  expect(takeAll(lane)).toEqual([]);
  beginRead(lane, 2);
  endRead(lane, 2, { rows: [2, 4, 6].map(queued), isAll: true });
  expect(takeAll(lane)).toEqual([2, 4, 6]);
});
