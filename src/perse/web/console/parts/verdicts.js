/** Measures with what is wanted of them, how they are, and what the person can do. */
import { html } from "../vendor/preact-htm.js";
import { number, t, tOr } from "../words.js";

/** @typedef {{pass: boolean, direction: string, guidance: string}} Verdict */
/** @typedef {{metric: string, value: number, limit: number | undefined, verdict: Verdict}} Row */

/** @param {{name: string, rows: Row[]}} props */
export function Verdicts({ name, rows }) {
  return html`
    <table>
      <caption>${name}</caption>
      <thead><tr><th scope="col">${t("metric")}</th><th scope="col" class="number">${t("value")}</th>
        <th scope="col" class="number">${t("limit")}</th><th scope="col">${t("verdict")}</th></tr></thead>
      <tbody>${rows.map((row) => html`<${MetricRow} ...${row} />`)}</tbody>
    </table>
  `;
}

/** @param {Row} props */
function MetricRow({ metric, value, limit, verdict }) {
  const side = verdict.direction === "lower_is_better" ? "≤" : "≥";
  return html`
    <tr>
      <th scope="row">${t(`metric.${metric}`)}</th>
      <td class="number">${number(value)}</td>
      <td class="number">${limit === undefined ? "" : `${side} ${number(limit)}`}</td>
      <td><span class=${verdict.pass ? "mark-good" : "mark-bad"}>${t(verdict.pass ? "good" : "bad")}</span>
        ${guidance(metric, verdict)}</td>
    </tr>
  `;
}

/**
 * What the person can do, in the reader's words; nothing where all is well.
 * @param {string} metric
 * @param {Verdict} verdict
 */
export function guidance(metric, verdict) {
  return verdict.pass ? "" : tOr(`guidance.${metric}`, verdict.guidance);
}
