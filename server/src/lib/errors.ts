/**
 * The caller's fault: an HTTP status, Twilio's error code and a sentence that names the value and
 * the remedy. Thrown by domain functions, written as a response by `api/`.
 */
export class ApiError extends Error {
  readonly status: number;
  readonly code: number;
  readonly details: Record<string, unknown> | undefined;

  constructor(status: number, code: number, message: string, details?: Record<string, unknown>) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
    this.details = details;
  }
}

/** A setting or the machine stands in the way of starting: one sentence with its remedy. */
export class StartError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "StartError";
  }
}

/** The operator must look at something: one sentence for the log, without bodies and whole numbers. */
export class OperatorAlert extends Error {
  constructor(message: string) {
    super(message);
    this.name = "OperatorAlert";
  }
}

export function authenticationFailed(): ApiError {
  return new ApiError(
    401,
    20003,
    "Authentication failed. Check the account sid and the auth token or API key.",
  );
}

export function notFound(what: string): ApiError {
  return new ApiError(404, 20404, `${what} was not found.`);
}

export function invalidParameter(name: string, why: string): ApiError {
  return new ApiError(400, 20001, `The parameter '${name}' is not valid: ${why}`);
}

export function notInThisVersion(name: string): ApiError {
  return new ApiError(
    400,
    20001,
    `The parameter '${name}' is not in this version of Longwave. Leave it out.`,
  );
}

export function tooManyRequests(why: string): ApiError {
  return new ApiError(429, 20429, `${why} Try again after the seconds in Retry-After.`);
}

export function unavailable(why: string): ApiError {
  return new ApiError(503, 20503, why);
}
