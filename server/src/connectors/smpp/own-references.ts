import { type ShortMessage, tlvs } from "../../smpp/pdus.ts";

const REFERENCES = 0x1_0000;

/**
 * Numbers of ours that a carrier gives back in its receipts: they find a submission whatever became
 * of the carrier's own id. They come again after 65,536 submissions, so the recipient must be the
 * same too. In memory: after a restart the carrier's id is what is left.
 */
export function createOwnReferences(isUsed: boolean) {
  const accepted = new Map<number, { readonly id: string; readonly recipient: string }>();
  let last = 0;
  return {
    /** The next number; nothing where they are not used. */
    next: (): number | undefined => {
      if (!isUsed) return undefined;
      last = (last + 1) % REFERENCES;
      accepted.delete(last);
      return last;
    },
    accepted: (reference: number | undefined, id: string, recipient: string): void => {
      if (reference !== undefined) accepted.set(reference, { id, recipient });
    },
    /** The carrier's id of the submission that a receipt names by our number. */
    idOf: (receipt: ShortMessage): string | undefined => {
      const octets = receipt.tlvs.get(tlvs.user_message_reference);
      if (octets?.length !== 2) return undefined;
      const found = accepted.get(octets.readUInt16BE(0));
      return found?.recipient === receipt.source ? found.id : undefined;
    },
  };
}
