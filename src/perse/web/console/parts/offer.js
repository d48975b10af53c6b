/** Something to keep: a file that this page hands over. */
import { html, useMemo } from "../vendor/preact-htm.js";
import { useAddress } from "./picture-input.js";

/** @param {{text: string, type: string, name: string, words: string}} props */
export function Offer({ text, type, name, words }) {
  const address = useAddress(useMemo(() => new Blob([text], { type }), [text, type]));
  return html`<a class="button" href=${address} download=${name}>${words}</a>`;
}
