import { notFound } from "../../lib/errors.ts";
import { pageBody, pageParameters, readPage } from "../page.ts";
import type { Route } from "../route.ts";
import { findMessageOf } from "./find-message.ts";

const path = "/2010-04-01/Accounts/:account/Messages/:sid/Media";

/** Texts have no media: the list is empty, and nothing can be found in it. */
export const mediaRoutes: readonly Route[] = [
  {
    method: "GET",
    path,
    parameters: {
      DateCreated: "ignored",
      "DateCreated<": "ignored",
      "DateCreated>": "ignored",
      ...pageParameters,
    },
    handle: async (app, request) => {
      await findMessageOf(app, request);
      const list = { key: "media_list", found: [], show: () => ({}), tokenOf: () => "" };
      return { status: 200, body: pageBody(request, readPage(request), list) };
    },
  },
  ...(["GET", "DELETE"] as const).map((method): Route => {
    return {
      method,
      path: `${path}/:media`,
      parameters: {},
      handle: async (_app, request) => {
        throw notFound(`The media ${request.params.media}`);
      },
    };
  }),
];
