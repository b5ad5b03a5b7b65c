import type { MessageId } from "../lib/message-id.ts";

/** One part of a message on its way to a carrier, one attempt. */
export type Submission = {
  readonly id: MessageId;
  /** From 1. */
  readonly part: number;
  readonly parts: number;
  readonly attempt: number;
  readonly sender: string;
  readonly recipient: string;
  readonly encoding: "GSM-7" | "UCS-2";
  /** The text of this part alone. */
  readonly text: string;
  /** The same for all parts of a message: 0 to 65,535. */
  readonly reference: number;
  /** The whole text, where `text` is a part of it. */
  readonly body?: string;
  readonly validUntil: Date;
  /** Shown at once, not kept by the phone. */
  readonly isFlash?: boolean;
  /** Addresses of pictures and other files: only for a connector that carries media. */
  readonly media?: readonly string[] | undefined;
};

/** What the carrier answered. `carrierCode` is its own word, raw; `errorCode` is Twilio's number. */
export type SubmitResult =
  | { readonly kind: "accepted"; readonly carrierMessageId: string }
  | { readonly kind: "refused"; readonly errorCode: number; readonly carrierCode: string }
  /** We send more than it takes. */
  | { readonly kind: "throttled"; readonly retryAfterMs: number; readonly carrierCode: string }
  /** It holds as much for us as it can. */
  | { readonly kind: "queueFull"; readonly carrierCode: string }
  /** This one did not work now; others may. */
  | { readonly kind: "temporary"; readonly carrierCode: string }
  | { readonly kind: "unavailable"; readonly carrierCode: string }
  /** Bytes may have left, no answer came: whether it was sent is not certain. */
  | { readonly kind: "unknown"; readonly carrierCode: string };

export type ReceiptStatus = "delivered" | "undelivered" | "failed" | "sent";

/** A carrier's later word on a submission. */
export type Receipt = {
  readonly carrierMessageId: string;
  readonly status: ReceiptStatus;
  /** Twilio's code for a failure. */
  readonly errorCode: number | undefined;
  /** The carrier's own state and error, raw, such as `UNDELIV 012`. */
  readonly carrierCode: string;
  /** As the carrier wrote it, yyMMddHHmm[ss]; what Twilio calls RawDlrDoneDate. */
  readonly doneDate: string | undefined;
};

/** A text, or one part of one, from a phone. */
export type InboundPart = {
  readonly sender: string;
  readonly recipient: string;
  readonly text: string;
  readonly reference: number;
  /** 1 of 1 for a whole text. */
  readonly part: number;
  readonly total: number;
  /** The carrier's own id of the text, where it gives one: what it brings again has the same. */
  readonly carrierMessageId?: string;
  /** Where its pictures and other files are, with what the carrier calls their kind. */
  readonly media?: readonly { readonly url: string; readonly contentType: string | undefined }[];
};

/** What a carrier took for a text. */
export type Price = { readonly micros: bigint; readonly currency: string };

/** A carrier's HTTP call to us, as it came. */
export type CarrierCall = {
  readonly method: "GET" | "POST";
  /** The last part of the path: what the call is about. */
  readonly about: string;
  /** As the carrier knows it. */
  readonly url: string;
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
};

/**
 * What becomes of the answer to a text: `written` when the operating system has it, then `heard`
 * when the carrier still speaks a while later, or `lost` when the bind ended before.
 */
export type AnswerFate = "written" | "heard" | "lost";

/** What a connector tells. The carrier is acknowledged only after the promise has resolved. */
export type ConnectorEvents = {
  readonly onReceipt: (connector: string, receipt: Receipt) => Promise<void>;
  /** `bind` is new for each connection. What it resolves with is told the answer's fate. */
  readonly onInbound: (
    connector: string,
    part: InboundPart,
    bind: string,
  ) => Promise<(fate: AnswerFate) => void>;
  /** A slot became free or the bind came up: time to look at the lanes. */
  readonly onReady: (connector: string) => void;
  /** The carrier told what a submission cost. */
  readonly onPrice?: (connector: string, carrierMessageId: string, price: Price) => Promise<void>;
  /** Somebody must look at the connector: a sentence for the log, without secrets. */
  readonly onAlert?: (connector: string, sentence: string) => void;
};

export type ConnectorState =
  | { readonly phase: "connecting" | "stopped" }
  | {
      readonly phase: "bound";
      readonly window: number;
      readonly inFlight: number;
      /** Its own limit, of all its binds together, beside the window. */
      readonly segmentsPerSecond?: number;
      /** As that, of a minute: only while a minute's segments are used up. */
      readonly segmentsPerMinute?: number;
    }
  | { readonly phase: "reconnecting"; readonly cause: string; readonly nextAttemptAt: Date };

/** What went over a connector's wire, for people to read. */
export type TracedPdu = {
  /** Grows; of all binds of the connector. */
  readonly number: number;
  readonly at: Date;
  readonly bind: string;
  readonly way: "sent" | "received";
  readonly command: string;
  readonly sequence: number;
  readonly status: number;
  /** What is not empty or zero. Bodies and numbers are masked unless asked for. */
  readonly fields: Readonly<Record<string, string | number>>;
};

export type TraceQuery = {
  /** The first ones after this number; without it the last ones. */
  readonly after: number | undefined;
  readonly limit: number;
  readonly isClear: boolean;
};

/** Our way to one carrier. */
export type Connector = {
  readonly name: string;
  readonly carrierAccount: string;
  readonly isSimulated: boolean;
  readonly optOutsUpstream: boolean;
  /** The carrier splits long texts itself: a message is one submission, with all of its segments. */
  readonly takesWholeTexts?: boolean;
  /** Takes addresses of pictures and other files with a text (MMS). */
  readonly carriesMedia?: boolean;
  /** Segments per second that the carrier takes from such a sender; nothing: it has no such limit. */
  readonly senderLimit?: (sender: {
    readonly kind: string;
    readonly country: string;
  }) => number | undefined;
  /** Segments that the carrier takes in a calendar day of a time zone, from all processes together. */
  readonly dayLimit?: { readonly segmentsPerDay: number; readonly zone: string };
  /** Submissions that the window would take now. */
  readonly freeSlots: () => number;
  /** Writes in the same tick. Never rejects: every trouble is a result. */
  readonly submit: (submission: Submission) => Promise<SubmitResult>;
  readonly state: () => ConnectorState;
  /** The PDUs of late, for a connector that has any. */
  readonly trace?: (query: TraceQuery) => readonly TracedPdu[];
  /** Takes an HTTP call of the carrier; gives the status to answer with. Only where it makes calls. */
  readonly takeCall?: (call: CarrierCall) => Promise<number>;
  /** Waits, bounded, for answers under way; then unbinds. */
  readonly close: () => Promise<void>;
};
