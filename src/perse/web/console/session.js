/** The public API, as one signed-in visitor calls it. */

/** Where this installation is served, whatever prefix a proxy puts before it. */
export const ROOT = new URL("../", import.meta.url);

/** @typedef {Record<string, string | number | boolean | Blob | undefined | null>} Fields */
/**
 * @typedef {object} Asked
 * @property {Fields} [query]
 * @property {Fields} [form]
 * @property {unknown} [json]
 * @property {Record<string, string>} [headers]
 * @property {AbortSignal} [signal]
 */

/** An answer that is an error, in the API's one shape. */
export class ApiError extends Error {
  /**
   * @param {string} code
   * @param {string} message
   * @param {number} status of HTTP; 0 where nothing answered
   */
  constructor(code, message, status) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

/**
 * Holds the credentials in memory, and nowhere else: with the page they are gone.
 *
 * A session token lasts 15 minutes; when one has ended, the next call fetches another.
 */
export class Session {
  #key;
  #token = "";

  /** @param {string} key an API key */
  constructor(key) {
    this.#key = key;
  }

  /**
   * A session of a key that is good. Throws ApiError.
   * @param {string} key
   */
  static async open(key) {
    const session = new Session(key.trim());
    await session.#renew();
    return session;
  }

  /**
   * What an operation answers. Throws ApiError.
   * @param {string} method
   * @param {string} path such as `v0/face/detect`
   * @param {Asked} [asked]
   * @returns {Promise<any>}
   */
  async call(method, path, asked = {}) {
    return (await this.fetch(method, path, asked)).json();
  }

  /**
   * The same as it comes, for what is no JSON. Throws ApiError.
   * @param {string} method
   * @param {string} path
   * @param {Asked} [asked]
   * @returns {Promise<Response>}
   */
  async fetch(method, path, asked = {}) {
    try {
      return await send(method, path, asked, this.#token);
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== "unauthorized") throw error;
    }
    await this.#renew();
    return send(method, path, asked, this.#token);
  }

  async #renew() {
    const answer = await send("POST", "v0/login", { json: { privateKey: this.#key } }, "");
    this.#token = (await answer.json()).token;
  }
}

/**
 * @param {string} method
 * @param {string} path
 * @param {Asked} asked
 * @param {string} token
 */
async function send(method, path, asked, token) {
  const address = new URL(path, ROOT);
  for (const [name, value] of present(asked.query)) address.searchParams.set(name, String(value));
  /** @type {Record<string, string>} */
  const headers = { ...asked.headers };
  if (token) headers.Authorization = `Bearer ${token}`;
  if (asked.json !== undefined) headers["Content-Type"] = "application/json";
  const answer = await answered(address, {
    method,
    headers,
    body: bodyOf(asked),
    signal: asked.signal,
    credentials: "omit",
    cache: "no-store",
  });
  if (!answer.ok) throw await errorOf(answer);
  return answer;
}

/**
 * @param {URL} address
 * @param {RequestInit} request
 */
async function answered(address, request) {
  try {
    return await fetch(address, request);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError("unreachable", "the server does not answer", 0);
  }
}

/** @param {Asked} asked */
function bodyOf(asked) {
  if (asked.json !== undefined) return JSON.stringify(asked.json);
  if (!asked.form) return undefined;
  const form = new FormData();
  for (const [name, value] of present(asked.form)) {
    form.set(name, value instanceof Blob ? value : String(value));
  }
  return form;
}

/** @param {Response} answer */
async function errorOf(answer) {
  try {
    const { code, message, status } = await answer.json();
    return new ApiError(code, message, status);
  } catch {
    return new ApiError("unreachable", `the server answers ${answer.status}`, answer.status);
  }
}

/** @param {Fields | undefined} fields */
function present(fields) {
  const all = Object.entries(fields ?? {});
  return /** @type {[string, string | number | boolean | Blob][]} */ (
    all.filter(([, value]) => value !== undefined && value !== null && value !== "")
  );
}
