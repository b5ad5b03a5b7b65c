import type { CarriedSender } from "./sender.ts";
import type { Service } from "./service.ts";

/** Enough for a service without senders: its messages fail as soon as they are looked at. */
const RATE_MIN = 1;

/**
 * A service as what a message comes from, before one of its senders is chosen: together they carry
 * so many segments a second, and may hold the sum of their queues.
 */
export function senderOfService(
  service: Pick<Service, "sid" | "numbers" | "alphaSenders">,
  nameOf: (name: string) => CarriedSender | undefined,
): CarriedSender {
  const names = service.alphaSenders
    .map(({ name }) => nameOf(name))
    .filter((one) => one !== undefined);
  const senders: readonly CarriedSender[] = [...service.numbers, ...names];
  const sum = senders.reduce((total, one) => total + one.segmentsPerSecond, 0);
  return {
    ...{
      number: "",
      kind: "name",
      country: "",
      service: service.sid,
      connector: senders[0]?.connector ?? "",
    },
    segmentsPerSecond: Math.max(RATE_MIN, sum),
    maxQueueSeconds: Math.max(1, ...senders.map((one) => one.maxQueueSeconds)),
  };
}
