/** What went wrong, and what is going on. */
import { html } from "../vendor/preact-htm.js";
import { ApiError } from "../session.js";
import { t, tOr } from "../words.js";

/**
 * An error in the reader's words; what has none of its own is said as the server says it.
 * @param {{error: unknown}} props
 */
export function Failure({ error }) {
  return html`<div role="alert">${error ? html`<p class="notice bad">${sentence(error)}</p>` : null}</div>`;
}

/** @param {unknown} error */
export function sentence(error) {
  if (error instanceof ApiError) return tOr(`error.${error.code}`, error.message);
  const name = error instanceof DOMException ? error.name : "";
  return tOr(`error.${name}`, t("error.unknown"));
}

/** @param {{busy: boolean}} props */
export function Busy({ busy }) {
  return html`<p role="status" class="hint">${busy ? t("busy") : ""}</p>`;
}
