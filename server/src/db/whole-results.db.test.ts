import { expect, test } from "vitest";
import { createTestDatabase } from "../../test/database.ts";
import { isDatabaseAway } from "./database-errors.ts";

const CONNECTIONS = 8;

test("a connection that was lost in the middle of a result leaves no holes in the next one", async () => {
  const { hot, close } = await createTestDatabase();
  const onEach = <Result>(run: () => Promise<Result>) =>
    Promise.allSettled(Array.from({ length: CONNECTIONS }, run));
  const lost = await onEach(
    () => hot`
      select number, case when number = 3 then pg_terminate_backend(pg_backend_pid()) end
      from generate_series(1, 5) as number
    `,
  );
  expect(lost.every(({ status }) => status === "rejected")).toBe(true);
  const found: number[] = [];
  for (let times = 0; times < 4; times += 1) {
    for (const one of await onEach(() => hot<{ found: number }[]>`select 1 as found`)) {
      // The first on each new connection may still be told of the old one's end.
      if (one.status === "rejected") expect(isDatabaseAway(one.reason)).toBe(true);
      else {
        expect(one.value).toHaveLength(1);
        found.push(one.value[0]?.found ?? 0);
      }
    }
  }
  expect(found.length).toBeGreaterThan(CONNECTIONS);
  expect(found.every((one) => one === 1)).toBe(true);
  await close();
});
