import {
  account,
  incomingNumber,
  message,
  newSid,
  poolSender,
  type Resource,
  service,
  shortCode,
} from "./resources.ts";

/** What the account at Twilio holds, as far as a test says it, in Twilio's property names. */
export type GivenTwilio = {
  readonly account?: Resource;
  readonly subaccounts?: readonly Resource[];
  readonly numbers?: readonly Resource[];
  readonly shortCodes?: readonly Resource[];
  /** With the phone numbers, short codes and alphanumeric ids of its pool. */
  readonly services?: readonly (Resource & { readonly senders?: readonly string[] })[];
  readonly messages?: readonly Resource[];
  /** Of toll-free numbers. */
  readonly verifications?: readonly Resource[];
};

/** Every list is in Twilio's order: newest first for messages, as given for the others. */
export type World = {
  readonly accounts: Resource[];
  readonly numbers: Resource[];
  readonly shortCodes: Resource[];
  readonly services: Resource[];
  readonly pools: Record<"PhoneNumbers" | "ShortCodes" | "AlphaSenders", Resource[]>;
  readonly messages: Resource[];
  readonly verifications: readonly Resource[];
  /** `sender recipient`: Twilio refuses these texts with 21610. */
  readonly optOuts: Set<string>;
};

export function buildWorld(given: GivenTwilio, origin: string): World {
  const main = account(given.account ?? {});
  const own = { account_sid: main.sid };
  const subaccounts = (given.subaccounts ?? []).map((one) =>
    account({ owner_account_sid: main.sid, ...one }),
  );
  const numbers = (given.numbers ?? []).map((one) => incomingNumber({ ...own, ...one }));
  const shortCodes = (given.shortCodes ?? []).map((one) => shortCode({ ...own, ...one }));
  const world: World = {
    ...{ accounts: [main, ...subaccounts], numbers, shortCodes },
    ...{ services: [], pools: { PhoneNumbers: [], ShortCodes: [], AlphaSenders: [] } },
    messages: (given.messages ?? []).map((one) => message({ ...own, ...one })),
    verifications: given.verifications ?? [],
    optOuts: new Set(),
  };
  for (const { senders = [], ...properties } of given.services ?? []) {
    const made = service({ ...own, ...properties }, origin);
    world.services.push(made);
    for (const sender of senders) addToPool(world, made, { sender, origin });
  }
  return world;
}

function addToPool(
  world: World,
  { sid, account_sid }: Resource,
  { sender, origin }: { sender: string; origin: string },
): void {
  const number = world.numbers.find((one) => one.phone_number === sender);
  const code = world.shortCodes.find((one) => one.short_code === sender);
  const own = { account_sid, service_sid: sid };
  const add = (collection: keyof World["pools"], properties: Resource) => {
    world.pools[collection].push(poolSender({ ...own, ...properties }, collection, origin));
  };
  if (number !== undefined) {
    const capabilities = Object.entries(number.capabilities as Record<string, boolean>)
      .filter(([, has]) => has)
      .map(([name]) => (name === "voice" ? "Voice" : name.toUpperCase()));
    add("PhoneNumbers", { sid: number.sid, phone_number: sender, capabilities });
  } else if (code !== undefined) {
    add("ShortCodes", { sid: code.sid, short_code: sender });
  } else if (/^[+\d]/.test(sender)) {
    throw new Error(
      `The account does not hold ${sender}: give it as a number or short code first.`,
    );
  } else add("AlphaSenders", { sid: newSid("AI"), alpha_sender: sender });
}
