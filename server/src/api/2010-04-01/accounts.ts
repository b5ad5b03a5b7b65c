import type { Account } from "../../accounts/account.ts";
import { createAccount, updateAccount } from "../../accounts/create-account.ts";
import { ApiError, notFound } from "../../lib/errors.ts";
import { isCleanText } from "../../segments/segment.ts";
import type { ParameterTable } from "../form.ts";
import type { ApiNeeds } from "../needs.ts";
import { pageBody, pageParameters, readPage, sliceAfter } from "../page.ts";
import { rfc2822 } from "../rfc2822.ts";
import type { ApiRequest, Route } from "../route.ts";

const FRIENDLY_NAME_LENGTH_MAX = 64;
const change = { FriendlyName: "same", Status: "same" } satisfies ParameterTable;

export const accountRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/2010-04-01/Accounts",
    parameters: { ...change, ...pageParameters },
    handle: async (app, request) => {
      const asked = readPage(request);
      const name = request.form.text("FriendlyName") || undefined;
      const status = request.form.choice("Status", ["active", "suspended", "closed"]);
      const { caller } = request;
      const all = [caller, ...app.accountBook.subaccountsOf(caller.id)].filter(
        (account) =>
          (name === undefined || account.friendlyName === name) &&
          (status === undefined || account.status === status),
      );
      const last = asked.after === undefined ? undefined : app.accountBook.bySid(asked.after);
      const found = sliceAfter(all, asked, (account) => account.id > (last?.id ?? 0));
      const show = (account: Account) => showAccount(app, account);
      const filters = ["FriendlyName", "Status"];
      const tokenOf = (account: Account) => account.sid;
      return {
        status: 200,
        body: pageBody(request, asked, { key: "accounts", found, show, tokenOf, filters }),
      };
    },
  },
  {
    method: "POST",
    path: "/2010-04-01/Accounts",
    parameters: { FriendlyName: "same" },
    handle: async (app, request) => {
      if (request.caller.parent !== undefined) {
        throw new ApiError(
          403,
          20403,
          "A subaccount cannot have subaccounts. Use the main account's credentials.",
        );
      }
      const { account } = await createAccount(app, {
        friendlyName: readFriendlyName(request),
        parent: request.caller.id,
      });
      await app.accountBook.refresh();
      return { status: 201, body: showAccount(app, account) };
    },
  },
  {
    method: "GET",
    path: "/2010-04-01/Accounts/:account",
    parameters: {},
    handle: async (app, request) => ({ status: 200, body: showAccount(app, request.account) }),
  },
  {
    method: "POST",
    path: "/2010-04-01/Accounts/:account",
    parameters: change,
    isForSuspended: true,
    handle: async (app, request) => {
      const status = readStatus(request);
      const friendlyName = readFriendlyName(request);
      if (status !== undefined && request.caller.id === request.account.id) {
        throw new ApiError(
          400,
          20001,
          "An account cannot change its own status. Its parent account can.",
        );
      }
      await updateAccount(app, request.account, { status, friendlyName });
      await app.accountBook.refresh();
      const updated = app.accountBook.byId(request.account.id);
      if (updated === undefined) throw notFound(`The account ${request.account.sid}`);
      return { status: 200, body: showAccount(app, updated) };
    },
  },
];

function readStatus(request: ApiRequest): Account["status"] | undefined {
  const status = request.form.text("Status") || undefined;
  switch (status) {
    case undefined:
    case "active":
    case "suspended":
    case "closed":
      return status;
    default:
      throw new ApiError(400, 21475, "The status must be active, suspended or closed.");
  }
}

/** Of any resource: 20002 when it is too long. */
export function readFriendlyName(request: ApiRequest): string | undefined {
  const name = request.form.text("FriendlyName") || undefined;
  if (name === undefined) return undefined;
  if (name.length <= FRIENDLY_NAME_LENGTH_MAX && isCleanText(name) && !name.includes("\0")) {
    return name;
  }
  throw new ApiError(
    400,
    20002,
    `A FriendlyName has at most ${FRIENDLY_NAME_LENGTH_MAX} characters of valid text.`,
  );
}

function showAccount(app: Pick<ApiNeeds, "accountBook">, account: Account): object {
  const uri = `/2010-04-01/Accounts/${account.sid}`;
  const parent = account.parent === undefined ? account : app.accountBook.byId(account.parent);
  return {
    sid: account.sid,
    owner_account_sid: parent?.sid ?? account.sid,
    friendly_name: account.friendlyName,
    status: account.status,
    type: "Full",
    auth_token: app.accountBook.token(account.id) ?? null,
    date_created: rfc2822(account.createdAt),
    date_updated: rfc2822(account.updatedAt),
    uri: `${uri}.json`,
    subresource_uris: {
      available_phone_numbers: `${uri}/AvailablePhoneNumbers.json`,
      incoming_phone_numbers: `${uri}/IncomingPhoneNumbers.json`,
      keys: `${uri}/Keys.json`,
      messages: `${uri}/Messages.json`,
      short_codes: `${uri}/SMS/ShortCodes.json`,
    },
  };
}
