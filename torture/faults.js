import { createRandom } from "./random.js";

const QUIET_MS = { min: 1_000, max: 5_000 };

/** Kills Longwave, PostgreSQL or both, one after the other, and brings back what is down. */
export function createFaults({ longwave, seed, say }) {
  const random = createRandom(seed);
  const kinds = [
    { name: "Longwave killed", run: () => longwave.kill() },
    { name: "PostgreSQL killed", run: () => longwave.killPostgres() },
    {
      name: "both killed",
      run: async () => {
        longwave.killPostgres();
        await longwave.kill();
      },
    },
  ];
  return {
    /** Resolves with the ids whose claims were open at a kill of Longwave. */
    during: async (ms) => {
      const inDoubt = new Set();
      const end = performance.now() + ms;
      for (;;) {
        const quietMs = QUIET_MS.min + random() * (QUIET_MS.max - QUIET_MS.min);
        if (performance.now() + quietMs > end) break;
        await pause(quietMs);
        const kind = kinds[Math.floor(random() * kinds.length)];
        await kind.run();
        let open = 0;
        if (!longwave.isRunning()) {
          const claims = await longwave.openClaims();
          open = claims.length;
          for (const id of claims) inDoubt.add(id);
          await longwave.start();
        }
        say(`${kind.name}; ${open} claims open.`);
      }
      await pause(Math.max(0, end - performance.now()));
      return inDoubt;
    },
  };
}

function pause(ms) {
  return new Promise((done) => setTimeout(done, ms));
}
