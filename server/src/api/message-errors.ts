/** What became of a message, in words, by Twilio's code. */
export const messageErrors: Readonly<Record<number, string>> = {
  21610: "The recipient has opted out.",
  30001: "The queue is full.",
  30002: "The account is suspended.",
  30003: "The phone cannot be reached.",
  30004: "The message is blocked.",
  30005: "The number is unknown.",
  30006: "The number is a landline, or its carrier cannot be reached.",
  30007: "The carrier filtered the message.",
  30008: "The carrier gave no reason.",
  30036: "The message could not leave within its validity period.",
};
