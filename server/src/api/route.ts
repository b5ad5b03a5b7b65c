import type { Account } from "../accounts/account.ts";
import type { Form, ParameterTable } from "./form.ts";
import type { Reservation } from "./idempotency.ts";
import type { ApiNeeds } from "./needs.ts";

/** A request whose account, credentials and parameters have been checked. */
export type ApiRequest = {
  /** The account that the path names; the caller's own, or a subaccount of it. */
  readonly account: Account;
  /** Whose credentials these are. */
  readonly caller: Account;
  readonly params: Readonly<Record<string, string | undefined>>;
  readonly form: Form;
  /** As it was asked for, without the query and the prefix of a product. */
  readonly path: string;
  /** What the links of the answer begin with, such as `https://sms.example.com`. */
  readonly origin: string;
  /** The message's id, when the caller gave an idempotency key. */
  readonly reserved?: Reservation | undefined;
};

export type Answer = {
  readonly status: number;
  readonly body?: object;
  /** Where the caller is sent on to. */
  readonly location?: string;
};

export type Route = {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE";
  /** As Fastify writes it, without `.json`. */
  readonly path: string;
  /** Of the query for GET and DELETE, of the body for POST and PATCH. */
  readonly parameters: ParameterTable;
  /** Headers that stand for a parameter, for callers whose SDK drops names it does not know. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether the body may be a flat JSON object, too. */
  readonly takesJson?: true;
  /** Whether test credentials may call it. */
  readonly isForTest?: true;
  /** Whether it accepts a message: under an idempotency key its id is reserved first. */
  readonly isAccept?: true;
  /** Whether it works on an account that is suspended. */
  readonly isForSuspended?: true;
  readonly handle: (app: ApiNeeds, request: ApiRequest) => Promise<Answer>;
};
