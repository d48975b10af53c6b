/** Is this the person? By face, by voice, by both. */
import { html, useEffect, useState } from "../vendor/preact-htm.js";
import { t } from "../words.js";
import { AGREED, ConsentFirst } from "../parts/consent.js";
import { Busy, Failure } from "../parts/notices.js";
import { Decision } from "../parts/outcome.js";
import { PictureInput } from "../parts/picture-input.js";
import { RecordingInput } from "../parts/recording-input.js";
import { Scale } from "../parts/scale.js";
import { useWork } from "../parts/work.js";

/** @typedef {"face" | "voice" | "fused"} Part */
/** @type {Part[]} */
const PARTS = ["face", "voice", "fused"];

/** @param {import("./samples.js").Given} props */
export function Verify({ session, path, consent }) {
  const [picture, setPicture] = useState(/** @type {Blob | null} */ (null));
  const [recording, setRecording] = useState(/** @type {Blob | null} */ (null));
  const work = /** @type {import("../parts/work.js").Work<any>} */ (useWork());
  useEffect(work.clear, [picture, recording]);
  const verify = () => work.run((signal) => {
    const form = {
      image_file: picture, audio_file: recording, ...AGREED,
    };
    return session.call("POST", `${path}/verify`, { form, signal });
  });
  return html`
    <h2>${t("verify.title")}</h2>
    <details class="card"><summary>${t("verify.lead")}</summary>
      <div class="columns">
        <${PictureInput} label=${t("picture")} picture=${picture} onPicture=${setPicture} />
        <${RecordingInput} label=${t("recording")} recording=${recording} onRecording=${setRecording} />
      </div>
      <${ConsentFirst} waiting=${picture || recording} consent=${consent} />
      <button class="main" disabled=${!(picture || recording) || !consent || work.busy} onClick=${verify}>
        ${t("verify.do")}</button>
      <div aria-live="polite">
        <${Busy} busy=${work.busy} /><${Failure} error=${work.failure} />
        ${work.answer && html`<${Verified} answer=${work.answer} />`}
      </div>
    </details>
  `;
}

/**
 * Whether there is a similarity to show.
 * @param {any} evidence
 */
function told(evidence) {
  return evidence?.similarity !== undefined && evidence.similarity_assessable !== false;
}

/** @param {{answer: any}} props */
function Verified({ answer }) {
  const why = answer.face?.similarity_obstacle ?? answer.voice?.similarity_obstacle;
  return html`
    <${Decision} decision=${answer.decision} why=${why} />
    ${PARTS.filter((part) => told(answer[part])).map((part) => html`
      <h3>${t(`verify.${part}`)}</h3>
      <${Scale} similarity=${answer[part].similarity} threshold=${answer[part].threshold}
        thresholds=${answer[part].thresholds ?? {}} />`)}
  `;
}
