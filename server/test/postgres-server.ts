import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { connectDirect, type DatabaseAddress } from "../src/db/connect.ts";
import { startEmbedded } from "../src/db/embedded.ts";
import { migrate } from "../src/db/migrate.ts";
import { createPartitions } from "../src/db/partitions.ts";

declare module "vitest" {
  // biome-ignore lint/style/useConsistentTypeDefinitions: Vitest's way to say what is provided
  interface ProvidedContext {
    server: DatabaseAddress;
  }
}

/** One PostgreSQL for a test run: the embedded one, or the one of LONGWAVE_TEST_DATABASE_URL. */
export async function setup(project: TestProject) {
  const { LONGWAVE_TEST_DATABASE_URL: url, LONGWAVE_TEST_DIRECT_URL: directUrl } = process.env;
  const folder = await mkdtemp(join(tmpdir(), "longwave-test-"));
  await chmod(folder, 0o755); // as root PostgreSQL is another user, who must be able to enter
  const embedded = url === undefined ? await startEmbedded(folder) : undefined;
  const server: DatabaseAddress = embedded?.address ?? { kind: "url", url: url ?? "", directUrl };
  const sql = connectDirect(server);
  await sql`drop database if exists template_longwave with (force)`;
  await sql`create database template_longwave`;
  await sql.end();
  const template = connectDirect(inDatabase(server, "template_longwave"));
  await migrate(template, join(import.meta.dirname, "../migrations"));
  await createPartitions(template, new Date());
  await template.end();
  project.provide("server", server);
  return async () => {
    await embedded?.stop();
    await rm(folder, { recursive: true, force: true });
  };
}

export function inDatabase(server: DatabaseAddress, database: string): DatabaseAddress {
  if (server.kind === "socket") return { ...server, database };
  const move = (text: string) => {
    const url = new URL(text);
    url.pathname = `/${database}`;
    return url.href;
  };
  const direct = server.directUrl;
  return { ...server, url: move(server.url), directUrl: direct && move(direct) };
}
