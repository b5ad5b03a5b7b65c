/**
 * The requests of the loader, as HTTP/1.1 by their serial, and what an answer's bytes say of its
 * messages.
 */

export const AREAS = ["202", "303", "404", "505", "602", "713", "804", "916"];
const MESSAGES_PER_BULK = 10_000;
/** Last four digits that are used: the simulator's faults are numbers that end in 99 and two more. */
export const LINES = 9_000;

export const requests = {
  /** POST of one message to Longwave. */
  message: {
    writer: (load) => {
      const callback = load.callback ? `&StatusCallback=${encodeURIComponent(load.callback)}` : "";
      const from = encodeURIComponent(load.from);
      const post = poster(load, `/2010-04-01/Accounts/${load.accountSid}/Messages.json`, {
        type: "application/x-www-form-urlencoded",
      });
      return (serial) =>
        post(`To=%2B${recipient(serial)}&From=${from}&Body=${text(serial, "+")}${callback}`);
    },
    acceptedOf: (status) => (status === 201 ? 1 : 0),
    messages: () => 1,
  },
  /** GET of one message to Kannel's smsbox. */
  sendsms: {
    writer: (load) => {
      const from = encodeURIComponent(load.from);
      return (serial) =>
        `GET ${load.path}&to=${recipient(serial)}&from=${from}&text=${text(serial, "+")} HTTP/1.1\r\nHost: bench\r\n\r\n`;
    },
    acceptedOf: (status) => (status === 202 ? 1 : 0),
    messages: () => 1,
  },
  /** POST of 10,000 messages to Longwave. */
  bulk: {
    writer: (load) =>
      bulkWriter(load, (serial) =>
        Array.from({ length: bulkLength(load, serial) }, (_none, index) => {
          const number = (serial - 1) * MESSAGES_PER_BULK + index;
          return `{"To":"+${recipient(number)}","From":"${load.from}","Body":"${text(number)}"}`;
        }),
      ),
    acceptedOf: acceptedOfBulk,
    messages: bulkLength,
  },
  /** POST of 10,000 messages, from some senders in turn. */
  spreadBulk: {
    writer: (load) =>
      bulkWriter(load, (serial) => {
        const start = (serial - 1) * MESSAGES_PER_BULK;
        return Array.from({ length: bulkLength(load, serial) }, (_none, index) =>
          british(start + index, load.senders[index % load.senders.length]),
        );
      }),
    acceptedOf: acceptedOfBulk,
    messages: bulkLength,
  },
  /** POST of 10,000 messages from many senders; `load.senders` has one for each message. */
  mixedBulk: {
    writer: (load) =>
      bulkWriter(load, (serial) => {
        const start = (serial - 1) * MESSAGES_PER_BULK;
        return sendersOf(load, serial).map((from, index) => british(start + index, from));
      }),
    acceptedOf: acceptedOfBulk,
    messages: (load, serial) => sendersOf(load, serial).length,
  },
};

function bulkWriter(load, messagesOf) {
  const post = poster(load, "/longwave/v1/Messages/Bulk", { type: "application/json" });
  return (serial) => post(`{"messages":[${messagesOf(serial).join(",")}]}`);
}

function acceptedOfBulk(_status, answer) {
  return Number(/"accepted":(\d+)/.exec(answer.toString("latin1"))?.[1] ?? 0);
}

/** Of a message from a British long code. */
function british(serial, from) {
  const to = `+447${600_000_000 + Math.floor(serial / LINES) * 10_000 + (serial % LINES)}`;
  return `{"To":"${to}","From":"${from}","Body":"${text(serial)}"}`;
}

function sendersOf(load, serial) {
  return load.senders.slice((serial - 1) * MESSAGES_PER_BULK, serial * MESSAGES_PER_BULK);
}

export function bulkCount(messages) {
  return Math.ceil(messages / MESSAGES_PER_BULK);
}

function bulkLength(load, serial) {
  return Math.min(MESSAGES_PER_BULK, load.messages - (serial - 1) * MESSAGES_PER_BULK);
}

/** What is the same in all of them is made once. */
function poster(load, path, { type }) {
  const head = `POST ${path} HTTP/1.1\r\nHost: bench\r\nAuthorization: ${load.authorization}\r\nContent-Type: ${type}\r\nContent-Length: `;
  return (body) => `${head}${body.length}\r\n\r\n${body}`;
}

/** A number of its own for each of the first fifty million. */
export function recipient(serial) {
  const line = String(serial % LINES).padStart(4, "0");
  const block = Math.floor(serial / LINES);
  return `1${AREAS[Math.floor(block / 700) % AREAS.length]}${220 + (block % 700)}${line}`;
}

function text(serial, space = " ") {
  const [before, after] = pieces[space];
  return `${before}${serial}${after}`;
}

const pieces = Object.fromEntries(
  [" ", "+"].map((space) => [
    space,
    ["Your code is ", ". It works for ten minutes."].map((piece) => piece.replaceAll(" ", space)),
  ]),
);
