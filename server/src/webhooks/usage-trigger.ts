import { type Firing, formatMicros } from "../usage/trigger.ts";
import { type Caller, callCustomer } from "./call.ts";
import { formOf } from "./form.ts";
import type { Retry } from "./store.ts";
import { type Verdict, verdictOn } from "./verdict.ts";

type Needs = Caller & { readonly accountSid: (account: number) => string };

/** Tells a customer that usage reached a trigger's value. */
export async function tellUsageTrigger(app: Needs, row: Retry): Promise<Verdict> {
  const firing = row.data as Firing;
  const token = `${firing.sid}-${firing.firedAt}`;
  const { answer } = await callCustomer(app, {
    ...{ account: row.account, url: firing.url, method: firing.method, webhookId: token },
    form: formOf({
      ...triggerForm(app.accountSid(row.account), firing),
      IdempotencyToken: token,
    }),
  });
  return verdictOn(answer, app.clock);
}

function triggerForm(accountSid: string, firing: Firing): Record<string, string> {
  return {
    AccountSid: accountSid,
    CurrentValue: formatMicros(firing.currentMicros),
    DateFired: firing.firedAt,
    Recurring: firing.recurring ?? "",
    TriggerBy: firing.triggerBy,
    TriggerValue: formatMicros(firing.triggerMicros),
    UsageCategory: firing.category,
    UsageRecordUri: `/2010-04-01/Accounts/${accountSid}/Usage/Records.json?Category=${firing.category}`,
    UsageTriggerSid: firing.sid,
  };
}
