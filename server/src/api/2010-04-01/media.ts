import { createHash } from "node:crypto";
import { notFound } from "../../lib/errors.ts";
import type { Sid } from "../../lib/sid.ts";
import type { MessageMedia } from "../../messages/media.ts";
import type { Message } from "../../messages/message.ts";
import type { ApiNeeds } from "../needs.ts";
import { invalidPageToken, pageBody, pageParameters, readPage } from "../page.ts";
import { rfc2822 } from "../rfc2822.ts";
import type { Answer, ApiRequest, Route } from "../route.ts";
import { findMessageOf } from "./find-message.ts";

const path = "/2010-04-01/Accounts/:account/Messages/:sid/Media";

/** Media are where their senders keep them: these resources tell where, and what kind they are of. */
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
    handle: listMedia,
  },
  { method: "GET", path: `${path}/:media`, parameters: {}, handle: fetchMedia },
  {
    method: "DELETE",
    path: `${path}/:media`,
    parameters: {},
    handle: async (app, request) => {
      const { message, medium } = await findMedium(app, request);
      await app.messages.deleteMedia(message, medium.place);
      return { status: 204 };
    },
  },
];

/** One of a message's media, by its place among them. */
type Medium = MessageMedia & { readonly sid: Sid; readonly place: number };

async function listMedia(app: ApiNeeds, request: ApiRequest): Promise<Answer> {
  const message = await findMessageOf(app, request);
  const asked = readPage(request);
  const all = mediaOf(app, message);
  const last = all.findIndex(({ sid }) => sid === asked.after);
  if (asked.after !== undefined && last < 0) throw invalidPageToken();
  const list = {
    key: "media_list",
    found: all.slice(last + 1, last + 1 + asked.size + 1),
    show: (medium: Medium) => showMedium(app, request, { message, medium }),
    tokenOf: ({ sid }: Medium) => sid,
  };
  return { status: 200, body: pageBody(request, asked, list) };
}

/** With `.json` what it is, without it the way to it, as at Twilio. */
async function fetchMedia(app: ApiNeeds, request: ApiRequest): Promise<Answer> {
  const found = await findMedium(app, request);
  if (/\.json\/?$/.test(request.path)) {
    return { status: 200, body: showMedium(app, request, found) };
  }
  return { status: 307, location: new URL(found.medium.url).href };
}

async function findMedium(app: ApiNeeds, request: ApiRequest) {
  const message = await findMessageOf(app, request);
  const medium = mediaOf(app, message).find(({ sid }) => sid === request.params.media);
  if (medium === undefined) throw notFound(`The media ${request.params.media}`);
  return { message, medium };
}

/** Sids are not stored: the message's own, which nobody can guess, and the place make them. */
function mediaOf({ messageSids }: ApiNeeds, { id, media = [] }: Message): Medium[] {
  const ofMessage = messageSids.sidOf(id);
  return media.flatMap((one, place) => {
    if (one === null) return [];
    const digits = createHash("sha256").update(`${ofMessage} ${place}`).digest("hex").slice(0, 32);
    return [{ ...one, sid: `ME${digits}`, place }];
  });
}

function showMedium(
  { messageSids }: ApiNeeds,
  { account }: ApiRequest,
  { message, medium }: { readonly message: Message; readonly medium: Medium },
): object {
  const parent = messageSids.sidOf(message.id);
  const at = rfc2822(message.createdAt);
  return {
    ...{ sid: medium.sid, account_sid: account.sid, parent_sid: parent },
    ...{ content_type: medium.contentType, date_created: at, date_updated: at },
    uri: `/2010-04-01/Accounts/${account.sid}/Messages/${parent}/Media/${medium.sid}.json`,
  };
}
