/** Are the faces of two pictures of one person? */
import { html, useEffect, useState } from "../vendor/preact-htm.js";
import { number, t } from "../words.js";
import { AGREED, ConsentFirst } from "../parts/consent.js";
import { Busy, Failure } from "../parts/notices.js";
import { Compared } from "../parts/outcome.js";
import { PictureInput } from "../parts/picture-input.js";
import { useWork } from "../parts/work.js";

/** @typedef {import("../screens.js").Shown} Shown */

/** @param {Shown} props */
export function Compare({ session, consent }) {
  const [first, setFirst] = useState(/** @type {Blob | null} */ (null));
  const [second, setSecond] = useState(/** @type {Blob | null} */ (null));
  const work = /** @type {import("../parts/work.js").Work<any>} */ (useWork());
  const { run, clear } = work;
  useEffect(() => {
    if (!first || !second || !consent) return clear();
    const form = { image_file1: first, image_file2: second, ...AGREED };
    run((signal) => session.call("POST", "v0/face/compare", { form, signal }));
    return undefined;
  }, [first, second, consent]);
  return html`
    <div class="columns">
      <${PictureInput} label=${t("compare.first")} picture=${first} onPicture=${setFirst} />
      <${PictureInput} label=${t("compare.second")} picture=${second} onPicture=${setSecond} />
    </div>
    <div aria-live="polite">
      <${ConsentFirst} waiting=${first && second} consent=${consent} />
      <${Busy} busy=${work.busy} /><${Failure} error=${work.failure} />
      ${work.answer && html`<${FacesCompared} answer=${work.answer} />`}
    </div>
  `;
}

/** @param {{answer: any}} props */
function FacesCompared({ answer }) {
  const { liveness } = answer.default_thresholds;
  return html`
    <section class="card">
      <${Compared} answer=${answer} />
      <dl>
        ${answer.recognisability !== undefined && html`
          <dt>${t("metric.recognisability")}</dt><dd>${number(answer.recognisability)}</dd>`}
        ${answer.liveness_score !== undefined && html`
          <dt>${t("metric.liveness")}</dt>
          <dd>${number(answer.liveness_score)} (≥ ${number(liveness)})
            ${answer.liveness_assessable ? "" : ` · ${t("liveness_unsure")}`}</dd>`}
      </dl>
    </section>
  `;
}
