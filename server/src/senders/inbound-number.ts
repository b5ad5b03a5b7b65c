import type { Sender } from "./sender.ts";
import type { SenderBook } from "./sender-book.ts";
import type { Service } from "./service.ts";

/** Where a text to a number goes. */
export type InboundWebhooks = Pick<
  Sender,
  "smsUrl" | "smsMethod" | "smsFallbackUrl" | "smsFallbackMethod"
>;

/** A number as its texts see it: with the webhooks that count, and its service's other numbers. */
export type InboundNumber = Sender & {
  /** What an opt-in opens again: its service with all numbers of that, or itself. */
  readonly pools: readonly string[];
};

/** A service speaks for its numbers, unless it leaves that to them. */
export function webhooksOf(sender: Sender, service: Service | undefined): InboundWebhooks {
  if (service === undefined || service.useInboundWebhookOnNumber) return sender;
  return {
    smsUrl: service.inboundRequestUrl ?? "",
    smsMethod: service.inboundMethod,
    smsFallbackUrl: service.fallbackUrl ?? "",
    smsFallbackMethod: service.fallbackMethod,
  };
}

export function inboundNumber(
  book: Pick<SenderBook, "byNumber" | "service">,
  number: string,
): InboundNumber | undefined {
  const sender = book.byNumber(number);
  if (sender === undefined) return undefined;
  const service = serviceOf(book, sender);
  const members = service?.numbers.map((one) => one.number) ?? [];
  const pools = service === undefined ? [sender.number] : [service.sid, ...members];
  return { ...sender, ...pick(webhooksOf(sender, service)), pools };
}

export function serviceOf(book: Pick<SenderBook, "service">, sender: Sender): Service | undefined {
  return sender.service === null ? undefined : book.service(sender.account, sender.service);
}

function pick(webhooks: InboundWebhooks): InboundWebhooks {
  const { smsUrl, smsMethod, smsFallbackUrl, smsFallbackMethod } = webhooks;
  return { smsUrl, smsMethod, smsFallbackUrl, smsFallbackMethod };
}
