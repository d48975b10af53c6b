/** A recording from a file or the microphone. */
import { html, useEffect, useRef, useState } from "../vendor/preact-htm.js";
import { number, t } from "../words.js";
import { Recorder } from "./microphone.js";
import { Failure } from "./notices.js";
import { useAddress } from "./picture-input.js";
import { Waveform } from "./waveform.js";

const LONGEST_S = 20;

/**
 * @typedef {object} Props
 * @property {string} label
 * @property {Blob | null} recording
 * @property {(recording: Blob | null) => void} onRecording
 * @property {[number, number][]} [segments] of speech, in seconds
 */

/** @param {Props} props */
export function RecordingInput({ label, recording, onRecording, segments = [] }) {
  const [failure, setFailure] = useState(/** @type {unknown} */ (null));
  const [recorder, setRecorder] = useState(/** @type {Recorder | null} */ (null));
  const [asking, setAsking] = useState(false);
  const running = useRef(/** @type {Recorder | null} */ (null));
  const left = useRef(false);
  useEffect(() => () => {
    left.current = true;
    running.current?.close();
  }, []);
  const hold = (/** @type {Recorder | null} */ held) => {
    running.current = held;
    setRecorder(held);
  };
  const stop = () => {
    const heard = running.current?.stop() ?? null;
    hold(null);
    onRecording(heard);
  };
  const start = async () => {
    setFailure(null);
    setAsking(true);
    await Recorder.start().then((started) => (left.current ? started.close() : hold(started)), setFailure);
    setAsking(false);
  };
  return html`
    <section class="input" aria-label=${label}>
      ${recorder
        ? html`<${Listening} recorder=${recorder} onEnd=${stop} />`
        : recording
          ? html`<${Heard} recording=${recording} segments=${segments} label=${label} />`
          : html`<p class="empty">${t("recording.empty")}</p>`}
      <div class="row">
        <label class="button">${t("recording.choose")}
          <input class="hidden" type="file" accept="audio/wav,audio/ogg,.wav,.ogg" aria-label=${`${label}: ${t("recording.choose")}`}
            onChange=${(/** @type {any} */ event) => event.target.files[0] && onRecording(event.target.files[0])} /></label>
        <button aria-pressed=${Boolean(recorder)} disabled=${asking} onClick=${recorder ? stop : start}>
          ${t(recorder ? "recording.stop" : "recording.record")}</button>
        ${recording && !recorder && html`<button class="quiet" onClick=${() => onRecording(null)}>${t("remove")}</button>`}
      </div>
      <${Failure} error=${failure} />
    </section>
  `;
}

/** @param {{recorder: Recorder, onEnd: () => void}} props */
function Listening({ recorder, onEnd }) {
  const [seconds, setSeconds] = useState(0);
  useEffect(() => {
    const look = setInterval(() => {
      setSeconds(recorder.seconds);
      if (recorder.seconds >= LONGEST_S) onEnd();
    }, 200);
    return () => clearInterval(look);
  }, [recorder]);
  return html`<p class="empty">${t("recording.running", { seconds: number(seconds, 0), most: LONGEST_S })}</p>`;
}

/** @param {{recording: Blob, segments: [number, number][], label: string}} props */
function Heard({ recording, segments, label }) {
  const address = useAddress(recording);
  return html`
    <${Waveform} recording=${recording} segments=${segments} />
    ${address && html`<audio controls src=${address} aria-label=${label}></audio>`}
  `;
}
