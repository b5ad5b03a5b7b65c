import { spawnSync } from "node:child_process";
import { type AddressInfo, createServer } from "node:net";
import { afterAll, expect, test } from "vitest";
import {
  accountOf,
  cleanUp,
  type Longwave,
  messagesRequest,
  newFolder,
  postgresOf,
  refusal,
  sendText,
  startLongwave,
} from "./longwave.ts";

afterAll(cleanUp);

/** The processes of Longwave below the one that keeps them. */
function membersOf(longwave: Longwave): number[] {
  const listed = spawnSync("ps", ["-o", "pid=,args=", "--ppid", String(longwave.pid)], {
    encoding: "utf8",
  });
  const lines = listed.stdout.split("\n").filter((line) => line.includes("start.js"));
  return lines.map((line) => Number.parseInt(line, 10));
}

/** One that stays the same when the process that listens is another. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}

async function deliver(url: string, folder: string, text: string): Promise<void> {
  const account = accountOf(folder);
  const sent = await sendText(url, account, text);
  expect(sent).toMatchObject({ status: 201 });
  const status = async () => {
    const response = await fetch(...messagesRequest(url, account, `/${sent.sid}`));
    return ((await response.json()) as { status: string }).status;
  };
  await expect.poll(status).toBe("delivered");
}

test("one start runs several processes; one that is killed is replaced, and a stop ends all", async () => {
  const folder = newFolder();
  const env = { LONGWAVE_PROCESSES: "api dispatch,webhooks", PORT: String(await freePort()) };
  const longwave = startLongwave(folder, { env });
  const url = await longwave.url;
  await expect.poll(() => longwave.output()).toContain("runs: dispatch");
  await deliver(url, folder, "First");
  const before = membersOf(longwave);
  expect(before).toHaveLength(2);
  for (const member of before) process.kill(member, "SIGKILL");
  await expect
    .poll(() => membersOf(longwave).filter((pid) => !before.includes(pid)).length)
    .toBe(2);
  const isServing = () =>
    sendText(url, accountOf(folder), "Try").then(
      ({ status }) => status,
      () => 0,
    );
  await expect.poll(isServing).toBe(201);
  await deliver(url, folder, "Second");
  longwave.child.kill("SIGTERM");
  expect(await longwave.ended).toBe(0);
  expect(membersOf(longwave)).toEqual([]);
  expect(postgresOf(folder)).toEqual([]);
});

test("several processes on one port serve it together", async () => {
  const folder = newFolder();
  const longwave = startLongwave(folder, { env: { LONGWAVE_PROCESSES: "2" } });
  const url = await longwave.url;
  await expect.poll(() => membersOf(longwave).length).toBe(2);
  await Promise.all(["One", "Two", "Three"].map((text) => deliver(url, folder, text)));
  longwave.child.kill("SIGINT");
  expect(await longwave.ended).toBe(0);
});

test("roles that do not exist are refused with those that do", async () => {
  const { code, says } = await refusal(newFolder(), { env: { LONGWAVE_PROCESSES: "api sender" } });
  expect(code).toBe(1);
  expect(says).toMatch(/LONGWAVE_PROCESSES is 'api sender'.*'api dispatch,webhooks'/);
});
