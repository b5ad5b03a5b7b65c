/** Posts wait at a frozen process: the others' load must go on. */
const IN_FLIGHT_MAX = 1_500;
const AGAIN_MS = 200;
const TRIES_MAX = 300;

/** Posts texts to numbers that are used once each, at an even rate, until it is stopped. */
export function startLoad({ fleet, sink, senders, postsPerSecond }) {
  const accepted = new Map();
  const uncertain = new Set();
  const refused = new Map();
  const open = new Set();
  let serial = 0;
  let isStopped = false;

  const post = async (recipient, sender) => {
    for (let tries = 1; tries <= TRIES_MAX; tries += 1) {
      try {
        const response = await fleet.post({
          ...{ To: recipient, From: sender },
          Body: `Text ${recipient}`,
          StatusCallback: sink.url,
        });
        const { sid, code } = await response.json();
        if (response.status === 201) accepted.set(sid, recipient);
        else refused.set(code, (refused.get(code) ?? 0) + 1);
        return;
      } catch (error) {
        // Refused connections stored nothing; after anything else it may have been stored.
        if (error.cause?.code !== "ECONNREFUSED") {
          uncertain.add(recipient);
          return;
        }
        await new Promise((done) => setTimeout(done, AGAIN_MS));
        if (isStopped) return;
      }
    }
  };

  const timer = setInterval(() => {
    if (open.size >= IN_FLIGHT_MAX) return;
    serial += 1;
    const sender = senders[serial % senders.length].number;
    const task = post(numberOf(serial), sender).finally(() => open.delete(task));
    open.add(task);
  }, 1000 / postsPerSecond);

  return {
    stop: async () => {
      clearInterval(timer);
      isStopped = true;
      await Promise.all(open);
      return { accepted, uncertain, refused };
    },
  };
}

const areas = [202, 212, 213, 303, 305, 312, 404, 415, 503, 512, 602, 617, 702, 713, 718, 808];

/** A different valid US number for each serial, none of the simulator's faults. */
function numberOf(serial) {
  const line = serial % 9_000;
  const rest = Math.floor(serial / 9_000);
  const exchange = 220 + (rest % 90);
  const area = areas[Math.floor(rest / 90) % areas.length];
  return `+1${area}${exchange}${String(line).padStart(4, "0")}`;
}
