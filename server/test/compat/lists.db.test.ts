import { afterAll, beforeAll, expect, test } from "vitest";
import { type Asked, type StartedApp, startTestApp } from "./started-app.ts";

// Lists: pages that follow each other, and every way to write a date.
const longCode = "+15005550100";
const phone = "+14155552671";
const text = { To: phone, From: longCode, Body: "Hello" };
let started: StartedApp;

beforeAll(async () => {
  started = await startTestApp();
});
afterAll(async () => {
  await started?.close();
  expect(started.bugs).toEqual([]);
});

const call = (path: string, asked?: Asked) => started.call(path, asked);
const post = (form: NonNullable<Asked["form"]>, asked: Asked = {}) =>
  call(`${started.home}/Messages.json`, { form, ...asked });

test("a link to the next page has no prefix, because an SDK puts its base URL before it", async () => {
  for (let count = 0; count < 3; count += 1) await post(text);
  const page = (await call(`/_/api${started.home}/Messages.json?PageSize=2`)).json;
  expect(page.next_page_uri).toMatch(/^\/2010-04-01\/Accounts\/AC/);
  const next = (await call(`/_/api${page.next_page_uri}`)).json;
  expect(next).toMatchObject({ page: 1, start: 2, page_size: 2 });
});

test("filters stay in the link to the next page, whatever their characters", async () => {
  const to = "+14155552698";
  for (let count = 0; count < 3; count += 1) await post({ ...text, To: to });
  const first = `${started.home}/Messages.json?To=${encodeURIComponent(to)}&From=%2B15005550100&PageSize=2`;
  const { next_page_uri: next } = (await call(first)).json;
  expect(next).toContain("To=%2B14155552698&From=%2B15005550100&PageSize=2&Page=1&PageToken=PASM");
  expect((await call(next)).json).toMatchObject({ next_page_uri: null, start: 2, end: 2 });
});

const pages: [string, string, number][] = [
  ["a page of none", "PageSize=0", 20007],
  ["a page of too many", "PageSize=1001", 20007],
  ["a page size that is no number", "PageSize=ten", 20007],
  ["a foreign page token", "PageToken=PASM123", 21481],
  ["a page without its token", "Page=1", 21481],
  ["a negative page", "Page=-1", 20001],
];
test.each(pages)("%s is refused", async (_name, query, code) => {
  const { status, json } = await call(`${started.home}/Messages.json?${query}`);
  expect([status, json.code]).toEqual([400, code]);
});

test("the list of a page is whole: an empty one has neither next nor previous", async () => {
  const { json } = await call(`${started.home}/Messages.json?To=%2B12025550111`);
  const path = `${started.home}/Messages.json?To=%2B12025550111&PageSize=50&Page=0`;
  expect(json).toEqual({
    ...{ page: 0, page_size: 50, start: 0, end: 0, uri: path, first_page_uri: path },
    ...{ previous_page_uri: null, next_page_uri: null, messages: [] },
  });
});

const dates = [
  "2019-06-11",
  "2019-06-11T22:05:25Z",
  "2019-06-11T22:05:25.000+02:00",
  "2019-06-11 22:05:25.000",
  "Tue, 11 Jun 2019 22:05:25 +0000",
  "06/11/2019 22:05:25 MST",
];
test.each(dates)("DateSent takes %s", async (date) => {
  for (const name of ["DateSent", "DateSent<", "DateSent>"]) {
    const query = `${encodeURIComponent(name)}=${encodeURIComponent(date)}`;
    expect((await call(`${started.home}/Messages.json?${query}`)).status).toBe(200);
  }
});

test.each(["yesterday", "2019-13-41", "2019-02-30", "2019-06-11T25:00:00Z", "1"])(
  "DateSent refuses %s",
  async (date) => {
    const { json } = await call(`${started.home}/Messages.json?DateSent=${date}`);
    expect(json.code).toBe(20001);
  },
);

test("DateSent finds the texts of a day and nothing else", async () => {
  const to = "+14155552699";
  const { sid } = (await post({ ...text, To: to })).json;
  await expect
    .poll(async () => (await call(`${started.home}/Messages/${sid}.json`)).json.date_sent)
    .not.toBeNull();
  const { date_sent: sentAt } = (await call(`${started.home}/Messages/${sid}.json`)).json;
  const day = new Date(sentAt).toISOString().slice(0, 10);
  const count = async (filter: string) =>
    (await call(`${started.home}/Messages.json?To=${encodeURIComponent(to)}&${filter}`)).json
      .messages.length;
  expect(await count(`DateSent=${day}`)).toBe(1);
  expect(await count(`DateSent%3E=${day}`)).toBe(1);
  expect(await count("DateSent%3E=2100-01-01")).toBe(0);
  expect(await count("DateSent%3E=9999-12-31")).toBe(0);
  expect(await count("DateSent%3C=9999-12-31")).toBe(1);
  expect(await count("DateSent%3C=2020-01-01")).toBe(0);
  expect(await count("DateSent%3C=0001-01-01")).toBe(0);
  expect(await count(`DateSent%3E=${encodeURIComponent(sentAt)}`)).toBe(1);
});
