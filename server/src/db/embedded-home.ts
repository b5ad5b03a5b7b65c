import { createHash } from "node:crypto";
import { chmod, lchown, lstat, mkdir, mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { StartError } from "../lib/errors.ts";

export type UnixUser = { readonly uid: number; readonly gid: number };

export type EmbeddedHome = {
  /** Holds `cluster`, and the socket when its path is short enough. */
  readonly folder: string;
  /** Where the copy of the binaries lies. */
  readonly binariesFolder: string;
  /** Whom PostgreSQL runs as when we are root, which it refuses to run as. */
  readonly user: UnixUser | undefined;
};

/** Of root; shared by all data folders that PostgreSQL's user may not enter. */
const ROOT_FOLDER = "/var/lib/longwave";
/** The least of the systems' limits for a socket's path, less `/.s.PGSQL.5432`. */
const SOCKET_FOLDER_BYTES_MAX = 103 - 14;

/** Decides where PostgreSQL lives and as whom it runs; an existing cluster stays where it is. */
export async function findHome(dataDir: string): Promise<EmbeddedHome> {
  const outside = join(ROOT_FOLDER, nameOf(dataDir));
  const owner = await ownerOf(join(dataDir, "cluster"));
  const own = process.getuid?.();
  if (own !== 0) {
    const stranger = owner ?? (await ownerOf(join(outside, "cluster")));
    if (stranger !== undefined && own !== undefined && stranger.uid !== own) {
      throw new StartError(
        `The database of ${dataDir} belongs to ${await describeUser(stranger.uid)}, so it was first started as root or by another user. Start it as that user, or set LONGWAVE_DATA_DIR to another folder.`,
      );
    }
    return { folder: dataDir, binariesFolder: dataDir, user: undefined };
  }
  await makeOpenFolder(ROOT_FOLDER);
  if (owner !== undefined && owner.uid !== 0) {
    return { folder: dataDir, binariesFolder: ROOT_FOLDER, user: owner };
  }
  const user = (await ownerOf(join(outside, "cluster"))) ?? (await unprivilegedUser());
  if (await isOpenToAll(dataDir)) return { folder: dataDir, binariesFolder: ROOT_FOLDER, user };
  await makeOpenFolder(outside);
  return { folder: outside, binariesFolder: ROOT_FOLDER, user };
}

/** A folder that PostgreSQL's user alone may enter: whoever reaches the socket is let in. */
export async function makeSocketFolder({ folder, user }: EmbeddedHome): Promise<string> {
  const inside = join(folder, "socket");
  const isShort = Buffer.byteLength(inside) <= SOCKET_FOLDER_BYTES_MAX;
  if (isShort) {
    await rm(inside, { recursive: true, force: true });
    await makePrivateFolder(inside, user);
    return inside;
  }
  const outside = await mkdtemp(join(tmpdir(), "longwave-"));
  if (user !== undefined) await lchown(outside, user.uid, user.gid);
  return outside;
}

/** Made anew, so nobody else can have prepared it. */
export async function makePrivateFolder(folder: string, user: UnixUser | undefined): Promise<void> {
  await mkdir(folder, { mode: 0o700 });
  if (user !== undefined) await lchown(folder, user.uid, user.gid);
}

async function makeOpenFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o755);
}

function nameOf(path: string): string {
  return createHash("sha256").update(path).digest("hex").slice(0, 12);
}

async function ownerOf(path: string): Promise<UnixUser | undefined> {
  const found = await lstat(path).catch(() => undefined);
  return found === undefined ? undefined : { uid: found.uid, gid: found.gid };
}

async function isOpenToAll(path: string): Promise<boolean> {
  for (let folder = path; ; folder = resolve(folder, "..")) {
    if (((await stat(folder)).mode & 0o001) === 0) return false;
    if (folder === "/") return true;
  }
}

type NamedUser = UnixUser & { readonly name: string };

async function readUsers(): Promise<NamedUser[]> {
  const text = await readFile("/etc/passwd", "utf8").catch(() => "");
  return text.split("\n").map((line) => {
    const [name = "", , uid, gid] = line.split(":");
    return { name, uid: Number(uid), gid: Number(gid) };
  });
}

async function describeUser(uid: number): Promise<string> {
  const name = (await readUsers()).find((user) => user.uid === uid)?.name;
  return name === undefined ? `the user with number ${uid}` : `the user '${name}'`;
}

/** The user must have a name, or initdb refuses to run. */
async function unprivilegedUser(): Promise<UnixUser> {
  const users = await readUsers();
  for (const name of ["postgres", "nobody"]) {
    const found = users.find((user) => user.name === name);
    if (found !== undefined) return { uid: found.uid, gid: found.gid };
  }
  throw new StartError(
    "PostgreSQL does not run as root and this machine has no user 'postgres' or 'nobody'. Start Longwave as an ordinary user.",
  );
}
