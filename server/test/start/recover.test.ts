import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import {
  accountOf,
  cleanUp,
  fillDisk,
  isRoot,
  isStored,
  type Longwave,
  mountDisk,
  newFolder,
  ordinary,
  postgresOf,
  sendText,
  startLongwave,
} from "./longwave.ts";

afterAll(cleanUp);

const SOME = 5;

/** Sends until the server is gone, and tells of the first few; the sids that were promised. */
async function sendUntilItEnds(
  longwave: Longwave,
  folder: string,
  onSome: () => void,
): Promise<string[]> {
  const url = await longwave.url;
  const promised: string[] = [];
  for (;;) {
    const sent = await sendText(url, accountOf(folder), "Hello").catch(() => undefined);
    if (sent?.status === 201 && sent.sid !== undefined) {
      promised.push(sent.sid);
      if (promised.length === SOME) onSome();
    }
    if (sent === undefined) return promised;
  }
}

test("after kill -9 of Longwave, of PostgreSQL and of both, what was promised is there", async () => {
  const folder = newFolder();
  const promised: string[] = [];
  for (const victims of ["longwave", "both", "postgres"] as const) {
    const longwave = startLongwave(folder);
    await longwave.url;
    await expect.poll(() => accountOf(folder)).toBeDefined();
    const kill = () => {
      const [postmaster = 0] = postgresOf(folder);
      if (victims !== "longwave") process.kill(postmaster, "SIGKILL");
      if (victims !== "postgres") longwave.child.kill("SIGKILL");
      else setTimeout(() => longwave.child.kill("SIGTERM"), 4_000);
    };
    const killSoon = () => setTimeout(kill, Math.random() * 800);
    promised.push(...(await sendUntilItEnds(longwave, folder, killSoon)));
    if (victims === "postgres") expect(await longwave.ended).toBe(0);
    await longwave.ended;
  }
  const longwave = startLongwave(folder);
  const url = await longwave.url;
  const account = accountOf(folder);
  const found = await Promise.all(promised.map((sid) => isStored(url, account, sid)));
  expect(promised.length).toBeGreaterThanOrEqual(3 * SOME);
  expect(found.filter((isThere) => !isThere)).toEqual([]);
  expect(postgresOf(folder)).toHaveLength(1);
  longwave.child.kill("SIGTERM");
  expect(await longwave.ended).toBe(0);
  expect(postgresOf(folder)).toEqual([]);
});

test("PostgreSQL that dies is started again, and texts are accepted again", async () => {
  const folder = newFolder();
  const longwave = startLongwave(folder);
  const url = await longwave.url;
  const [before = 0] = postgresOf(folder);
  process.kill(before, "SIGKILL");
  await expect
    .poll(async () => (await sendText(url, accountOf(folder), "Hello")).status, {
      interval: 100,
    })
    .toBe(201);
  expect(postgresOf(folder)).not.toEqual([before]);
  longwave.child.kill("SIGINT");
  expect(await longwave.ended).toBe(0);
});

test("npm start stops cleanly at a Ctrl-C in the terminal, which reaches npm and us", async () => {
  const folder = newFolder();
  const longwave = startLongwave(folder, {
    command: ["setsid", "--wait", "npm", "start", "--silent"],
  });
  await longwave.url;
  const [postmaster = 0] = postgresOf(folder);
  const program = Number(
    spawnSync("ps", ["-o", "ppid=", "-p", String(postmaster)], { encoding: "utf8" }).stdout,
  );
  const group = Number(
    spawnSync("ps", ["-o", "pgid=", "-p", String(program)], { encoding: "utf8" }).stdout,
  );
  process.kill(-group, "SIGINT");
  await longwave.ended;
  await expect.poll(() => postgresOf(folder)).toEqual([]);
  expect(longwave.output()).toContain("Stopping …");
});

test("a stop during the start is clean, too", async () => {
  const folder = newFolder();
  const longwave = startLongwave(folder);
  await expect.poll(() => postgresOf(folder), { interval: 10 }).not.toEqual([]);
  longwave.child.kill("SIGINT");
  expect(await longwave.ended).toBe(0);
  expect(postgresOf(folder)).toEqual([]);
});

