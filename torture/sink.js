import { createServer } from "node:http";

/** Hears status callbacks and keeps the sids that were told delivered. */
export async function createSink() {
  const delivered = new Set();
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("latin1");
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", () => {
      const form = new URLSearchParams(body);
      if (form.get("MessageStatus") === "delivered") delivered.add(form.get("MessageSid"));
      response.writeHead(204).end();
    });
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return {
    url: `http://127.0.0.1:${server.address().port}/status`,
    delivered,
    close: () => server.close(),
  };
}
