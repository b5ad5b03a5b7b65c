import type { ErrorCodes } from "./error-code.ts";

/** What went wrong with a webhook of yours, or with the TwiML that it answered. */
export const webhookCodes: ErrorCodes = {
  11200: {
    meaning: "The webhook gave no usable answer: too late, a redirect, or a refused address.",
    remedy: "Answer with 2xx within 15 seconds. Private addresses need LONGWAVE_ALLOW_PRIVATE.",
  },
  11205: {
    meaning: "No connection to the webhook's host came about.",
    remedy: "Check that it listens, and that a firewall lets Longwave through.",
  },
  11206: {
    meaning: "The webhook's host does not speak HTTP properly.",
    remedy: "Check the port, and whether https is written where http is served or the reverse.",
  },
  11210: {
    meaning: "The webhook's host name has no address.",
    remedy: "Check the spelling of the URL and the name's DNS record.",
  },
  11217: {
    meaning: "The webhook answered with an error status.",
    remedy: "Look in your own log: your program failed at this request.",
  },
  11220: {
    meaning: "The webhook's TLS certificate or handshake is not good.",
    remedy: "Serve a certificate that is valid for the host, with its whole chain.",
  },
  11750: {
    meaning: "The webhook's answer is too large.",
    remedy: "Answer with TwiML only; a few kilobytes are enough.",
  },
  12100: {
    meaning: "The webhook's answer cannot be read as TwiML.",
    remedy: "Send well-formed XML without a document type, and valid URLs in it.",
  },
  12102: {
    meaning: "The TwiML has another root than Response.",
    remedy: "Put everything into one <Response> element.",
  },
  12300: {
    meaning: "The webhook's answer has a content type that is neither XML nor plain text.",
    remedy: "Send TwiML as text/xml, or a reply as text/plain.",
  },
  14103: {
    meaning: "A Message in the TwiML has neither text nor media; it was skipped.",
    remedy: "Put a text into <Message> or into a <Body> in it.",
  },
  14105: {
    meaning: "The statusCallback of a Message in the TwiML is no URL; the reply went without it.",
    remedy: "Write an http or https URL.",
  },
  14110: {
    meaning: "The TwiML holds a verb that an answer to a text cannot have; it was skipped.",
    remedy: "Use Message and Redirect only.",
  },
};
