import { createRandom } from "./random.js";

const QUIET_MS = { min: 200, max: 3_000 };
const FROZEN_MS = { min: 500, max: 6_000 };
const DOWN_MS_MAX = 3_000;
const CLOCK_STEP_MS_MAX = 60_000;
const BLINKS = 15;

/** Breaks one thing after the other at random moments, also while the last is still broken. */
export function createFaults({ fleet, database, simulator, seed, say }) {
  const random = createRandom(seed);
  const between = (min, max) => min + random() * (max - min);
  const pick = (list) => list[Math.floor(random() * list.length)];
  const repairs = new Set();
  const counts = new Map();

  const repairLater = (work) => {
    const repair = work().finally(() => repairs.delete(repair));
    repairs.add(repair);
  };
  const running = () => fleet.processes.filter((one) => one.isRunning());

  const kill = async (one) => {
    await one.kill();
    const downMs = random() * DOWN_MS_MAX;
    repairLater(async () => {
      await pause(downMs);
      await one.start();
    });
    return `${one.name} killed`;
  };
  const freeze = async (one) => {
    const ms = between(FROZEN_MS.min, FROZEN_MS.max);
    one.freeze();
    repairLater(async () => {
      await pause(ms);
      one.thaw();
    });
    return `${one.name} frozen for ${Math.round(ms)} ms`;
  };

  const kinds = [
    { name: "kill", run: () => kill(pick(running())) },
    { name: "freeze", run: () => freeze(pick(running())) },
    {
      name: "blink",
      // Many short stops, to hit between a claim, its write and its record.
      run: async () => {
        const one = pick(running());
        for (let blink = 0; blink < BLINKS && one.isRunning(); blink += 1) {
          one.freeze();
          await pause(between(5, 200));
          one.thaw();
          await pause(between(5, 100));
        }
        return `${one.name} stopped ${BLINKS} times for up to 200 ms`;
      },
    },
    {
      name: "all killed",
      run: async () => {
        const said = [];
        for (const one of running()) said.push(await kill(one));
        return said.join("; ");
      },
    },
    {
      name: "PostgreSQL killed",
      run: async () => {
        database.kill();
        return "PostgreSQL killed";
      },
    },
    {
      name: "PostgreSQL and a process killed",
      run: async () => {
        database.kill();
        return `PostgreSQL killed; ${await kill(pick(running()))}`;
      },
    },
    {
      name: "sessions ended",
      run: async () => {
        await database.terminateSessions();
        return "half of the sessions ended by pg_terminate_backend";
      },
    },
    {
      name: "connections cut",
      run: async () => `${database.proxy.cut(random, pick([0.2, 0.5, 1]))} connections cut`,
    },
    {
      name: "answers lost",
      run: async () => `${database.proxy.loseAnswers(random, pick([0.2, 0.5, 1]))} answers lost`,
    },
    {
      name: "clock stepped",
      run: async () => {
        const one = pick(fleet.processes);
        const ms = Math.round(between(-CLOCK_STEP_MS_MAX, CLOCK_STEP_MS_MAX));
        one.shift(ms);
        return `${one.name}'s clock is ${ms} ms off`;
      },
    },
    { name: "carrier paused", run: () => simulator.pause(between(100, 1_500)) },
  ];

  return {
    /** Resolves with what was done how often. */
    during: async (ms) => {
      const end = performance.now() + ms;
      for (;;) {
        const quietMs = between(QUIET_MS.min, QUIET_MS.max);
        if (performance.now() + quietMs > end) break;
        await pause(quietMs);
        if (running().length === 0) continue;
        const kind = pick(kinds);
        counts.set(kind.name, (counts.get(kind.name) ?? 0) + 1);
        say(`${Math.round(ms - (end - performance.now()))} ms: ${await kind.run()}.`);
      }
      await pause(Math.max(0, end - performance.now()));
      while (repairs.size > 0) await Promise.all(repairs);
      for (const one of fleet.processes) one.shift(0);
      return counts;
    },
  };
}

function pause(ms) {
  return new Promise((done) => setTimeout(done, ms));
}
