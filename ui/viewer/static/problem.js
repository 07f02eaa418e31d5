// What went wrong, as the server says it or as the browser does.

/** The server has refused: its cause and its remedy. */
export class Problem extends Error {
  /**
   * @param {string} cause
   * @param {string} remedy
   * @param {number} status of HTTP
   * @param {{id: string, name: string} | null} holder who has the draft, where that is why
   */
  constructor(cause, remedy, status, holder = null) {
    super(cause);
    this.remedy = remedy;
    this.status = status;
    this.holder = holder;
  }
}

/**
 * The problem that an answer tells of.
 * @param {Response} response
 */
export async function problemOf(response) {
  const body = await response.json().catch(() => ({}));
  return new Problem(body.cause ?? `The server answered ${response.status}.`, body.remedy ?? "", response.status, body.holder ?? null);
}

/**
 * Cause and remedy of what was thrown on the way to the server; one that did not come from the server means that there was none.
 * @param {unknown} error
 */
export function inWords(error) {
  if (error instanceof Problem) return { message: error.message, remedy: error.remedy };
  return { message: "The server does not respond.", remedy: "" };
}

/**
 * The message of whatever was thrown.
 * @param {unknown} error
 */
export function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}

/**
 * Whether somebody has called a request off.
 * @param {unknown} error
 */
export function isAbort(error) {
  return error instanceof DOMException && error.name === "AbortError";
}
