import { createLongwave } from "./longwave.js";

const accountSid = `AC${"7".repeat(32)}`;
const authToken = "7".repeat(32);
const authorization = `Basic ${Buffer.from(`${accountSid}:${authToken}`).toString("base64")}`;
const MESSAGES = `/2010-04-01/Accounts/${accountSid}/Messages.json`;

/** Every role is in two processes at least, as soon as there are two. */
const rolesOf = {
  1: ["api,dispatch,webhooks"],
  2: ["api,dispatch,webhooks", "api,dispatch,webhooks"],
  3: ["api,dispatch", "dispatch,webhooks", "api,webhooks"],
};

/** Several Longwave processes on one PostgreSQL, with senders that are spread over their shards. */
export async function startFleet({ count, folder, database, simulator, senders, say }) {
  const env = {
    ...database.env,
    ...{ LONGWAVE_DATA_DIR: folder, LONGWAVE_SIMULATOR: "off", HOME: folder },
    ...{ LONGWAVE_ACCOUNT_SID: accountSid, LONGWAVE_AUTH_TOKEN: authToken },
    ...{ LONGWAVE_SECRET_KEY: "7".repeat(64), LONGWAVE_ALLOW_PRIVATE: "127.0.0.0/8" },
  };
  const processes = [];
  for (let index = 0; index < count; index += 1) {
    const roles = rolesOf[count]?.[index] ?? rolesOf[3][index % 3];
    const name = `${index + 1} (${roles})`;
    processes.push(await createLongwave({ name, roles, folder, env, say }));
  }
  for (const one of processes) await one.start();
  const apis = processes.filter(({ url }) => url !== undefined);
  let turn = 0;
  const nextApi = () => {
    turn += 1;
    return apis[turn % apis.length].url;
  };
  const call = async (path, body) => {
    const response = await fetch(`${nextApi()}${path}`, {
      ...{ method: body === undefined ? "GET" : "POST", body },
      headers: {
        authorization,
        ...(typeof body === "string" ? { "content-type": "application/json" } : {}),
      },
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response.json();
  };
  await setUp(call, { simulator, senders });
  return {
    processes,
    post: (form) =>
      fetch(`${nextApi()}${MESSAGES}`, {
        ...{ method: "POST", headers: { authorization } },
        body: new URLSearchParams(form),
      }),
    /** The status of every recipient's message, read at the end. */
    statuses: async () => {
      await Promise.all(processes.map((one) => one.ready()));
      const all = new Map();
      let path = `${MESSAGES}?PageSize=1000`;
      while (path) {
        const page = await call(path);
        for (const message of page.messages) all.set(message.to, message.status);
        path = page.next_page_uri;
      }
      return all;
    },
    stop: () => Promise.all(processes.map((one) => one.stop())),
  };
}

async function setUp(call, { simulator, senders }) {
  const settings = { host: "127.0.0.1", port: simulator.port };
  await call(
    "/longwave/v1/Connectors",
    JSON.stringify({
      ...{ name: "carrier", kind: "smpp" },
      settings: { ...settings, systemId: "simulator", password: "loopback" },
    }),
  );
  const numbers = senders.map(({ number, segmentsPerSecond }) => ({
    ...{ number, kind: "long_code", country: "US", connector: "carrier" },
    segments_per_second: segmentsPerSecond,
  }));
  await call("/longwave/v1/Inventory", JSON.stringify({ numbers }));
  const registrations = senders.map(({ number }) => ({ number, campaign: "TORTURE" }));
  await call("/longwave/v1/Registrations", JSON.stringify({ registrations }));
  for (const { number } of senders) {
    await call(
      `/2010-04-01/Accounts/${accountSid}/IncomingPhoneNumbers.json`,
      new URLSearchParams({ PhoneNumber: number }),
    );
  }
  // Every process must know its senders before texts come.
  await new Promise((done) => setTimeout(done, 2_000));
}
