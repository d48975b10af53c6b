/** Faces as they are drawn over a picture, and what is said of each. */
import { html } from "../vendor/preact-htm.js";
import { t } from "../words.js";
import { guidance, Verdicts } from "./verdicts.js";

/** @typedef {import("./verdicts.js").Verdict} Verdict */
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
  const rows = METRICS.flatMap((metric) => {
    const verdict = face.verdicts[metric];
    return verdict ? [{ metric, value: valueOf(face, metric), limit: thresholds[metric], verdict }] : [];
  });
  return html`
    <${Verdicts} name=${name} rows=${rows} />
    ${face.liveness_obstacle && html`<p class="hint">${t("liveness_unsure")}</p>`}
  `;
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
 * What is most worth saying to the person: the first metric that fails, in the order of the table.
 * @param {Face} face
 */
export function firstGuidance(face) {
  const failing = METRICS.find((metric) => face.verdicts[metric]?.pass === false);
  const verdict = failing && face.verdicts[failing];
  return verdict ? guidance(failing, verdict) : "";
}
