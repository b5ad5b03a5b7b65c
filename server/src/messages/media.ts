/** A picture or another file of a message: where it is, never what is in it. */
export type MessageMedia = { readonly url: string; readonly contentType: string };

/** In their order; nothing where one was deleted, so that the others keep their places. */
export type MediaList = readonly (MessageMedia | null)[];

/** Twilio's own bound (21623). */
export const MEDIA_MAX = 10;
/** The sender, or the connector that a message would leave by, cannot send media. */
export const MEDIA_NOT_CARRIED = 21621;

/** The kinds that carriers take, by how a file's name ends. */
const typesByEnding: Readonly<Record<string, string>> = {
  ...{ jpg: "image/jpeg", jpeg: "image/jpeg", png: "image/png", gif: "image/gif" },
  ...{ webp: "image/webp", heic: "image/heic", bmp: "image/bmp", tif: "image/tiff" },
  ...{ mp4: "video/mp4", "3gp": "video/3gpp", mov: "video/quicktime", webm: "video/webm" },
  ...{ mp3: "audio/mpeg", m4a: "audio/mp4", ogg: "audio/ogg", amr: "audio/amr", wav: "audio/wav" },
  ...{ pdf: "application/pdf", vcf: "text/vcard", ics: "text/calendar", csv: "text/csv" },
  ...{ txt: "text/plain" },
};
const UNKNOWN_TYPE = "application/octet-stream";

/** Media that are to be sent: nobody has looked at them, so their kind is what their address ends in. */
export function mediaToSend(urls: readonly string[]): MediaList | undefined {
  if (urls.length === 0) return undefined;
  return urls.map((url) => ({ url, contentType: typeByEnding(url) }));
}

export function mediaWithType(url: string, contentType: string | undefined): MessageMedia {
  return { url, contentType: contentType || typeByEnding(url) };
}

/** Those that are still there; nothing for a text. */
export function mediaUrls(media: MediaList | undefined): readonly string[] | undefined {
  return media?.flatMap((one) => (one === null ? [] : [one.url]));
}

export function isMediaUrl(url: string): boolean {
  return /^https?:\/\//i.test(url) && URL.canParse(url);
}

function typeByEnding(url: string): string {
  const [, ending = ""] = /\.(\w{1,5})$/.exec(new URL(url).pathname) ?? [];
  return typesByEnding[ending.toLowerCase()] ?? UNKNOWN_TYPE;
}
