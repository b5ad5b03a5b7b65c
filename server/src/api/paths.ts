import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { ApiError } from "../lib/errors.ts";
import { routes2010 } from "./2010-04-01/routes.ts";

/**
 * `/_/api/2010-04-01/…/Messages.json` is served where `/2010-04-01/…/Messages` is. An SDK whose
 * base URL holds the prefix puts it before a link that has it already.
 */
export function rewritePath(url: string): string {
  const mark = url.indexOf("?");
  const path = mark < 0 ? url : url.slice(0, mark);
  const query = mark < 0 ? "" : url.slice(mark);
  const own = withoutProduct(path);
  const isOf2010 = own.startsWith("/2010-04-01/");
  return (isOf2010 ? withoutFormat(own) : own) + query;
}

function withoutFormat(path: string): string {
  const end = path.endsWith("/") ? path.length - 1 : path.length;
  return path.endsWith(".json", end) ? path.slice(0, end - ".json".length) : path;
}

/** The path below the prefix of a product. */
export function withoutProduct(path: string): string {
  return path.startsWith("/_/") ? path.replace(/^(\/_\/[a-z]+)+(?=\/)/, "") : path;
}

/**
 * Keeps what is served, and gives the refusal of everything else: 405 with 20004 where another
 * method would do, else 404 with 20404.
 */
export function rememberRoutes(
  server: FastifyInstance,
): (request: FastifyRequest, reply: FastifyReply) => never {
  const served: { readonly methods: string[]; readonly path: RegExp }[] = [];
  server.addHook("onRoute", ({ method, url }) => {
    const path = url.replace(/\/$/, "").replace(/:\w+/g, "[^/]+").replaceAll(".", "\\.");
    served.push({ methods: [method].flat(), path: new RegExp(`^${path}/?$`) });
  });
  return (request, reply) => {
    const [path = ""] = request.url.split("?");
    const fitting = served.filter((one) => one.path.test(path));
    const allowed = [...new Set(fitting.flatMap((one) => one.methods))].sort();
    if (allowed.length === 0) throw unknownPath(request.method);
    reply.header("Allow", allowed.join(", "));
    throw new ApiError(
      405,
      20004,
      `There is no ${request.method} at this path. It takes ${allowed.join(", ")}.`,
    );
  };
}

function unknownPath(method: string): ApiError {
  return new ApiError(
    404,
    20404,
    `There is nothing at this path for ${method}. Under /2010-04-01/Accounts there are ${resources.join(", ")}; messaging services are under /v1/Services, our own resources under /longwave/v1.`,
  );
}

const resources = [
  ...new Set(routes2010.map((route) => route.path.split("/")[4]).filter((name) => name)),
];
