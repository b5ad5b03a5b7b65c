import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Two certificates that sign themselves, for localhost; nothing without the program openssl. */
export function makeCertificates(): { key: string; cert: string }[] {
  const folder = mkdtempSync(join(tmpdir(), "longwave-tls-"));
  try {
    return ["carrier", "us"].map((name) => {
      const files = { key: join(folder, `${name}.key`), cert: join(folder, `${name}.crt`) };
      execFileSync(
        "openssl",
        [
          ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"],
          ...["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
          ...["-keyout", files.key, "-out", files.cert],
        ],
        { stdio: "ignore" },
      );
      return { key: readFileSync(files.key, "utf8"), cert: readFileSync(files.cert, "utf8") };
    });
  } catch {
    return [];
  } finally {
    rmSync(folder, { recursive: true });
  }
}
