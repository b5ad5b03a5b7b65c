import type { Account } from "../../accounts/account.ts";
import { ApiError, notFound } from "../../lib/errors.ts";
import { newSid } from "../../lib/sid.ts";
import { numberType, parsePhoneNumber } from "../../numbers/phone-number.ts";
import type { Sender } from "../../senders/sender.ts";
import { claimNumber, listFreeNumbers, releaseNumber, updateSender } from "../../senders/store.ts";
import type { ParameterTable } from "../form.ts";
import type { ApiNeeds } from "../needs.ts";
import { pageBody, pageParameters, readPage, sliceAfter } from "../page.ts";
import type { Answer, ApiRequest, Route } from "../route.ts";
import { readAreaCode } from "./available-phone-numbers.ts";
import { type NumberType, showNumber } from "./incoming-phone-number.ts";
import { claimForTest } from "./magic-numbers.ts";
import { readSettings, refuseLoneFallback, settingParameters } from "./senders.ts";

const path = "/2010-04-01/Accounts/:account/IncomingPhoneNumbers";
/** Tries to claim a number of an area code before another asker took them all. */
const CLAIM_TRIES_MAX = 20;

const unbuilt = {
  SmsApplicationSid: "absent",
  StatusCallback: "absent",
  StatusCallbackMethod: "absent",
  VoiceApplicationSid: "absent",
  VoiceCallerIdLookup: "absent",
  VoiceFallbackMethod: "absent",
  VoiceFallbackUrl: "absent",
  VoiceMethod: "absent",
  VoiceUrl: "absent",
  VoiceReceiveMode: "absent",
  EmergencyStatus: "absent",
  EmergencyAddressSid: "absent",
  TrunkSid: "absent",
  IdentitySid: "absent",
  AddressSid: "absent",
  BundleSid: "absent",
} as const satisfies ParameterTable;
const filterParameters = {
  Beta: "ignored",
  FriendlyName: "same",
  PhoneNumber: "same",
  Origin: "ignored",
  ...pageParameters,
} as const satisfies ParameterTable;
const claimParameters = {
  PhoneNumber: "same",
  AreaCode: "same",
  ...settingParameters,
  ...unbuilt,
} as const satisfies ParameterTable;

export const incomingPhoneNumberRoutes: readonly Route[] = [
  listRoute(path),
  claimRoute(path),
  ...(["Local", "TollFree", "Mobile"] as const).flatMap((type) => [
    listRoute(`${path}/${type}`, type),
    claimRoute(`${path}/${type}`, type),
  ]),
  {
    method: "GET",
    path: `${path}/:sid`,
    parameters: {},
    handle: async (app, request) => answer(200, request.account, findNumber(app, request)),
  },
  {
    method: "POST",
    path: `${path}/:sid`,
    parameters: { ...settingParameters, ...unbuilt, AccountSid: "absent" },
    handle: async (app, request) => {
      const held = findNumber(app, request);
      const settings = readSettings(request);
      refuseLoneFallback(settings, held.smsUrl);
      const updated = await updateSender(app.sql, held, settings, app.clock());
      if (updated === undefined) throw notFound(`The phone number ${held.sid}`);
      await app.senderBook.refresh();
      return answer(200, request.account, updated);
    },
  },
  {
    method: "DELETE",
    path: `${path}/:sid`,
    parameters: {},
    handle: async (app, request) => {
      const held = findNumber(app, request);
      if (!(await releaseNumber(app.sql, held, app.clock()))) {
        throw notFound(`The phone number ${held.sid}`);
      }
      await app.senderBook.refresh();
      return { status: 204 };
    },
  },
];

