import { connect, createServer, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { createOutbox } from "./outbox.ts";
import { emptyMessage } from "./pdus.ts";
import { createStreamDecoder } from "./stream-decoder.ts";

const message = { ...emptyMessage, dest: "15550100", shortMessage: Buffer.from("Hi") };
const closers: (() => unknown)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function openOutbox() {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as { port: number };
  const accepted = new Promise<Socket>((done) => server.once("connection", done));
  const near = connect(port, "127.0.0.1");
  const far = await accepted;
  closers.push(() => [near.destroy(), far.destroy(), server.close()]);
  const heldUp: number[] = [];
  const seen: string[] = [];
  const decoder = createStreamDecoder();
  far.on("data", (bytes) => {
    decoder.push(bytes, (pdu) => seen.push(String(pdu.command)));
  });
  const onLeaving = () => undefined;
  const onHeldUp = (sequence: number) => heldUp.push(sequence);
  return { outbox: createOutbox(near, { onLeaving, onHeldUp, onAdded: undefined }), heldUp, seen };
}

/** As SIGSTOP does it. */
function stop(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

test("what a stopped process could not submit in time is told and not written", async () => {
  const { outbox, heldUp, seen } = await openOutbox();
  outbox.addMessage("submit_sm", 7, message);
  outbox.add({ command: "enquire_link", status: 0, sequence: 8 });
  outbox.addMessage("submit_sm", 9, message);
  stop(260);
  await expect.poll(() => seen).toEqual(["enquire_link"]);
  expect(heldUp).toEqual([7, 9]);
  outbox.addMessage("submit_sm", 10, message);
  await expect.poll(() => seen).toEqual(["enquire_link", "submit_sm"]);
  expect(heldUp).toEqual([7, 9]);
});

test("a shorter stop delays only", async () => {
  const { outbox, heldUp, seen } = await openOutbox();
  outbox.addMessage("submit_sm", 7, message);
  stop(50);
  await expect.poll(() => seen).toEqual(["submit_sm"]);
  expect(heldUp).toEqual([]);
});
