/** A button for what cannot be undone: it asks once more. */
import { html, useState } from "../vendor/preact-htm.js";
import { t } from "../words.js";

/** @param {{words: string, question: string, onSure: () => void}} props */
export function Destroy({ words, question, onSure }) {
  const [asking, setAsking] = useState(false);
  if (!asking) return html`<button class="danger" onClick=${() => setAsking(true)}>${words}</button>`;
  const sure = () => {
    setAsking(false);
    onSure();
  };
  return html`
    <span class="row" role="group" aria-label=${question}>${question}
      <button class="danger" onClick=${sure}>${t("yes_destroy")}</button>
      <button onClick=${() => setAsking(false)}>${t("keep")}</button></span>
  `;
}
