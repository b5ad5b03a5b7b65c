import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";

const START_MS_MAX = 60_000;

/** pgbouncer in transaction mode before a PostgreSQL, if this machine has it. */
export async function startPgbouncer(folder, databasePort) {
  if (spawnSync("pgbouncer", ["--version"]).status !== 0) return undefined;
  const own = join(folder, "pgbouncer");
  mkdirSync(own);
  const port = await freePort();
  const path = join(own, "pgbouncer.ini");
  writeFileSync(
    path,
    `[databases]
* = user=longwave host=127.0.0.1 port=${databasePort}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 8
max_client_conn = 200
server_login_retry = 1
ignore_startup_parameters = extra_float_digits
`,
  );
  // It refuses to run as root.
  const args = process.getuid?.() === 0 ? ["-u", "nobody", path] : [path];
  const child = spawn("pgbouncer", args, { stdio: "ignore" });
  const deadline = performance.now() + START_MS_MAX;
  while (!(await canConnect(port))) {
    if (performance.now() > deadline || child.exitCode !== null) {
      throw new Error(`pgbouncer did not start with ${path}.`);
    }
    await new Promise((done) => setTimeout(done, 50));
  }
  return {
    port,
    stop: () => {
      child.kill("SIGKILL");
      rmSync(own, { recursive: true, force: true });
    },
  };
}

function canConnect(port) {
  return new Promise((done) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      done(true);
    });
    socket.once("error", () => done(false));
  });
}

/** A port where nobody listens. */
export function freePort() {
  return new Promise((done) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
}
