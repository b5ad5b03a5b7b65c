import { expect, test } from "vitest";
import { parseTwiml } from "./twiml.ts";

const url = "https://shop.example/sms/in";
const xml = (body: string) => parseTwiml({ contentType: "text/xml", body, url });

test("the text of a Message is the reply, with XML's own entities read", () => {
  expect(xml("<Response><Message>Fish &amp; chips</Message></Response>")).toMatchObject({
    kind: "document",
    replies: [{ body: "Fish & chips" }],
  });
});

test("Body, Media and callback URLs are read relative to the document", () => {
  const answer = xml(
    `<?xml version="1.0"?><Response><Message to="+12025550123" statusCallback="/status"><Body>Hi</Body><Media>a.png</Media></Message></Response>`,
  );
  expect(answer).toMatchObject({
    replies: [
      {
        body: "Hi",
        mediaUrls: ["https://shop.example/sms/a.png"],
        to: "+12025550123",
        statusCallback: "https://shop.example/status",
      },
    ],
  });
});

test("a Redirect ends the document and keeps the replies before it", () => {
  const answer = xml(
    `<Response><Message>One</Message><Redirect method="GET">/next</Redirect></Response>`,
  );
  expect(answer).toMatchObject({
    replies: [{ body: "One" }],
    redirect: { url: "https://shop.example/next", method: "GET" },
  });
});

test("a plain text is the reply as it stands", () => {
  expect(
    parseTwiml({ contentType: "text/plain; charset=utf-8", body: "Hi <you>", url }),
  ).toMatchObject({ replies: [{ body: "Hi <you>" }] });
});

test("CDATA is taken as written", () => {
  expect(xml("<Response><Message><![CDATA[a &amp; <b>]]></Message></Response>")).toMatchObject({
    replies: [{ body: "a &amp; <b>" }],
  });
});

test.each([
  ["", { kind: "document", replies: [] }],
  ["<Response/>", { kind: "document", replies: [] }],
  ["<Response><Message>", { kind: "invalid", errorCode: 12100 }],
  ["<Reply/>", { kind: "invalid", errorCode: 12102 }],
  [`<!DOCTYPE r [<!ENTITY a "b">]><Response/>`, { kind: "invalid", errorCode: 12100 }],
  [`<Response>${"<a>".repeat(50)}${"</a>".repeat(50)}</Response>`, { errorCode: 12100 }],
  ["<Response><Dial>1</Dial></Response>", { kind: "document", warnings: [14110] }],
])("%s has its outcome", (body, expected) => {
  expect(xml(body)).toMatchObject(expected);
});

test("a content type that is no TwiML is refused with 12300", () => {
  expect(parseTwiml({ contentType: "application/json", body: "{}", url })).toEqual({
    kind: "invalid",
    errorCode: 12300,
  });
});
