import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { carrierKey } from "../../src/connectors/carrier-key.ts";
import type { InboundPart, Receipt } from "../../src/connectors/connector.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { dialects } from "../../src/simulator/dialects.ts";
import { startSimulator } from "../../src/simulator/simulator.ts";
import { createQueue } from "../queue.ts";
import { closeAll, closeLater, startConnector, submission } from "../smpp-carrier.ts";

afterEach(closeAll);

/** What a connector to such a carrier is set to; the others need nothing. */
const settingsFor: Readonly<Record<string, object>> = {
  latin1: { defaultAlphabet: "latin1" },
  packed: { defaultAlphabet: "gsm7Packed" },
};

async function connect(systemType: string) {
  const simulator = await startSimulator({
    ...{ port: 0, httpPort: 0, seed: 1, receiptDelayMs: 0, clock: systemClock },
  });
  closeLater(simulator.close);
  const receipts = createQueue<Receipt>();
  const texts = createQueue<InboundPart>();
  const settings = { systemId: "simulator", password: "loopback", systemType };
  const { connector, ready } = startConnector(
    simulator.port,
    { ...settings, ...settingsFor[systemType] },
    {
      onReceipt: async (_name, receipt) => receipts.add(receipt),
      onInbound: async (_name, part) => {
        texts.add(part);
        return () => undefined;
      },
    },
  );
  await ready.next();
  return { simulator, connector, receipts, texts };
}

test.each(dialects.map(({ name, what }) => [name, what]))(
  "our connector gets along with the dialect %s: %s",
  async (name) => {
    const { simulator, connector, receipts, texts } = await connect(name);
    const shown = simulator.nextText();
    const text = { ...submission, recipient: "+12025550123", text: "Grüße, £5" };
    const result = await connector.submit(text);
    expect((await shown).body).toBe("Grüße, £5");
    const { carrierMessageId, status } = await receipts.next();
    expect(result).toMatchObject({ kind: "accepted" });
    const accepted = result.kind === "accepted" ? result.carrierMessageId : "";
    expect([carrierKey(carrierMessageId), status]).toEqual([carrierKey(accepted), "delivered"]);
    simulator.inject({
      from: "+12025550123",
      to: "+15005550100",
      body: "Grüße zurück. ".repeat(12),
    });
    const parts = [await texts.next(), await texts.next()].sort((a, b) => a.part - b.part);
    expect(parts.map((part) => part.text).join("")).toBe("Grüße zurück. ".repeat(12));
    expect(parts.map(({ part, total }) => [part, total])).toEqual([
      [1, 2],
      [2, 2],
    ]);
  },
);

test("dialects go together, and binds of one simulator each have their own", async () => {
  const { simulator, connector } = await connect("hex,text");
  expect(await connector.submit({ ...submission, recipient: "+12025550123" })).toMatchObject({
    carrierMessageId: expect.stringMatching(/^[0-9a-f]{12,14}$/),
  });
  const login = { systemId: "simulator", password: "loopback" };
  const other = startConnector(simulator.port, login);
  await other.ready.next();
  const result = await other.connector.submit({ ...submission, recipient: "+12025550123" });
  expect(result).toMatchObject({ carrierMessageId: expect.stringMatching(/^\d{16}$/) });
});

test("the simulator's page lists every dialect", () => {
  const page = readFileSync(join(import.meta.dirname, "../../../docs/simulator.md"), "utf8");
  for (const { name, what } of dialects) expect(page).toContain(`| \`${name}\` | ${what} |`);
});
