import { createServer } from "node:http";
import { afterEach, expect, test } from "vitest";
import { systemClock } from "../../src/lib/clock.ts";
import { startSimulator } from "../../src/simulator/simulator.ts";
import { createQueue } from "../queue.ts";
import { isKannelHere, startKannel } from "./kannel.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** An application that Kannel tells of texts and receipts, each a call with its query. */
async function startApplication() {
  const calls = createQueue<URLSearchParams>();
  const server = createServer((request, response) => {
    calls.add(new URL(request.url ?? "/", "http://application").searchParams);
    response.end("");
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return { calls, url: `http://127.0.0.1:${port}` };
}

test.skipIf(!isKannelHere)(
  "Kannel sends through our SMSC, hears its receipts and its phones (needs Kannel)",
  { timeout: 90_000 },
  async () => {
    const simulator = await startSimulator({
      ...{ port: 0, httpPort: 0, seed: 1, receiptDelayMs: 10, clock: systemClock },
    });
    closers.push(simulator.close);
    const application = await startApplication();
    const textUrl = `${application.url}/text`;
    const kannel = await startKannel({ smscPort: simulator.port, textUrl });
    closers.push(kannel.close);
    const report = { "dlr-mask": "3", "dlr-url": `${application.url}/dlr?status=%d&to=%p` };
    const to = { from: "15005550100", to: "12025550123" };

    const shown = simulator.nextText();
    const long = "A text that is too long for one part, with {braces}. ".repeat(5).trim();
    expect(await kannel.send({ ...to, ...report, text: long })).toContain("Accepted");
    expect(await shown).toMatchObject({ body: long });
    expect(Object.fromEntries(await application.calls.next())).toMatchObject({ status: "1" });

    const emoji = simulator.nextText();
    await kannel.send({ ...to, text: "Zdravím 🎉", coding: "2" });
    expect(await emoji).toMatchObject({ body: "Zdravím 🎉" });

    await kannel.send({ ...to, ...report, to: "12025559901", text: "Nobody" });
    let status = "";
    while (status !== "2") status = (await application.calls.next()).get("status") ?? "";

    const answer = "A long answer. ".repeat(20).trim();
    simulator.inject({ from: "+12025550123", to: "+15005550100", body: answer });
    let text: string | null = null;
    while (text === null) text = (await application.calls.next()).get("text");
    expect(text).toBe(answer);
  },
);
