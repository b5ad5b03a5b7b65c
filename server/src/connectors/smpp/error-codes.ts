import { invalidParameter } from "../../lib/errors.ts";

/** Twilio's codes by a carrier's own; leading noughts and letter case make no difference. */
export type ErrorCodes = Readonly<Record<string, number>>;

const CODES_MAX = 1_000;

export function parseErrorCodes(json: unknown): ErrorCodes {
  const entries = Object.entries((json ?? {}) as Record<string, unknown>);
  if (entries.length > CODES_MAX) {
    throw invalidParameter("errorCodes", `give at most ${CODES_MAX} codes.`);
  }
  return Object.fromEntries(
    entries.map(([code, twilio]) => {
      const isCode = typeof twilio === "number" && Number.isInteger(twilio);
      if (isCode && twilio >= 30_001 && twilio <= 30_999) return [keyOf(code), twilio];
      throw invalidParameter(
        "errorCodes",
        "give Twilio's codes of failed messages, such as 30003.",
      );
    }),
  );
}

function keyOf(code: string): string {
  return code.toLowerCase().replace(/^0+(?=.)/, "");
}

/**
 * User errors of a GSM network (3GPP TS 29.002, 17.6.6), by their number, as network_error_code
 * brings them; numbers in a receipt's text are each carrier's own.
 */
const gsmErrors: Readonly<Record<number, number>> = {
  1: 30005, // unknown subscriber
  5: 30005, // unidentified subscriber
  6: 30003, // absent subscriber
  9: 30005, // illegal subscriber
  11: 30006, // the service is not provisioned
  12: 30005, // illegal equipment
  13: 30004, // calls are barred
  21: 30006, // the facility is not supported
  27: 30003, // absent subscriber
  28: 30003, // absent subscriber, by the time limit
  31: 30003, // busy
  32: 30003, // the phone could not take it, its memory is full
};
const GSM_NETWORK = 3;

/** Twilio's code for a failed receipt: by the carrier's own, by the network's, else by its state. */
export function errorCodeOf(
  error: { carrier: string | undefined; network: { type: number; code: number } | undefined },
  known: ErrorCodes,
  byState: number,
): number {
  const byCarrier = error.carrier === undefined ? undefined : known[keyOf(error.carrier)];
  if (byCarrier !== undefined) return byCarrier;
  const { network } = error;
  return (network?.type === GSM_NETWORK ? gsmErrors[network.code] : undefined) ?? byState;
}
