/**
 * HTTP/1.1 as bytes: the far ends of a benchmark look for the few that they need, because strings of
 * all of them would take from what is measured.
 */

const [LF, CR, DIGIT_0, DIGIT_9] = Buffer.from("\n\r09");
/** Makes a capital small, and leaves the other characters of our headers as they are. */
const SMALL = 0x20;

/** Where the message at `start` ends, by its length; nothing while some of it is yet to come. */
export function endOfMessage(bytes, start, end) {
  const lengthAt = behind(bytes, start, end, "content-length: ");
  const length = lengthAt === undefined ? 0 : numberAt(bytes, lengthAt);
  for (let at = lengthAt ?? start; at + 2 < end; at += 1) {
    if (bytes[at] !== LF || bytes[at + 1] !== CR) continue;
    return at + 3 + length <= end ? at + 3 + length : undefined;
  }
  return undefined;
}

/** The status of the answer at `start`. */
export function statusOf(bytes, start) {
  return numberAt(bytes, start + "HTTP/1.1 ".length);
}

/** Whether the answer at `start` is the last one of its connection. */
export function isLast(bytes, start, end) {
  return behind(bytes, start, end, "connection: close") !== undefined;
}

/** Where the head of the message goes on behind this; nothing where no line of it begins so. */
function behind(bytes, start, end, beginning) {
  for (let at = start; at + beginning.length < end; at += 1) {
    if (bytes[at] !== LF) continue;
    if (bytes[at + 1] === CR) return undefined;
    if (isAt(bytes, at + 1, beginning)) return at + 1 + beginning.length;
  }
  return undefined;
}

function isAt(bytes, start, text) {
  for (let index = 0; index < text.length; index += 1) {
    if ((bytes[start + index] | SMALL) !== text.charCodeAt(index)) return false;
  }
  return true;
}

function numberAt(bytes, start) {
  let number = 0;
  for (let at = start; bytes[at] >= DIGIT_0 && bytes[at] <= DIGIT_9; at += 1) {
    number = number * 10 + bytes[at] - DIGIT_0;
  }
  return number;
}
