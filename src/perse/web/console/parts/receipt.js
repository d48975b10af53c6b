/** Proof that something was destroyed, to be kept by whoever asked for it. */
import { html } from "../vendor/preact-htm.js";
import { t } from "../words.js";
import { Offer } from "./offer.js";

/** @param {{receipt: string, name: string}} props */
export function Receipt({ receipt, name }) {
  return html`
    <div class="notice good" role="status">
      <p>${t("receipt.destroyed")}</p>
      <${Offer} text=${receipt} type="application/jose" name=${`${name}.jws`} words=${t("receipt.download")} />
    </div>
  `;
}