test("a second Ctrl-C ends at once what the first one could not, and PostgreSQL with it", async () => {
  const folder = newFolder();
  const longwave = startLongwave(folder);
  await longwave.url;
  const [postmaster = 0] = postgresOf(folder);
  process.kill(postmaster, "SIGSTOP"); // now a clean stop cannot end
  longwave.child.kill("SIGINT");
  await expect.poll(() => longwave.output()).toContain("Stopping …");
  const again = setInterval(() => longwave.child.kill("SIGINT"), 100);
  expect(await longwave.ended).toBe(130);
  clearInterval(again);
  process.kill(postmaster, "SIGCONT");
  await expect.poll(() => postgresOf(folder)).toEqual([]);
});

test.each([
  ["a path too long for a socket", (folder: string) => join(folder, "x".repeat(120))],
  ["a path with blanks and accents", (folder: string) => join(folder, "meine Daten é")],
])("it runs in %s", async (_name, pathIn) => {
  const folder = newFolder();
  const longwave = startLongwave(pathIn(folder));
  await longwave.url;
  longwave.child.kill("SIGTERM");
  expect(await longwave.ended).toBe(0);
});

test.runIf(isRoot)(
  "as root in a folder closed to others it runs, readable by nobody else",
  async () => {
    const closed = mkdtempSync(join(homedir(), "longwave-start-"));
    chmodSync(closed, 0o700);
    const longwave = startLongwave(join(closed, "data"));
    await longwave.url;
    longwave.child.kill("SIGTERM");
    expect(await longwave.ended).toBe(0);
    rmSync(closed, { recursive: true });
  },
);

test.runIf(isRoot)(
  "an ordinary user's database is theirs alone, also when root starts it later",
  async () => {
    const folder = newFolder();
    chownSync(folder, ordinary.uid, ordinary.gid);
    const theirs = startLongwave(folder, { user: ordinary });
    const url = await theirs.url;
    const sent = await sendText(url, accountOf(folder), "Hello");
    for (const path of ["cluster", "socket", "secret.key", "credentials.json", "postgresql.log"]) {
      const looked = spawnSync("ls", [join(folder, path, path.includes(".") ? ".." : ".")], {
        ...{ uid: 2, gid: 2 },
      });
      expect([path, statSync(join(folder, path)).mode & 0o077]).toEqual([path, 0]);
      if (!path.includes(".")) expect(looked.status).not.toBe(0);
    }
    theirs.child.kill("SIGTERM");
    expect(await theirs.ended).toBe(0);
    const asRoot = startLongwave(folder);
    const rootUrl = await asRoot.url;
    expect(await isStored(rootUrl, accountOf(folder), sent.sid ?? "")).toBe(true);
    asRoot.child.kill("SIGTERM");
    expect(await asRoot.ended).toBe(0);
  },
);

test.runIf(isRoot)(
  "a disk that fills up loses nothing, and texts go on when space is freed",
  async (context) => {
    const disk = mountDisk("400m");
    if (disk === undefined) return context.skip("this machine does not let us mount a small disk");
    const data = join(disk, "data");
    mkdirSync(data, { mode: 0o755 });
    const longwave = startLongwave(data);
    const url = await longwave.url;
    const account = accountOf(data);
    const promised: string[] = [];
    const filler = fillDisk(disk);
    let refused: { status: number } | undefined;
    for (let count = 0; count < 400 && refused === undefined; count += 1) {
      const answers = await Promise.all(
        Array.from({ length: 50 }, () =>
          sendText(url, account, "x".repeat(1_500)).catch(() => ({ status: 0, sid: undefined })),
        ),
      );
      promised.push(...answers.flatMap(({ status, sid }) => (status === 201 && sid ? [sid] : [])));
      refused = answers.find(({ status }) => status !== 201);
    }
    expect([0, 503]).toContain(refused?.status); // 0: it waits for the disk and promises nothing
    rmSync(filler);
    await expect
      .poll(async () => (await sendText(url, account, "Hello")).status, {
        interval: 200,
      })
      .toBe(201);
    for (let from = 0; from < promised.length; from += 50) {
      const slice = promised.slice(from, from + 50);
      const found = await Promise.all(slice.map((sid) => isStored(url, account, sid)));
      expect(found.every(Boolean)).toBe(true);
    }
    longwave.child.kill("SIGTERM");
    expect(await longwave.ended).toBe(0);
  },
);
