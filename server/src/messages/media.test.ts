import { expect, test } from "vitest";
import { isMediaUrl, mediaToSend, mediaUrls } from "./media.ts";

test.each([
  ["https://a.example/b.JPG?size=1", "image/jpeg"],
  ["https://a.example/clip.3gp#t=1", "video/3gpp"],
  ["https://a.example/b.unheard", "application/octet-stream"],
  ["https://a.png", "application/octet-stream"],
])("the kind of %s is %s", (url, contentType) => {
  expect(mediaToSend([url])).toEqual([{ url, contentType }]);
});

test("what was deleted is not counted, and a text has no media", () => {
  const [one] = mediaToSend(["https://a.example/b.png"]) ?? [];
  expect(mediaUrls([null, one ?? null])).toEqual(["https://a.example/b.png"]);
  expect(mediaToSend([])).toBeUndefined();
});

test.each(["ftp://a.example/b", "https://", "a.png", "javascript:alert(1)"])(
  "%s is no address of media",
  (url) => {
    expect(isMediaUrl(url)).toBe(false);
  },
);
