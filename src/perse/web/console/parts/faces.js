/** Faces as they are drawn over a picture, and what is said of each. */
import { html } from "../vendor/preact-htm.js";
import { number, t, tOr } from "../words.js";

/** @typedef {{pass: boolean, direction: string, guidance: string}} Verdict */
/**
 * A face in the words of `v0/face/detect`.
 * @typedef {object} Face
 * @property {[number, number, number, number]} bounding_box
 * @property {Record<string, [number, number]>} landmarks
 * @property {Record<string, number>} face_metrics
 * @property {number} [liveness_score]
 * @property {number} [recognisability]
 * @property {string} [liveness_obstacle]
 * @property {Record<string, Verdict>} verdicts
 */

/** In the order in which they are shown. */
const METRICS = [
  "underexposure", "overexposure", "sharpness", "color", "rotation", "recognisability", "liveness",
];

/**
 * Boxes and landmarks in pixels of the picture.
 * @param {{faces: Face[], width: number, height: number}} props
 */
export function FaceDrawing({ faces, width, height }) {
  const thick = Math.max(width, height) / 250;
  return html`
    <svg class="drawing" viewBox=${`0 0 ${width} ${height}`} aria-hidden="true">
      ${faces.map(({ bounding_box: [x, y, wide, high], landmarks, verdicts }) => html`
        <g class=${Object.values(verdicts).every((it) => it.pass) ? "good" : "bad"} stroke-width=${thick}>
          <rect x=${x} y=${y} width=${wide} height=${high} rx=${thick * 3} />
          ${Object.values(landmarks).map(([px, py]) => html`<circle cx=${px} cy=${py} r=${thick * 1.2} />`)}
        </g>`)}
    </svg>
  `;
}

/**
 * Each metric with its threshold, its verdict and what the person can do.
 * @param {{face: Face, thresholds: Record<string, number>, name: string}} props
 */
export function FaceVerdicts({ face, thresholds, name }) {
  return html`
    <table>
      <caption>${name}</caption>
      <thead><tr><th scope="col">${t("metric")}</th><th scope="col" class="number">${t("value")}</th>
        <th scope="col" class="number">${t("limit")}</th><th scope="col">${t("verdict")}</th></tr></thead>
      <tbody>${METRICS.filter((metric) => metric in face.verdicts).map((metric) =>
        html`<${MetricRow} metric=${metric} value=${valueOf(face, metric)}
          limit=${thresholds[metric]} verdict=${face.verdicts[metric]} />`)}</tbody>
    </table>
    ${face.liveness_obstacle && html`<p class="hint">${t("liveness_unsure")}</p>`}
  `;
}

/** @param {{metric: string, value: number, limit: number, verdict: Verdict}} props */
export function MetricRow({ metric, value, limit, verdict }) {
  const side = verdict.direction === "lower_is_better" ? "≤" : "≥";
  return html`
    <tr>
      <th scope="row">${t(`metric.${metric}`)}</th>
      <td class="number">${number(value)}</td>
      <td class="number">${limit === undefined ? "" : `${side} ${number(limit)}`}</td>
      <td><${Mark} good=${verdict.pass} /> ${guidance(metric, verdict)}</td>
    </tr>
  `;
}

/** @param {{good: boolean}} props */
export function Mark({ good }) {
  return html`<span class=${good ? "mark-good" : "mark-bad"}>${t(good ? "good" : "bad")}</span>`;
}

/**
 * @param {Face} face
 * @param {string} metric
 */
function valueOf(face, metric) {
  if (metric === "liveness") return face.liveness_score ?? 0;
  if (metric === "recognisability") return face.recognisability ?? 0;
  return face.face_metrics[metric];
}

/**
 * What the person can do, in the reader's words; nothing where all is well.
 * @param {string} metric
 * @param {Verdict} verdict
 */
export function guidance(metric, verdict) {
  return verdict.pass ? "" : tOr(`guidance.${metric}`, verdict.guidance);
}

/**
 * What is most worth saying to the person: the first metric that fails, in the order of the table.
 * @param {Face} face
 */
export function firstGuidance(face) {
  const failing = METRICS.find((metric) => face.verdicts[metric]?.pass === false);
  const verdict = failing && face.verdicts[failing];
  return verdict ? guidance(failing, verdict) : "";
}
