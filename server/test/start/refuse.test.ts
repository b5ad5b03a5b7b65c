import { chmodSync, chownSync, cpSync, mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import {
  cleanUp,
  isRoot,
  mountDisk,
  newFolder,
  ordinary,
  postgresOf,
  refusal,
  startLongwave,
} from "./longwave.ts";

afterAll(cleanUp);

test("a second Longwave on a folder says who has it, a port in use which setting moves it", async () => {
  const folder = newFolder();
  const first = startLongwave(folder);
  const url = await first.url;
  const second = await refusal(folder);
  expect(second).toEqual({
    code: 1,
    says: `Another Longwave (process ${first.pid}) uses the data folder ${folder}. Stop it, or set LONGWAVE_DATA_DIR to another folder.`,
  });
  const { port } = new URL(url);
  const other = newFolder();
  expect(await refusal(other, { env: { PORT: port } })).toEqual({
    code: 1,
    says: `Port ${port} is in use. Stop what uses it, or set PORT to another.`,
  });
  expect(postgresOf(other)).toEqual([]);
  first.child.kill("SIGTERM");
  expect(await first.ended).toBe(0);
});

test.each([["LONGWAVE_SIMULATOR_HTTP_PORT"], ["LONGWAVE_SIMULATOR_PORT"]])(
  "a simulator's port in use is named by its setting: %s",
  async (name) => {
    const taken = createServer().listen(0, "127.0.0.1");
    await new Promise((done) => taken.once("listening", done));
    const address = taken.address();
    const port = String(typeof address === "object" ? address?.port : 0);
    expect(await refusal(newFolder(), { env: { [name]: port } })).toEqual({
      code: 1,
      says: `Port ${port} is in use. Stop what uses it, or set ${name} to another.`,
    });
    taken.close();
  },
);

test("data of another major version is refused and stays as it is", async () => {
  const folder = newFolder();
  mkdirSync(join(folder, "cluster"));
  writeFileSync(join(folder, "cluster/PG_VERSION"), "15\n");
  if (isRoot) chownSync(join(folder, "cluster"), ordinary.uid, ordinary.gid);
  const { code, says } = await refusal(folder);
  expect(says).toBe(
    `The data in ${folder}/cluster was written by PostgreSQL 15, this Longwave brings 18. Move it with pg_dump and pg_restore, or set LONGWAVE_DATA_DIR to a new folder.`,
  );
  expect(code).toBe(1);
  expect(statSync(join(folder, "cluster/PG_VERSION")).size).toBe(3);
});

test("a platform without binaries is sent to DATABASE_URL", async () => {
  const other = "data:text/javascript,Object.defineProperty(process,'arch',{value:'s390x'})";
  const { code, says } = await refusal(newFolder(), {
    env: { NODE_OPTIONS: `--import="${other}"` },
  });
  expect(says).toMatch(/^Longwave brings no PostgreSQL for linux-s390x\. Set DATABASE_URL/);
  expect(code).toBe(1);
});

test("a data folder that is a file is refused in a sentence", async () => {
  const file = join(newFolder(), "data");
  writeFileSync(file, "");
  const { code, says } = await refusal(file);
  expect(says).toBe(
    `${file} cannot be used: it is there and no folder. Remove it, or set LONGWAVE_DATA_DIR to another folder.`,
  );
  expect(code).toBe(1);
});

test("a database that does not answer is told with the remedy and without a trace", async () => {
  const env = {
    DATABASE_URL: "postgres://nobody:x@127.0.0.1:1/none",
    LONGWAVE_SECRET_KEY: "00".repeat(32),
  };
  expect(await refusal(newFolder(), { env })).toEqual({
    code: 1,
    says: "The database cannot be used: nobody listens there. Start PostgreSQL, or correct DATABASE_URL.",
  });
});

test("binaries in the data folder that others may write are not run", async () => {
  const user = isRoot ? { user: ordinary } : {};
  const folder = newFolder();
  if (isRoot) chownSync(folder, ordinary.uid, ordinary.gid);
  const first = startLongwave(folder, user);
  await first.url;
  first.child.kill("SIGINT");
  expect(await first.ended).toBe(0);
  const copy = join(folder, "postgresql-18.4.0-beta.17");
  chmodSync(copy, 0o777);
  expect((await refusal(folder, user)).says).toBe(
    `${copy} was not made by this user or others may write it, so the PostgreSQL in it is not run. Remove it and start again.`,
  );
  if (!isRoot) return;
  cpSync(copy, `${copy}.theirs`, { recursive: true, verbatimSymlinks: true });
  rmSync(copy, { recursive: true });
  cpSync(`${copy}.theirs`, copy, { recursive: true, verbatimSymlinks: true }); // now root's
  expect((await refusal(folder, user)).says).toMatch(/was not made by this user/);
});

test.runIf(isRoot)(
  "an ordinary user is told when the folder or its database is not theirs",
  async () => {
    const closed = newFolder();
    const inside = join(closed, "data");
    const unwritable = await refusal(inside, { user: ordinary });
    expect(unwritable.says).toBe(
      `${inside} cannot be used: this user may not. Start as the user who owns it, or set LONGWAVE_DATA_DIR to a folder that this user may write.`,
    );
    const asRoot = startLongwave(closed);
    await asRoot.url;
    asRoot.child.kill("SIGINT");
    await asRoot.ended;
    chownSync(closed, ordinary.uid, ordinary.gid);
    const { code, says } = await refusal(closed, { user: ordinary });
    expect(says).toMatch(
      /^The database of .* belongs to the user '(nobody|postgres)', so it was first/,
    );
    expect(code).toBe(1);
  },
);

test.runIf(isRoot)("a disk too small for a database is told as full", async (context) => {
  const disk = mountDisk("24m");
  if (disk === undefined) return context.skip("this machine does not let us mount a small disk");
  const { code, says } = await refusal(disk);
  expect(says).toBe("The disk is full: PostgreSQL cannot start. Free some space and start again.");
  expect(code).toBe(1);
});
