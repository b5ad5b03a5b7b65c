/**
 * Answers every request with 204 and counts those that say sent or delivered, in Longwave's form or
 * in the query that `kannel.js` asks Kannel for: as little HTTP as will do.
 */
import { createServer } from "node:net";

const answer = "HTTP/1.1 204 No Content\r\n\r\n";
const counts = { callbacks: 0, sent: 0, delivered: 0, connections: 0 };

const server = createServer((socket) => {
  let rest = "";
  counts.connections += 1;
  socket.setNoDelay(true);
  socket.on("error", () => socket.destroy());
  socket.on("data", (chunk) => {
    rest += chunk.toString("latin1");
    let answers = "";
    for (;;) {
      const head = rest.indexOf("\r\n\r\n");
      if (head === -1) break;
      const length = Number(/content-length: (\d+)/i.exec(rest.slice(0, head))?.[1] ?? 0);
      if (rest.length < head + 4 + length) break;
      count(rest.slice(0, head + 4 + length));
      rest = rest.slice(head + 4 + length);
      answers += answer;
    }
    if (answers !== "") socket.write(answers);
  });
});

function count(request) {
  counts.callbacks += 1;
  if (/MessageStatus=delivered|\?status=1&/.test(request)) counts.delivered += 1;
  else if (/MessageStatus=sent|\?status=8&/.test(request)) counts.sent += 1;
}

process.on("disconnect", () => process.exit());
process.on("message", () => process.send(counts));
server.listen(0, "127.0.0.1", () => process.send({ port: server.address().port }));
