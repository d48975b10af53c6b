/** What is said of a recording. */
import { html } from "../vendor/preact-htm.js";
import { t } from "../words.js";
import { MetricRow } from "./faces.js";

/**
 * Each metric with its verdict and what the person can do.
 * @param {{recording: any, name: string}} props
 */
export function RecordingVerdicts({ recording, name }) {
  const metrics = Object.keys(recording.verdicts).filter((it) => it in recording.voice_metrics);
  return html`
    <table>
      <caption>${name}</caption>
      <thead><tr><th scope="col">${t("metric")}</th><th scope="col" class="number">${t("value")}</th>
        <th scope="col" class="number">${t("limit")}</th><th scope="col">${t("verdict")}</th></tr></thead>
      <tbody>${metrics.map((metric) => html`
        <${MetricRow} metric=${metric} value=${recording.voice_metrics[metric]}
          limit=${recording.default_thresholds?.[metric]} verdict=${recording.verdicts[metric]} />`)}</tbody>
    </table>
  `;
}
