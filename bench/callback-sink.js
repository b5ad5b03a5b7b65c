/**
 * Answers every request with 204 and counts those that say sent or delivered, in Longwave's form or
 * in the query that `kannel.js` asks Kannel for: as little HTTP as will do.
 */
import { createServer } from "node:net";
import { endOfMessage } from "./http-bytes.js";

const answer = "HTTP/1.1 204 No Content\r\n\r\n";
const counts = { callbacks: 0, sent: 0, delivered: 0, connections: 0 };
const delivered = ["MessageStatus=delivered", "?status=1&"].map((sign) => Buffer.from(sign));
const sent = ["MessageStatus=sent", "?status=8&"].map((sign) => Buffer.from(sign));

const server = createServer((socket) => {
  let rest;
  counts.connections += 1;
  socket.setNoDelay(true);
  socket.on("error", () => socket.destroy());
  socket.on("data", (chunk) => {
    const bytes = rest === undefined ? chunk : Buffer.concat([rest, chunk]);
    let answers = "";
    let start = 0;
    for (;;) {
      const end = endOfMessage(bytes, start, bytes.length);
      if (end === undefined) break;
      count(bytes.subarray(start, end));
      answers += answer;
      start = end;
    }
    rest = start === bytes.length ? undefined : bytes.subarray(start);
    if (answers !== "") socket.write(answers, "latin1");
  });
});

function count(request) {
  const says = (sign) => request.includes(sign);
  counts.callbacks += 1;
  if (delivered.some(says)) counts.delivered += 1;
  else if (sent.some(says)) counts.sent += 1;
}

process.on("disconnect", () => process.exit());
process.on("message", () => process.send(counts));
server.listen(0, "127.0.0.1", () => process.send({ port: server.address().port }));
