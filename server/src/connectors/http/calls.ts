import { randomUUID } from "node:crypto";
import type { CarrierCall, ConnectorEvents, Receipt } from "../connector.ts";
import { errorCodeOf, parseJson } from "./answers.ts";
import type { Definition } from "./definition.ts";
import { holds, readAt, readCode, readPrice } from "./places.ts";
import { isSigned } from "./signature.ts";

type Needs = {
  readonly name: string;
  readonly definition: Definition;
  readonly values: Readonly<Record<string, string>>;
  readonly now: Date;
  readonly events: ConnectorEvents;
};

/** `priceOf`: a text that has ended, whose price is to be asked for. */
export type Taken = { readonly status: number; readonly priceOf?: string };

/** As many as Twilio lets a message have. */
const MEDIA_MAX = 10;
const TAKEN = 204;
const UNREADABLE = 400;
const NOT_SIGNED = 403;
const UNKNOWN = 404;
/** The provider is asked to bring it again. */
const NOT_STORED = 503;

/** Takes a provider's call: a receipt, a text, or what is of no matter here. Answered when durable. */
export async function takeCall(app: Needs, call: CarrierCall): Promise<Taken> {
  const { definition, values, now } = app;
  const { receipt, inbound, signature } = definition;
  if (call.about !== receipt.at && call.about !== inbound.at) return { status: UNKNOWN };
  if (!isSigned(signature, call, { settings: values, now })) return { status: NOT_SIGNED };
  const told = readBody(call);
  if (typeof told !== "object" || told === null) return { status: UNREADABLE };
  try {
    if (call.about === receipt.at && holds(told, receipt.when)) return await takeReceipt(app, told);
    if (call.about === inbound.at && holds(told, inbound.when)) return await takeText(app, told);
    return { status: TAKEN };
  } catch {
    return { status: NOT_STORED };
  }
}

async function takeReceipt({ name, definition, events }: Needs, told: object): Promise<Taken> {
  const { receipt: places, priceLookup } = definition;
  const carrierMessageId = readAt(told, places.id);
  const word = readAt(told, places.status) ?? "";
  const status = places.statuses[word];
  if (carrierMessageId === undefined) return { status: UNREADABLE };
  if (status === undefined) return { status: TAKEN };
  const code = readCode(told, places.code);
  const isFailure = status === "undelivered" || status === "failed";
  const receipt: Receipt = {
    ...{ carrierMessageId, status },
    errorCode: isFailure ? (errorCodeOf(definition, code) ?? 30008) : undefined,
    carrierCode: code === undefined ? word : `${word} ${code}`,
    doneDate: places.doneDate === undefined ? undefined : readAt(told, places.doneDate),
  };
  await events.onReceipt(name, receipt);
  const price = places.price && readPrice(told, places.price);
  if (price !== undefined) await events.onPrice?.(name, carrierMessageId, price);
  const isAsked = price === undefined && priceLookup !== undefined && status !== "sent";
  return { status: TAKEN, ...(isAsked ? { priceOf: carrierMessageId } : {}) };
}

async function takeText({ name, definition, events }: Needs, told: object): Promise<Taken> {
  const { inbound } = definition;
  const carrierMessageId = readAt(told, inbound.id);
  const sender = readAt(told, inbound.sender);
  const recipient = readAt(told, inbound.recipient);
  if (carrierMessageId === undefined || sender === undefined || recipient === undefined) {
    return { status: UNREADABLE };
  }
  const text = readAt(told, inbound.text) ?? "";
  const whole = { reference: 0, part: 1, total: 1 };
  // Whether the provider has our answer is never known, so the text's own id is what it is known by.
  await events.onInbound(
    name,
    { sender, recipient, text, ...whole, carrierMessageId, media: readMedia(told, inbound.media) },
    randomUUID(),
  );
  return { status: TAKEN };
}

/** The first that is missing ends them. */
function readMedia(told: object, places: Definition["inbound"]["media"]) {
  const media: { url: string; contentType: string | undefined }[] = [];
  while (places !== undefined && media.length < MEDIA_MAX) {
    const at = (place: string) => readAt(told, place.replaceAll("{n}", String(media.length)));
    const url = at(places.url);
    if (url === undefined) break;
    media.push({ url, contentType: places.contentType && at(places.contentType) });
  }
  return media;
}

function readBody({ method, url, headers, body }: CarrierCall): unknown {
  if (method === "GET") return Object.fromEntries(new URL(url).searchParams);
  const isJson = headers["content-type"]?.includes("json") === true;
  return isJson ? parseJson(body) : Object.fromEntries(new URLSearchParams(body));
}
