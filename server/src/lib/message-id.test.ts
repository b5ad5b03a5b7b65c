import { expect, test } from "vitest";
import { createdAt, createIdWriter, idAfter, placeAfter, shardOf } from "./message-id.ts";

test("ids reserved in a row are nobody else's, in whatever shard they end", () => {
  let now = Date.UTC(2026, 10, 24);
  const newId = createIdWriter(5, () => now);
  const seen = [newId(1)];
  for (const count of [1, 300, 2]) {
    const first = newId(0, count);
    for (let index = 0; index < count; index += 1) {
      seen.push(idAfter(first, { index, shard: (index * 7) % 256 }));
    }
    seen.push(newId(255));
    now += 1;
  }
  expect(new Set(seen.map((id) => id & ~0x3fc000n)).size).toBe(seen.length);
});

test("a reserved id keeps its time and takes its shard", () => {
  const now = Date.UTC(2026, 10, 24);
  const id = idAfter(createIdWriter(63, () => now)(0), { index: 0, shard: 200 });
  expect([shardOf(id), createdAt(id).getTime()]).toEqual([200, now]);
});

test("a reserved id tells its place in its row, whatever its shard; another writer's has none", () => {
  const now = Date.UTC(2026, 10, 24);
  const first = createIdWriter(5, () => now)(0, 700);
  for (const [index, shard] of [
    [0, 0],
    [255, 255],
    [256, 17],
    [699, 3],
  ] as const) {
    expect(placeAfter(first, idAfter(first, { index, shard }))).toBe(index);
  }
  expect(placeAfter(first, createIdWriter(6, () => now)(0))).toBe(-1);
});
