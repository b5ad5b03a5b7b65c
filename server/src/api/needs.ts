import type { AccountBook } from "../accounts/account-book.ts";
import type { RuleBook } from "../compliance/rule-book.ts";
import type { Sql } from "../db/sql.ts";
import type { Clock } from "../lib/clock.ts";
import type { IdWriter, MessageId } from "../lib/message-id.ts";
import type { Seal } from "../lib/seal.ts";
import type { MessageSids } from "../lib/sid.ts";
import type { NewMessage } from "../messages/decide-message.ts";
import type { Message } from "../messages/message.ts";
import type { SenderBook } from "../senders/sender-book.ts";
import type { PriceBook } from "../spend/price-book.ts";

export type Feedback = {
  readonly outcome: "confirmed" | "unconfirmed";
  readonly createdAt: Date;
  readonly updatedAt: Date;
};

export type MessageFilter = {
  readonly account: number;
  readonly to?: string;
  readonly from?: string;
  /** Inclusive. */
  readonly sentAfter?: Date;
  /** Exclusive. */
  readonly sentBefore?: Date;
  /** The last one of the page before; newest first. */
  readonly beforeId?: MessageId;
  readonly limit: number;
};

/** What the API asks of the messages part; each may reject with `ApiError`. */
export type MessagesApi = {
  readonly accept: (message: NewMessage) => Promise<Message>;
  readonly find: (key: {
    readonly account: number;
    readonly id: MessageId;
  }) => Promise<Message | undefined>;
  /** What is stored of a row of reserved ids, by their places in it. */
  readonly findReserved: (key: {
    readonly account: number;
    readonly first: MessageId;
    readonly count: number;
  }) => Promise<ReadonlyMap<number, Message>>;
  readonly list: (filter: MessageFilter) => Promise<readonly Message[]>;
  readonly cancel: (message: Message) => Promise<Message>;
  readonly redact: (message: Message) => Promise<Message>;
  readonly remove: (message: Message) => Promise<void>;
  /** Forgets where one of its media is, by its place from 0. */
  readonly deleteMedia: (message: Message, place: number) => Promise<void>;
  readonly recordFeedback: (message: Message, outcome: Feedback["outcome"]) => Promise<Feedback>;
};

export type ApiNeeds = {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly newId: IdWriter;
  readonly seal: Seal;
  readonly accountBook: AccountBook;
  readonly senderBook: SenderBook;
  readonly ruleBook: RuleBook;
  readonly priceBook: PriceBook;
  readonly messages: MessagesApi;
  readonly messageSids: MessageSids;
  /** Whether a message with media from this sender may find a connector that carries it. */
  readonly mayCarryMedia: (sender: { number: string; connector: string }) => boolean;
  /** Without a slash at its end. */
  readonly publicUrl: string;
  /** The same where it was configured; else the links of an answer lead where the request came in. */
  readonly configuredUrl: string | undefined;
  /** Whether forwarded headers tell the caller's address. */
  readonly trustProxy: boolean;
  /** Told of every answer 500. */
  readonly reportBug: (error: unknown, requestSid: string) => void;
};
