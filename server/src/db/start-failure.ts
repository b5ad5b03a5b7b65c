/** What stands in the way of starting, by the code of the error: a cause and a remedy. */
const systemCauses: Record<string, string> = {
  ENOSPC: "the disk is full. Free some space and start again",
  EDQUOT: "the disk quota is used up. Free some space and start again",
  EROFS:
    "it lies on a read-only file system. Set LONGWAVE_DATA_DIR to a folder that can be written",
  EACCES:
    "this user may not. Start as the user who owns it, or set LONGWAVE_DATA_DIR to a folder that this user may write",
  EPERM:
    "this user may not. Start as the user who owns it, or set LONGWAVE_DATA_DIR to a folder that this user may write",
  ENOTDIR: "a part of the path is no folder. Set LONGWAVE_DATA_DIR to another folder",
  EEXIST: "it is there and no folder. Remove it, or set LONGWAVE_DATA_DIR to another folder",
  ENAMETOOLONG: "the path is too long. Set LONGWAVE_DATA_DIR to a shorter one",
};

const databaseCauses: Record<string, string> = {
  ECONNREFUSED: "nobody listens there. Start PostgreSQL, or correct DATABASE_URL",
  ENOTFOUND: "its host is not known. Correct DATABASE_URL",
  ETIMEDOUT: "it does not answer. Check the network, or correct DATABASE_URL",
  CONNECT_TIMEOUT: "it does not answer. Check the network, or correct DATABASE_URL",
  CONNECTION_CLOSED: "it closed the connection. Its log says why",
  ECONNRESET: "it closed the connection. Its log says why; it may ask for TLS, or not have it",
  "08P01":
    "it refused how we asked. Behind a pooler, set up this database and its start parameters there; the pooler's log says which is missing",
  "28P01": "the password is wrong. Correct DATABASE_URL",
  "28000": "it does not let this user in. Correct DATABASE_URL or its pg_hba.conf",
  "3D000": "the database does not exist. Create it, or correct DATABASE_URL",
  "42501": "this user may not create tables. Grant it the database's schema public",
  "53100": "its disk is full. Free some space and start again",
  "53300": "it has no connection left. Raise max_connections",
  "57P01": "it is stopping. Start it, then try again",
  "57P03": "it is starting or stopping. Try again in a moment",
  DEPTH_ZERO_SELF_SIGNED_CERT:
    "its certificate is signed by itself. Name its authority in NODE_EXTRA_CA_CERTS, or ask for encryption alone with sslmode=require",
  SELF_SIGNED_CERT_IN_CHAIN:
    "its certificate's authority is not known. Name it in NODE_EXTRA_CA_CERTS",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    "its certificate's authority is not known. Name it in NODE_EXTRA_CA_CERTS",
  ERR_TLS_CERT_ALTNAME_INVALID:
    "its certificate is for another host. Correct the host in DATABASE_URL",
};

/** One sentence for an error that a machine or a database causes at start; nothing for a bug. */
export function explainStartFailure(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  const code = String(error.code);
  const path = "path" in error && typeof error.path === "string" ? error.path : undefined;
  const system = systemCauses[code];
  if (path !== undefined && system !== undefined) return `${path} cannot be used: ${system}.`;
  const database = databaseCauses[code];
  return database === undefined ? undefined : `The database cannot be used: ${database}.`;
}
