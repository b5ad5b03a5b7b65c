import type { Seal } from "../../lib/seal.ts";
import { webhookKeyOf, webhookSecret } from "../../webhooks/sign.ts";
import { objectOf, type Route, text } from "./route.ts";

export type WebhookSecretNeeds = { readonly seal: Pick<Seal, "keyFor"> };

export function webhookSecretRoutes(app: WebhookSecretNeeds): Route[] {
  return [
    {
      method: "GET",
      path: "/WebhookSecret",
      id: "FetchWebhookSecret",
      summary: "The secret with which a Standard Webhooks library checks our calls",
      answer: {
        status: 200,
        schema: objectOf({ secret: { ...text, description: "whsec_ and base64 of 32 bytes." } }),
      },
      handle: async ({ account }) => ({
        secret: webhookSecret(webhookKeyOf(app.seal, account.sid)),
      }),
    },
  ];
}
