/** Recordings: what is heard in one, and whether two are of one voice. */
import { html, useEffect, useState } from "../vendor/preact-htm.js";
import { t } from "../words.js";
import { Busy, Failure } from "../parts/notices.js";
import { Outcome } from "../parts/outcome.js";
import { RecordingInput } from "../parts/recording-input.js";
import { RecordingVerdicts } from "../parts/recordings.js";
import { Scale } from "../parts/scale.js";
import { useWork } from "../parts/work.js";

/** @typedef {import("../screens.js").Shown} Shown */
/** @typedef {Shown["session"]} Session */

const AGREED = { client_declaration_enduser_consent: true };

/** @param {Shown} props */
export function Voice({ session, consent }) {
  const [first, setFirst] = useState(/** @type {Blob | null} */ (null));
  const [second, setSecond] = useState(/** @type {Blob | null} */ (null));
  const work = /** @type {import("../parts/work.js").Work<any>} */ (useWork());
  const { run, clear } = work;
  useEffect(() => {
    if (!first || !second || !consent) return clear();
    const form = { audio_file1: first, audio_file2: second, ...AGREED };
    run((signal) => session.call("POST", "v0/voice/compare", { form, signal }));
    return undefined;
  }, [first, second, consent]);
  const given = { session, consent };
  return html`
    <div class="columns">
      <${Inspected} ...${given} label=${t("voice.first")} recording=${first} onRecording=${setFirst} />
      <${Inspected} ...${given} label=${t("voice.second")} recording=${second} onRecording=${setSecond} />
    </div>
    <div aria-live="polite">
      ${(first || second) && !consent && html`<p class="notice">${t("consent_first")}</p>`}
      <${Busy} busy=${work.busy} /><${Failure} error=${work.failure} />
      ${work.answer && html`<${VoicesCompared} answer=${work.answer} />`}
    </div>
  `;
}

/**
 * @typedef {object} Props
 * @property {Session} session
 * @property {boolean} consent
 * @property {string} label
 * @property {Blob | null} recording
 * @property {(recording: Blob | null) => void} onRecording
 */

/** @param {Props} props */
function Inspected({ session, consent, label, recording, onRecording }) {
  const work = /** @type {import("../parts/work.js").Work<any>} */ (useWork());
  const { run, clear } = work;
  useEffect(() => {
    if (!recording || !consent) return clear();
    const form = { audio_file: recording, ...AGREED };
    run((signal) => session.call("POST", "v1/voice/inspect", { form, signal }));
    return undefined;
  }, [recording, consent]);
  const heard = work.answer;
  const segments = heard?.speech_segments ?? [];
  return html`
    <div>
      <${RecordingInput} label=${label} recording=${recording} onRecording=${onRecording} segments=${segments} />
      <${Failure} error=${work.failure} />
      ${heard && html`<${RecordingVerdicts} recording=${heard} name=${t("voice.heard")} />`}
    </div>
  `;
}

/** @param {{answer: any}} props */
function VoicesCompared({ answer }) {
  const threshold = answer.default_thresholds.similarity;
  return html`
    <section class="card">
      <${Outcome} answer=${answer} threshold=${threshold} />
      ${answer.similarity_assessable && html`
        <${Scale} similarity=${answer.similarity} threshold=${threshold} thresholds=${answer.thresholds} />`}
    </section>
  `;
}
