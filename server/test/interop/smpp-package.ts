import { createRequire } from "node:module";
import type { Server } from "node:net";

/** A PDU of the npm package `smpp`: what it read, by the specification's names. */
export type PackagePdu = Readonly<Record<string, unknown>> & {
  readonly command: string;
  readonly command_status: number;
  readonly response: (fields?: Readonly<Record<string, unknown>>) => PackagePdu;
};

type Send = (
  fields: Readonly<Record<string, unknown>>,
  onAnswer?: (answer: PackagePdu) => void,
) => boolean;

/** A session of the package: a method for each command, an event for each that comes. */
export type PackageSession = Readonly<
  Record<
    | ("bind_transceiver" | "bind_transmitter" | "bind_receiver" | "submit_sm" | "deliver_sm")
    | ("data_sm" | "query_sm" | "cancel_sm" | "replace_sm" | "submit_multi")
    | ("enquire_link" | "unbind" | "alert_notification" | "outbind"),
    Send
  >
> & {
  readonly on: (event: string, listener: (pdu: PackagePdu) => void) => void;
  readonly send: (pdu: PackagePdu) => void;
  readonly destroy: () => void;
};

/** The package, which brings no types, as far as the tests use it. */
export const smppPackage = createRequire(import.meta.url)("smpp") as {
  readonly createServer: (
    options: { readonly key?: string; readonly cert?: string },
    onSession: (session: PackageSession) => void,
  ) => Server;
  readonly connect: (
    options: { readonly url: string } & Readonly<Record<string, unknown>>,
    onConnected: () => void,
  ) => PackageSession;
};
