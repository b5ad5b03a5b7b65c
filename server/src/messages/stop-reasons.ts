type Reason = { readonly words: string; readonly rule: string; readonly remedy: string };

/** What Longwave itself may stop a message for as it leaves the queue, by code. */
export const stopReasons: Readonly<Record<number, Reason>> = {
  21610: {
    words: "Not sent: the recipient has opted out of this sender.",
    rule: "Opt-outs are checked again when a message leaves the queue.",
    remedy: "The recipient can text START to this sender.",
  },
  21408: {
    words: "Not sent: the account may not text the recipient's country.",
    rule: "Geo permissions are checked again when a message leaves the queue.",
    remedy: "Open the country by PATCH /v1/Messaging/GeoPermissions, and send it again.",
  },
  21621: {
    words: "Not sent: no connector that may carry it to this recipient carries media.",
    rule: "A message with media leaves only by a connector that carries media.",
    remedy:
      "Route the sender through a connector that carries media, or send a text with a link instead.",
  },
  30032: {
    words: "Not sent: the toll-free sender is not verified.",
    rule: "Carriers in the United States and Canada stop toll-free numbers that are not verified.",
    remedy: "Have it verified, and record that under /longwave/v1/Registrations.",
  },
  30033: {
    words: "Not sent: the sender's campaign is suspended.",
    rule: "Carriers in the United States stop what is in no active campaign.",
    remedy: "Clear it with the carrier, and record that under /longwave/v1/Registrations.",
  },
  30034: {
    words: "Not sent: the sender is in no registered campaign.",
    rule: "Carriers in the United States stop what is in no active campaign.",
    remedy: "Register the sender, and record its campaign under /longwave/v1/Registrations.",
  },
  30035: {
    words: "Not sent: the sender's registration is pending.",
    rule: "Carriers in the United States stop what is in no active campaign.",
    remedy: "Wait for the carriers, then record that under /longwave/v1/Registrations.",
  },
  30002: {
    words: "Not sent: the account is suspended or closed.",
    rule: "The account's state is checked again when a message leaves the queue.",
    remedy: "Set the account's status to active.",
  },
  30047: {
    words: "Not sent: its validity ends within the recipient's quiet hours.",
    rule: "Quiet hours of marketing texts are checked again when a message leaves the queue.",
    remedy: "Send it by day, or with a longer ValidityPeriod.",
  },
  30610: {
    words: "Not sent: it is in the recipient's quiet hours.",
    rule: "The account refuses marketing texts in quiet hours.",
    remedy: "Send it by day, or set /longwave/v1/QuietHours to defer.",
  },
  63038: {
    words: "Not sent: the account's daily spend cap is reached.",
    rule: "What a text costs is counted against the cap when it leaves the queue.",
    remedy: "Raise the cap under /longwave/v1/SpendCaps, or send it on the next day, UTC.",
  },
  21701: {
    words: "Not sent: its messaging service was deleted before it had a sender.",
    rule: "A messaging service chooses the sender after it accepted the message.",
    remedy: "Send it again by another service or sender.",
  },
  21703: {
    words: "Not sent: no sender of the messaging service reaches the recipient.",
    rule: "Short codes reach their own country, names those that take them.",
    remedy: "Add a number of the recipient's country to the service.",
  },
  21704: {
    words: "Not sent: the messaging service has no senders.",
    rule: "A messaging service chooses among its own senders.",
    remedy: "Add a number, a short code or a name to it.",
  },
  30001: {
    words: "Not sent: the queue was full.",
    rule: "A sender's queue holds maxQueueSeconds of its rate; a service's those of its senders.",
    remedy: "Send slower, or add senders to the messaging service.",
  },
  30036: {
    words: "Not sent: its validity period ended while it waited.",
    rule: "ValidityPeriod, 36,000 seconds unless the request says less.",
    remedy: "Send slower, use a sender with more throughput, or allow a longer validity.",
  },
};
