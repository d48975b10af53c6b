/** Recordings: what is heard in one, and whether two are of one voice. */
import { html, useEffect, useState } from "../vendor/preact-htm.js";
import { t } from "../words.js";
import { AGREED, ConsentFirst } from "../parts/consent.js";
import { Busy, Failure } from "../parts/notices.js";
import { Compared } from "../parts/outcome.js";
import { RecordingInput } from "../parts/recording-input.js";
import { RecordingVerdicts } from "../parts/recordings.js";
import { useWork } from "../parts/work.js";

/** @typedef {import("../screens.js").Shown} Shown */
/** @typedef {Shown["session"]} Session */

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
      <${ConsentFirst} waiting=${first || second} consent=${consent} />
      <${Busy} busy=${work.busy} /><${Failure} error=${work.failure} />
      ${work.answer && html`<section class="card"><${Compared} answer=${work.answer} /></section>`}
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
