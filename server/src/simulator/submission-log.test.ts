import { expect, test } from "vitest";
import { createSubmissionLog } from "./submission-log.ts";

const whole = { reference: 0, part: 1, parts: 1 };

test("submissions come back by sequence number as they were written", () => {
  const log = createSubmissionLog();
  const first = { atMs: 12.5, bind: 3, from: "Longwave Co", to: "12025550123", ...whole };
  const second = { ...first, reference: 65_535, part: 2, parts: 9, from: "1".repeat(21) };
  log.add({ ...first, id: 1_795_512_600_000_001 });
  log.add({ ...second, id: 2 });
  expect(log.after(0, 10)).toEqual([
    { ...first, sequence: 1, id: "1795512600000001" },
    { ...second, sequence: 2, id: "2" },
  ]);
  expect(log.after(1, 10)).toHaveLength(1);
  expect(log.after(0, 1)).toHaveLength(1);
  expect(log.after(2, 10)).toEqual([]);
});

test("the last million is kept", { timeout: 30_000 }, () => {
  const log = createSubmissionLog();
  for (let id = 1; id <= 1_000_001; id += 1) {
    log.add({ atMs: id, bind: 1, from: "1", to: "2", id, ...whole });
  }
  expect(log.after(0, 1)).toMatchObject([{ sequence: 10_001, id: "10001" }]);
  expect(log.after(1_000_000, 10)).toMatchObject([{ sequence: 1_000_001, id: "1000001" }]);
});
