/** A wait that a ring ends early; a ring that nobody waits for is kept for the next wait. */
export function createBell() {
  let wake: (() => void) | undefined;
  let isRung = false;
  return {
    ring: () => {
      isRung = true;
      wake?.();
    },
    wait: async (ms: number) => {
      if (!isRung) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ms);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      wake = undefined;
      isRung = false;
    },
  };
}
