/** What a comparison says, in one sentence and on its scale. */
import { html } from "../vendor/preact-htm.js";
import { t, tOr } from "../words.js";
import { Scale } from "./scale.js";

/** @param {{answer: any}} props ``answer``: of comparing two faces, or two voices */
export function Compared({ answer }) {
  const { similarity, similarity_assessable: assessable, thresholds } = answer;
  const threshold = answer.default_thresholds.similarity;
  const told = similarity >= threshold ? "match" : "no_match";
  return html`
    <${Decision} decision=${assessable ? told : "not_assessable"} why=${answer.similarity_obstacle} />
    ${assessable && html`<${Scale} similarity=${similarity} threshold=${threshold} thresholds=${thresholds} />`}
  `;
}

/** @param {{decision: string, why?: string}} props */
export function Decision({ decision, why }) {
  const shade = { match: "good", no_match: "bad" }[decision] ?? "unsure";
  return html`
    <p class=${`outcome ${shade}`}>${t(`outcome.${decision}`)}
      ${decision === "not_assessable" && why && html`<small>${tOr("outcome.why", why)}</small>`}</p>
  `;
}