function listRoute(at: string, type?: NumberType): Route {
  return {
    method: "GET",
    path: at,
    parameters: filterParameters,
    handle: async (app, request) => {
      const asked = readPage(request);
      const name = request.form.text("FriendlyName") || undefined;
      const part = request.form.text("PhoneNumber")?.trim().replace(/^\+/, "") || undefined;
      const all = app.senderBook
        .ofAccount(request.account.id)
        .filter(
          (sender) =>
            sender.kind !== "short_code" &&
            (type === undefined || typeOf(sender) === type) &&
            (name === undefined || sender.friendlyName === name) &&
            (part === undefined || sender.number.includes(part)),
        );
      const found = sliceAfter(all, asked, (sender, token) => sender.sid < token);
      const typeShown = (sender: Sender) => (type === undefined ? typeOf(sender) : undefined);
      const show = (sender: Sender) => showNumber(request.account, sender, typeShown(sender));
      const tokenOf = (sender: Sender) => sender.sid;
      const filters = ["FriendlyName", "PhoneNumber"];
      const key = "incoming_phone_numbers";
      return {
        status: 200,
        body: pageBody(request, asked, { key, found, show, tokenOf, filters }),
      };
    },
  };
}

function claimRoute(at: string, type?: NumberType): Route {
  const answerClaimed = (request: ApiRequest, sender: Sender): Answer => ({
    status: 201,
    body: showNumber(request.account, sender, type === undefined ? typeOf(sender) : undefined),
  });
  return {
    method: "POST",
    path: at,
    parameters: claimParameters,
    isForTest: true,
    handle: async (app, request) => {
      const settings = readSettings(request);
      refuseLoneFallback(settings, "");
      if (request.caller.isTest) {
        return answerClaimed(request, claimForTest(request, settings, app.clock()));
      }
      const claimed = await claim(app, request);
      await app.senderBook.refresh();
      return answerClaimed(request, claimed);
    },
  };
}

async function claim(app: ApiNeeds, request: ApiRequest): Promise<Sender> {
  const at = app.clock();
  const settings = readSettings(request);
  const account = request.account.id;
  for (const number of await candidates(app, request)) {
    const sid = newSid("PN", at);
    const claimed = await claimNumber(app.sql, { account, number, sid }, settings, at);
    if (claimed !== undefined) return claimed;
  }
  throw new ApiError(
    400,
    21422,
    "The phone number is not available. Choose one that AvailablePhoneNumbers lists.",
  );
}

async function candidates(app: ApiNeeds, request: ApiRequest): Promise<readonly string[]> {
  const text = request.form.text("PhoneNumber") || undefined;
  if (text !== undefined) {
    const number = parsePhoneNumber(text);
    if (number !== undefined) return [number];
    throw new ApiError(400, 21421, "The phone number is not valid. Write it like +12025550123.");
  }
  const areaCode = readAreaCode(request);
  if (areaCode === undefined) {
    throw new ApiError(400, 21421, "A PhoneNumber or an AreaCode is needed. Give one of them.");
  }
  const filter = { kind: "long_code", like: `+1${areaCode}%`, limit: CLAIM_TRIES_MAX } as const;
  const found = [
    ...(await listFreeNumbers(app.sql, { ...filter, country: "US" })),
    ...(await listFreeNumbers(app.sql, { ...filter, country: "CA" })),
  ];
  if (found.length > 0) return found.map((one) => one.number);
  throw new ApiError(400, 21452, `There is no free number in the area code ${areaCode}.`);
}

function findNumber(app: ApiNeeds, request: ApiRequest): Sender {
  const sid = request.params.sid ?? "";
  const sender = app.senderBook.bySid(request.account.id, sid);
  if (sender === undefined || sender.kind === "short_code") {
    throw notFound(`The phone number ${sid}`);
  }
  return sender;
}

function typeOf(sender: Sender): NumberType {
  if (sender.kind === "toll_free") return "TollFree";
  const number = parsePhoneNumber(sender.number);
  return number !== undefined && numberType(number) === "mobile" ? "Mobile" : "Local";
}

function answer(status: number, account: Account, sender: Sender): Answer {
  return { status, body: showNumber(account, sender, typeOf(sender)) };
}
