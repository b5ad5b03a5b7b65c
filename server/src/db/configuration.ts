import type { Sql } from "./sql.ts";

/** A part of the configuration in memory, as of the last refresh. */
export type Kept<Part> = {
  readonly current: () => Part;
  /** Reads again if the configuration changed. Must run once before the first use. */
  readonly refresh: () => Promise<void>;
};

/** Keeps what `read` gives, for as long as the version of the configuration is the same. */
export function keepConfiguration<Part>(
  app: { readonly sql: Sql },
  { empty, read }: { readonly empty: Part; readonly read: (sql: Sql) => Promise<Part> },
): Kept<Part> {
  let version = -1n;
  let part = empty;
  let reading: Promise<void> | undefined;
  let asked = 0;

  const readUntilNew = async () => {
    let answered: number;
    do {
      answered = asked;
      // Read before the tables: a change between the two is read once more, never missed.
      const now = await readVersion(app.sql);
      if (now === version) continue;
      part = await read(app.sql);
      version = now;
    } while (answered !== asked);
  };

  return {
    current: () => part,
    refresh: () => {
      asked += 1;
      reading ??= readUntilNew().finally(() => {
        reading = undefined;
      });
      return reading;
    },
  };
}

/** It rises with every change of what is configured. */
export async function readVersion(sql: Sql): Promise<bigint> {
  const [row] = await sql<{ version: bigint }[]>`
    select version
    from configuration
  `;
  return row?.version ?? 0n;
}
