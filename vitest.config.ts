import { defineConfig } from "vitest/config";

/**
 * A wait for a fact: so long that only a bug exceeds it, also on a machine that does other work.
 * What `expect.poll` waits at most, and a test or a hook beyond that.
 */
const patience = {
  expect: { poll: { timeout: 30_000 } },
  testTimeout: 90_000,
  hookTimeout: 90_000,
};

/** unit: pure and fast. db: a real PostgreSQL. flows: the whole server, the simulator as carrier. */
export default defineConfig({
  test: {
    reporters: ["default", "./scripts/count-reporter.js"],
    maxWorkers: 2,
    projects: [
      {
        test: {
          name: "unit",
          ...patience,
          include: ["server/**/*.test.ts", "sdk/**/*.test.ts", "scripts/**/*.test.ts"],
          exclude: [
            ...["**/*.db.test.ts", "server/test/flows/**", "server/test/start/**"],
            ...["**/dist/**", "**/node_modules/**"],
          ],
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: "db",
          ...patience,
          include: ["server/**/*.db.test.ts"],
          exclude: ["**/dist/**", "**/node_modules/**"],
          globalSetup: ["server/test/postgres-server.ts"],
        },
      },
      {
        test: {
          // The program as a user starts, kills and stops it.
          name: "start",
          ...patience,
          include: ["server/test/start/**/*.test.ts"],
        },
      },
      {
        test: {
          name: "flows",
          ...patience,
          include: ["server/test/flows/**/*.test.ts"],
          globalSetup: ["server/test/postgres-server.ts"],
        },
      },
    ],
  },
});
