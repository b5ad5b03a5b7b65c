/** Answers every POST with 204 and counts them by MessageStatus: as little HTTP as will do. */
import { createServer } from "node:net";

const answer = Buffer.from("HTTP/1.1 204 No Content\r\n\r\n");
const counts = { callbacks: 0, delivered: 0 };

const server = createServer((socket) => {
  let rest = "";
  socket.setNoDelay(true);
  socket.on("error", () => socket.destroy());
  socket.on("data", (chunk) => {
    rest += chunk.toString("latin1");
    let answers = 0;
    for (;;) {
      const head = rest.indexOf("\r\n\r\n");
      if (head === -1) break;
      const length = Number(/content-length: (\d+)/i.exec(rest.slice(0, head))?.[1] ?? 0);
      if (rest.length < head + 4 + length) break;
      const body = rest.slice(head + 4, head + 4 + length);
      rest = rest.slice(head + 4 + length);
      counts.callbacks += 1;
      if (body.includes("MessageStatus=delivered")) counts.delivered += 1;
      answers += 1;
    }
    for (let index = 0; index < answers; index += 1) socket.write(answer);
  });
});
server.listen(0, "127.0.0.1", () => process.send({ port: server.address().port }));
process.on("message", () => process.send(counts));
