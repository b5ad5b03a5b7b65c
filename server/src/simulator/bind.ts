import type { Socket } from "node:net";
import { type BindName, type DataSm, RESPONSE_BIT, type SubmitSm, statuses } from "../smpp/pdus.ts";
import type { SmppSession } from "../smpp/session.ts";
import type { SubmitAnswer } from "./carrier.ts";
import { plain } from "./dialects.ts";
import { bendLine, type Way } from "./line.ts";
import { type Manners, noManners } from "./manners.ts";

/** A gateway's connection to the simulator, and how it is dealt with. */
export type Bind = {
  readonly number: number;
  readonly session: SmppSession;
  readonly role: () => BindName | undefined;
  readonly manners: () => Manners;
  readonly bound: (as: BindName) => void;
  readonly useManners: (manners: Manners) => void;
  readonly answer: (pdu: SubmitSm | DataSm, answer: SubmitAnswer) => void;
  /** An id as answers on this bind write it. */
  readonly idOf: (answer: SubmitAnswer & { kind: "accepted" }) => string;
};

/** So many submissions left without an answer end the connection, as a carrier's trouble does. */
const SILENT_MAX = 500;
const ENQUIRE_LINK_RESP = 0x80000015;

export function createBind(number: number, session: SmppSession, socket: Socket): Bind {
  let role: BindName | undefined;
  let manners = noManners;
  let silent = 0;
  let isDeaf = false;
  let isBent = false;
  /** How an answer leaves, by its sequence number, where it does not leave as the others do. */
  const ways = new Map<number, Way>();

  const wayOf = (pdu: Buffer): Way => {
    const command = pdu.readUInt32BE(4);
    const sequence = pdu.readUInt32BE(12);
    if (isDeaf && command === ENQUIRE_LINK_RESP) return "never";
    const isAnswer = command >= RESPONSE_BIT;
    const chosen = isAnswer ? ways.get(sequence) : undefined;
    if (chosen !== undefined) {
      ways.delete(sequence);
      return chosen;
    }
    const { line } = manners.dialect;
    if (line === "slow") return "slowly";
    return line === "bare" && isAnswer && pdu.readUInt32BE(8) !== statuses.ok ? "header" : "whole";
  };

  const bend = () => {
    if (isBent) return;
    isBent = true;
    bendLine(socket, wayOf);
  };

  const useManners = (next: Manners) => {
    manners = next;
    if (next.dialect.line !== undefined) bend();
  };

  const sendOddly = (sequence: number, way: Way) => {
    ways.set(sequence, way);
    bend();
  };

  const stayAway = (isClosed: boolean) => {
    silent += 1;
    if (isClosed || silent >= SILENT_MAX) session.destroy();
  };

  const respond = (pdu: SubmitSm | DataSm, status: number, messageId = "") => {
    const { sequence } = pdu;
    if (pdu.command === "submit_sm") session.respond(pdu, status, { messageId });
    else session.reply({ command: "data_sm_resp", status, sequence, messageId });
  };

  const idOf: Bind["idOf"] = ({ id, messageId }) => {
    const { dialect } = manners;
    return dialect === plain ? messageId : (dialect.answerId?.(BigInt(id)) ?? messageId);
  };

  const refuse = (pdu: SubmitSm | DataSm, { status, line }: SubmitAnswer & { kind: "refused" }) => {
    if (line === "nack") {
      session.reply({ command: "generic_nack", status, sequence: pdu.sequence });
      return stayAway(false);
    }
    if (line === "bare") sendOddly(pdu.sequence, "header");
    return respond(pdu, status);
  };

  const accept = (pdu: SubmitSm | DataSm, answer: SubmitAnswer & { kind: "accepted" }) => {
    const { line } = answer;
    const messageId = idOf(answer);
    if (line === "cut") sendOddly(pdu.sequence, "half");
    if (line === "slow") sendOddly(pdu.sequence, "slowly");
    const answerNow = () => {
      respond(pdu, statuses.ok, messageId);
      if (line === "unbind") void session.close();
      if (line !== "deaf") return;
      isDeaf = true;
      bend();
    };
    const answerMs = answer.answerMs ?? manners.dialect.answerMs;
    if (answerMs === undefined) answerNow();
    else setTimeout(answerNow, answerMs).unref();
  };

  return {
    ...{ number, session, useManners, idOf },
    role: () => role,
    manners: () => manners,
    bound: (as) => {
      role = as;
    },
    answer: (pdu, answer) => {
      if (answer.kind === "refused") refuse(pdu, answer);
      else if (answer.kind === "silent") stayAway(answer.line === "closed");
      else accept(pdu, answer);
    },
  };
}
