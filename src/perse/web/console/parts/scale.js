/** A similarity on its scale, between the marks of false match rates. */
import { html } from "../vendor/preact-htm.js";
import { number, t } from "../words.js";

/**
 * @typedef {object} Props
 * @property {number} similarity 0..1
 * @property {number} threshold from which on it matches
 * @property {Record<string, number>} thresholds false match rate -> similarity
 */

/** @param {Props} props */
export function Scale({ similarity, threshold, thresholds }) {
  const marks = Object.entries(thresholds).sort(([, one], [, other]) => one - other);
  const words = t("scale.words", { similarity: number(similarity), threshold: number(threshold) });
  return html`
    <svg class="scale" viewBox="-6 0 112 21" role="img" aria-label=${words}>
      <rect class="below" x="0" y="9" width="100" height="4" rx="2" />
      <rect class="above" x=${threshold * 100} y="9" width=${100 - threshold * 100} height="4" rx="2" />
      ${marks.map(([rate, mark]) => html`
        <line x1=${mark * 100} x2=${mark * 100} y1="8" y2="14" />
        <text x=${mark * 100} y="19" text-anchor="middle">${rateWords(rate)}</text>`)}
      <path class="needle" d=${`M${similarity * 100} 9 l-2 -4 h4 z`} />
      <text class="value" x=${similarity * 100} y="4" text-anchor="middle">${number(similarity)}</text>
    </svg>
    <p>${words}</p>
    <p class="hint">${t("scale.hint")}</p>
  `;
}

/**
 * "1e-4" as people read it.
 * @param {string} rate
 */
function rateWords(rate) {
  const of = Math.round(1 / Number(rate));
  return `1:${of.toLocaleString(document.documentElement.lang, { notation: "compact" })}`;
}
