import { rfc2822 } from "../rfc2822.ts";
import type { Route } from "../route.ts";
import { findMessageOf } from "./find-message.ts";

export const feedbackRoutes: readonly Route[] = [
  {
    method: "POST",
    path: "/2010-04-01/Accounts/:account/Messages/:sid/Feedback",
    parameters: { Outcome: "same" },
    handle: async (app, request) => {
      const outcome = request.form.choice("Outcome", ["confirmed", "unconfirmed"]) ?? "unconfirmed";
      const message = await findMessageOf(app, request);
      const feedback = await app.messages.recordFeedback(message, outcome);
      const sid = app.messageSids.sidOf(message.id);
      return {
        status: 200,
        body: {
          account_sid: request.account.sid,
          message_sid: sid,
          outcome: feedback.outcome,
          date_created: rfc2822(feedback.createdAt),
          date_updated: rfc2822(feedback.updatedAt),
          uri: `/2010-04-01/Accounts/${request.account.sid}/Messages/${sid}/Feedback.json`,
        },
      };
    },
  },
];
