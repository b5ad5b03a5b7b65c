import { connect, createServer } from "node:net";

/** ReadyForQuery, the end of PostgreSQL's answer: Z, length 5, the transaction's state. */
const READY = Buffer.from([0x5a, 0, 0, 0, 5]);
const READY_LENGTH = 6;
/** A lost answer that ends otherwise, to half a request: its client would wait for ever. */
const LOST_MS = 500;

/**
 * Stands between Longwave and PostgreSQL, on a port of its own, and breaks connections: at once,
 * or after a request has been carried out and before its answer has come.
 */
export async function startProxy(socketPath) {
  const links = new Set();
  const server = createServer({ noDelay: true }, (client) => {
    const link = join(client, socketPath);
    links.add(link);
    client.once("close", () => links.delete(link));
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return {
    port: server.address().port,
    /** Cuts some of the connections: each with this probability. */
    cut: (random, share) => chosen(links, random, share).map((link) => link.cut()).length,
    /** Of each chosen connection the next answer is lost, and the connection with it. */
    loseAnswers: (random, share) =>
      chosen(links, random, share).map((link) => link.loseNextAnswer()).length,
    close: () => {
      server.close();
      for (const link of links) link.cut();
    },
  };
}

function chosen(links, random, share) {
  return [...links].filter(() => random() < share);
}

function join(client, socketPath) {
  const database = connect(socketPath);
  let losing = "nothing";
  let tail = Buffer.alloc(0);
  const cut = () => {
    client.destroy();
    database.destroy();
  };
  client.on("data", (chunk) => {
    if (losing === "next") {
      losing = "this";
      setTimeout(cut, LOST_MS).unref();
    }
    database.write(chunk);
  });
  database.on("data", (chunk) => {
    if (losing !== "this") {
      client.write(chunk);
      return;
    }
    tail = Buffer.concat([tail, chunk]).subarray(-READY_LENGTH);
    if (tail.length === READY_LENGTH && tail.subarray(0, READY.length).equals(READY)) cut();
  });
  for (const socket of [client, database]) socket.on("error", cut).once("close", cut);
  return {
    cut,
    loseNextAnswer: () => {
      losing = "next";
    },
  };
}
