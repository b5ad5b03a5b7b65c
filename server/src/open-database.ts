import { mkdirSync } from "node:fs";
import type { Config } from "./config.ts";
import type { DatabaseAddress } from "./db/connect.ts";
import { startEmbedded } from "./db/embedded.ts";
import { lockFolder } from "./lib/folder-lock.ts";

/** The one that the settings name, or our own in the data folder. */
export async function openDatabase(
  config: Config,
  stopSignal: AbortSignal,
): Promise<{ address: DatabaseAddress; stop: () => Promise<void> }> {
  const { databaseUrl: url, databaseDirectUrl: directUrl, dataDir } = config;
  if (url !== undefined) {
    return { address: { kind: "url", url, directUrl }, stop: () => Promise.resolve() };
  }
  mkdirSync(dataDir, { recursive: true });
  const unlock = lockFolder(dataDir);
  try {
    const embedded = await startEmbedded(dataDir, stopSignal);
    return {
      address: embedded.address,
      stop: async () => {
        await embedded.stop();
        unlock();
      },
    };
  } catch (error) {
    unlock();
    throw error;
  }
}
