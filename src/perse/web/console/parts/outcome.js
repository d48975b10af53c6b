/** What a comparison says, in one sentence. */
import { html } from "../vendor/preact-htm.js";
import { t, tOr } from "../words.js";

/** @param {{answer: any, threshold: number}} props */
export function Outcome({ answer, threshold }) {
  const told = answer.similarity >= threshold ? "match" : "no_match";
  const decision = answer.similarity_assessable ? told : "not_assessable";
  return html`<${Decision} decision=${decision} why=${answer.similarity_obstacle} />`;
}

/** @param {{decision: string, why?: string}} props */
export function Decision({ decision, why }) {
  const shade = { match: "good", no_match: "bad" }[decision] ?? "unsure";
  return html`
    <p class=${`outcome ${shade}`}>${t(`outcome.${decision}`)}
      ${decision === "not_assessable" && why && html`<small>${tOr("outcome.why", why)}</small>`}</p>
  `;
}
