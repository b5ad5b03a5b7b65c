/** The requests of the loader, as bytes of HTTP/1.1, and what an answer says of its messages. */

export const AREAS = ["202", "303", "404", "505", "602", "713", "804", "916"];
const MESSAGES_PER_BULK = 10_000;
/** Last four digits that are used: the simulator's faults are numbers that end in 99 and two more. */
export const LINES = 9_000;

export const requests = {
  /** POST of one message to Longwave. */
  message: {
    write: (load, serial) => {
      const callback = load.callback ? `&StatusCallback=${encodeURIComponent(load.callback)}` : "";
      const body = `To=%2B${recipient(serial)}&From=${encodeURIComponent(load.from)}&Body=${plus(text(serial))}${callback}`;
      return post(load, `/2010-04-01/Accounts/${load.accountSid}/Messages.json`, {
        ...{ type: "application/x-www-form-urlencoded", body },
      });
    },
    acceptedOf: (status) => (status === 201 ? 1 : 0),
    messages: () => 1,
  },
  /** GET of one message to Kannel's smsbox. */
  sendsms: {
    write: (load, serial) =>
      `GET ${load.path}&to=${recipient(serial)}&from=${encodeURIComponent(load.from)}&text=${plus(text(serial))} HTTP/1.1\r\nHost: bench\r\n\r\n`,
    acceptedOf: (status) => (status === 202 ? 1 : 0),
    messages: () => 1,
  },
  /** POST of 10,000 messages to Longwave. */
  bulk: {
    write: (load, serial) => {
      const messages = Array.from({ length: bulkLength(load, serial) }, (_none, index) => {
        const number = (serial - 1) * MESSAGES_PER_BULK + index;
        return `{"To":"+${recipient(number)}","From":"${load.from}","Body":"${text(number)}"}`;
      });
      return postBulk(load, messages);
    },
    acceptedOf: (_status, body) => Number(/"accepted":(\d+)/.exec(body)?.[1] ?? 0),
    messages: bulkLength,
  },
  /** POST of 10,000 messages, from some senders in turn. */
  spreadBulk: {
    write: (load, serial) => {
      const start = (serial - 1) * MESSAGES_PER_BULK;
      const messages = Array.from({ length: bulkLength(load, serial) }, (_none, index) =>
        british(start + index, load.senders[index % load.senders.length]),
      );
      return postBulk(load, messages);
    },
    acceptedOf: (_status, body) => Number(/"accepted":(\d+)/.exec(body)?.[1] ?? 0),
    messages: bulkLength,
  },
  /** POST of 10,000 messages from many senders; `load.senders` has one for each message. */
  mixedBulk: {
    write: (load, serial) => {
      const start = (serial - 1) * MESSAGES_PER_BULK;
      const messages = sendersOf(load, serial).map((from, index) => british(start + index, from));
      return postBulk(load, messages);
    },
    acceptedOf: (_status, body) => Number(/"accepted":(\d+)/.exec(body)?.[1] ?? 0),
    messages: (load, serial) => sendersOf(load, serial).length,
  },
};

function postBulk(load, messages) {
  const body = `{"messages":[${messages.join(",")}]}`;
  return post(load, "/longwave/v1/Messages/Bulk", { type: "application/json", body });
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

function post(load, path, { type, body }) {
  return `POST ${path} HTTP/1.1\r\nHost: bench\r\nAuthorization: ${load.authorization}\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

/** A number of its own for each of the first fifty million. */
export function recipient(serial) {
  const line = String(serial % LINES).padStart(4, "0");
  const block = Math.floor(serial / LINES);
  return `1${AREAS[Math.floor(block / 700) % AREAS.length]}${220 + (block % 700)}${line}`;
}

function text(serial) {
  return `Your code is ${serial}. It works for ten minutes.`;
}

function plus(words) {
  return words.replaceAll(" ", "+");
}
