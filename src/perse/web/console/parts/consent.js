/** Whether whoever is seen or heard has agreed: asked once, and sent with everything. */
import { html } from "../vendor/preact-htm.js";
import { t } from "../words.js";

/** What a form says that sends somebody's picture or voice. */
export const AGREED = { client_declaration_enduser_consent: true };

/** @param {{given: boolean, onChange: (given: boolean) => void}} props */
export function Consent({ given, onChange }) {
  return html`
    <label class="consent">
      <input type="checkbox" checked=${given}
        onChange=${(/** @type {any} */ event) => onChange(event.target.checked)} />
      ${t("consent")}
    </label>
  `;
}

/**
 * Says why nothing is sent although there is something to send.
 * @param {{waiting: unknown, consent: boolean}} props
 */
export function ConsentFirst({ waiting, consent }) {
  return waiting && !consent ? html`<p class="notice">${t("consent_first")}</p>` : null;
}
