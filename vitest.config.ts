import { defineConfig } from "vitest/config";

/** unit: pure and fast. db: a real PostgreSQL. flows: the whole server, the simulator as carrier. */
export default defineConfig({
  test: {
    reporters: ["default", "./scripts/count-reporter.js"],
    maxWorkers: 2,
    projects: [
      {
        test: {
          name: "unit",
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
          include: ["server/**/*.db.test.ts"],
          exclude: ["**/dist/**", "**/node_modules/**"],
          globalSetup: ["server/test/postgres-server.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          // The program as a user starts, kills and stops it.
          name: "start",
          include: ["server/test/start/**/*.test.ts"],
          testTimeout: 90_000,
          hookTimeout: 30_000,
        },
      },
      {
        test: {
          name: "flows",
          include: ["server/test/flows/**/*.test.ts"],
          globalSetup: ["server/test/postgres-server.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
