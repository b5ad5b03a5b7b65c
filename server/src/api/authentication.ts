import type { FastifyRequest } from "fastify";
import type { Account } from "../accounts/account.ts";
import { type Credentials, sha256 } from "../accounts/account-book.ts";
import { ApiError, authenticationFailed, tooManyRequests } from "../lib/errors.ts";
import { createRecentMap } from "../lib/recent-map.ts";
import type { ApiNeeds } from "./needs.ts";

/** A program sends the same header with each request: to read it takes longer than to compare it. */
const HEADERS_REMEMBERED = 1_000;
const HEADER_LENGTH_MAX = 1_000;
const credentialsByHeader = createRecentMap<Credentials | undefined>(HEADERS_REMEMBERED);

/**
 * Whose credentials a request carries, by HTTP Basic. Refuses with 20003, 20429, and 20005 for an
 * account that is not active.
 */
export function authenticateRequest(
  app: Pick<ApiNeeds, "accountBook">,
  request: Pick<FastifyRequest, "headers" | "ip">,
): Account {
  const { authorization = "" } = request.headers;
  const credentials =
    authorization.length > HEADER_LENGTH_MAX
      ? readBasic(authorization)
      : credentialsByHeader.get(authorization, readBasic);
  if (credentials === undefined) throw authenticationFailed();
  const login = app.accountBook.authenticate(credentials, request.ip);
  switch (login.kind) {
    case "limited":
      throw tooManyRequests("Too many failed logins came from this address.");
    case "denied":
      throw authenticationFailed();
    case "account":
      if (login.account.status !== "active") throw accountNotActive(login.account);
      return login.account;
  }
}

/** The account that a 2010 path names: the caller's own or a subaccount of it; else 20003. */
export function accountOfPath(
  app: Pick<ApiNeeds, "accountBook">,
  caller: Account,
  sid: string | undefined,
): Account {
  if (sid === undefined || sid === caller.sid) return caller;
  const named = app.accountBook.bySid(sid);
  if (named?.parent !== caller.id) throw authenticationFailed();
  return named;
}

export function accountNotActive(account: Account): ApiError {
  return new ApiError(
    403,
    20005,
    `The account ${account.sid} is ${account.status}. Its parent account can change that unless it is closed.`,
  );
}

function readBasic(header: string): Credentials | undefined {
  const [, encoded] = /^basic +([A-Za-z0-9+/=_-]{1,1000})$/i.exec(header) ?? [];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, "base64").toString("utf8");
  const colon = text.indexOf(":");
  if (colon < 0) return undefined;
  return { user: text.slice(0, colon), passwordSha256: sha256(text.slice(colon + 1)) };
}
