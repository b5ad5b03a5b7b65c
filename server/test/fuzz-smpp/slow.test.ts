import type { Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { createRandom } from "./mutate.ts";
import { bindPeer, flood, startImpatient, submitBytes, trickle } from "./slow.ts";

const SEED = 20_261_124;
/** What a session keeps for a far end that does not read, and the answers of its last read. */
const UNSENT_BYTES_MAX = 2 * 1_048_576;
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function start(peers: number) {
  const server = await startImpatient();
  closers.push(server.close);
  const bound = [];
  for (let count = 0; count < peers; count += 1) {
    const peer = await bindPeer(server.port);
    closers.push(() => peer.socket.destroy());
    bound.push(peer);
  }
  return { ...server, bound };
}

test("submissions that come byte by byte from many sockets are each answered once, in order", async () => {
  const random = createRandom(SEED);
  const { bound } = await start(30);
  await Promise.all(bound.map((peer) => trickle(peer, random, 20)));
  const expected = Array.from({ length: 20 }, (_none, index) => index + 1);
  for (const { heard } of bound) {
    await expect.poll(() => heard.map(({ sequence }) => sequence)).toEqual(expected);
  }
}, 30_000);

test("a far end that reads nothing is read no more, costs little memory, and its session ends", async () => {
  const { bound, sessions } = await start(3);
  const [deaf, alsoDeaf, good] = bound;
  const [one, two] = [...sessions.values()] as [Socket, Socket];
  if (deaf === undefined || alsoDeaf === undefined || good === undefined) throw new Error("none");
  const floods = await Promise.all([flood(deaf, one), flood(alsoDeaf, two)]);
  for (const { unsentMax } of floods) {
    expect(unsentMax).toBeGreaterThan(UNSENT_BYTES_MAX / 2);
    expect(unsentMax).toBeLessThan(UNSENT_BYTES_MAX);
  }
  await expect.poll(() => sessions.size).toBe(1);
  good.socket.write(submitBytes(7));
  await expect.poll(() => good.heard.map(({ sequence }) => sequence)).toEqual([7]);
}, 60_000);

test.each([
  ["that hangs up one way", (socket: Socket) => socket.end()],
  [
    "that hangs up in the middle of a PDU",
    (socket: Socket) => socket.end(submitBytes(1).subarray(0, 20)),
  ],
  [
    "that falls silent in the middle of a PDU",
    (socket: Socket) => socket.pause().write(submitBytes(1).subarray(0, 20)),
  ],
  ["that reads no more", (socket: Socket) => socket.pause()],
])(
  "the session of a far end %s ends by itself",
  async (_what, leave) => {
    const { bound, sessions } = await start(5);
    for (const { socket } of bound) leave(socket);
    await expect.poll(() => sessions.size).toBe(0);
  },
  30_000,
);

test("a byte now and then is no life: a session that hears no whole PDU ends", async () => {
  const { bound, sessions } = await start(1);
  const [peer] = bound;
  peer?.socket.pause();
  const bytes = submitBytes(1);
  let sent = 0;
  const timer = setInterval(() => {
    // The last byte would make it whole.
    if (sent < bytes.length - 1) peer?.socket.write(bytes.subarray(sent, sent + 1));
    sent += 1;
  }, 200);
  closers.push(() => clearInterval(timer));
  await expect.poll(() => sessions.size).toBe(0);
  expect(sent).toBeLessThan(bytes.length);
}, 30_000);
