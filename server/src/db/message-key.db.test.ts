import { expect, test } from "vitest";
import { createTestDatabase } from "../../test/database.ts";
import { createIdWriter, dayOf, shardOf } from "../lib/message-id.ts";
import { dayOfId, shardOfId } from "./message-key.ts";

test("PostgreSQL reads shard and day out of an id as we do, to the millisecond around midnight", async () => {
  const { sql, close } = await createTestDatabase();
  const days = ["2024-01-01", "2024-03-01", "2026-11-24", "2080-12-31"];
  for (const ms of days.flatMap((day) => [Date.parse(day), Date.parse(day) + 86_399_999])) {
    for (const shard of [0, 101, 255]) {
      const id = createIdWriter(63, () => ms)(shard);
      const [row] = await sql`
        select ${shardOfId(sql)} as shard, ${dayOfId(sql)} as day
        from (select ${String(id)}::bigint as id) as message
      `;
      expect(row).toEqual({ shard: shardOf(id), day: dayOf(id) });
    }
  }
  await close();
});
