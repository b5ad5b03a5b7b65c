import { expect, test } from "vitest";
import { createMessageSids } from "./sid.ts";

const sids = createMessageSids(Buffer.alloc(32, 201));

// Callers keep sids: what was written under a key is written so for ever.
test.each([
  [1n << 60n, "SM100000000000000071e4768a3d306a35"],
  [5n, "SM00000000000000054e0dbbb08418f93b"],
])("the sid of a message is read again: %d", (id, sid) => {
  expect(sids.sidOf(id)).toBe(sid);
  expect(sids.idOf(sid)).toBe(id);
});

test.each([
  "SM00000000000000054e0dbbb08418f93c",
  "SM00000000000000064e0dbbb08418f93b",
  "SM00000000000000054E0DBBB08418F93B",
  "MM00000000000000054e0dbbb08418f93b",
  "SM00000000000000054e0dbbb08418f93",
  "SMffffffffffffffff4e0dbbb08418f93b",
])("a sid that was never written names no message: %s", (sid) => {
  expect(sids.idOf(sid)).toBeUndefined();
});
