import type { ApiKey } from "../../accounts/account.ts";
import { createKey } from "../../accounts/create-account.ts";
import { deleteKey, findKey, listKeys, renameKey } from "../../accounts/store.ts";
import { notFound } from "../../lib/errors.ts";
import { pageBody, pageParameters, readPage } from "../page.ts";
import { rfc2822 } from "../rfc2822.ts";
import type { ApiRequest, Route } from "../route.ts";
import { readFriendlyName } from "./accounts.ts";

const path = "/2010-04-01/Accounts/:account/Keys";

export const keyRoutes: readonly Route[] = [
  {
    method: "GET",
    path,
    parameters: pageParameters,
    handle: async (app, request) => {
      const asked = readPage(request);
      const account = request.account.id;
      const found = await listKeys(app.sql, {
        ...{ account, beforeSid: asked.after, limit: asked.size + 1 },
      });
      const tokenOf = (key: ApiKey) => key.sid;
      return {
        status: 200,
        body: pageBody(request, asked, { key: "keys", found, show: showKey, tokenOf }),
      };
    },
  },
  {
    method: "POST",
    path,
    parameters: { FriendlyName: "same" },
    handle: async (app, request) => {
      const { key, secret } = await createKey(
        app,
        request.account.id,
        readFriendlyName(request) ?? "",
      );
      await app.accountBook.refresh();
      return { status: 201, body: { ...showKey(key), secret } };
    },
  },
  {
    method: "GET",
    path: `${path}/:sid`,
    parameters: {},
    handle: async (app, request) => {
      const key = await findKey(app.sql, keyOf(request));
      if (key === undefined) throw unknownKey(request);
      return { status: 200, body: showKey(key) };
    },
  },
  {
    method: "POST",
    path: `${path}/:sid`,
    parameters: { FriendlyName: "same" },
    handle: async (app, request) => {
      const friendlyName = readFriendlyName(request);
      const key =
        friendlyName === undefined
          ? await findKey(app.sql, keyOf(request))
          : await renameKey(app.sql, { ...keyOf(request), friendlyName }, app.clock());
      if (key === undefined) throw unknownKey(request);
      return { status: 200, body: showKey(key) };
    },
  },
  {
    method: "DELETE",
    path: `${path}/:sid`,
    parameters: {},
    handle: async (app, request) => {
      if (!(await deleteKey(app.sql, keyOf(request)))) throw unknownKey(request);
      await app.accountBook.refresh();
      return { status: 204 };
    },
  },
];

function keyOf(request: ApiRequest) {
  return { account: request.account.id, sid: request.params.sid ?? "" };
}

function unknownKey(request: ApiRequest) {
  return notFound(`The key ${request.params.sid}`);
}

function showKey(key: ApiKey) {
  return {
    sid: key.sid,
    friendly_name: key.friendlyName,
    date_created: rfc2822(key.createdAt),
    date_updated: rfc2822(key.updatedAt),
  };
}
