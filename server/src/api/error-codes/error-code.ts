/** What a code means here, and what to do about it: one sentence each, or two. */
export type ErrorCode = { readonly meaning: string; readonly remedy: string };
export type ErrorCodes = Readonly<Record<number, ErrorCode>>;
