/** How loud a recording is over its time, and where there is speech in it. */
import { html, useEffect, useState } from "../vendor/preact-htm.js";
import { t } from "../words.js";

const COLUMNS = 300;

/** @param {{recording: Blob, segments: [number, number][]}} props */
export function Waveform({ recording, segments }) {
  const [wave, setWave] = useState(/** @type {Wave | null} */ (null));
  useEffect(() => {
    let left = false;
    waveOf(recording).then((found) => left || setWave(found), () => left || setWave(null));
    return () => { left = true; };
  }, [recording]);
  if (!wave) return html`<p class="hint">${t("recording.undrawable")}</p>`;
  const perSecond = COLUMNS / wave.seconds;
  return html`
    <svg class="wave" viewBox=${`0 0 ${COLUMNS} 100`} preserveAspectRatio="none" role="img"
      aria-label=${t("recording.wave", { segments: segments.length })}>
      ${segments.map(([start, end]) => html`
        <rect class="speech" x=${start * perSecond} y="0" width=${(end - start) * perSecond} height="100" />`)}
      <path class="sound" d=${wave.path} />
    </svg>
  `;
}

/** @typedef {{path: string, seconds: number}} Wave */

/**
 * @param {Blob} recording
 * @returns {Promise<Wave>}
 */
async function waveOf(recording) {
  const context = new OfflineAudioContext(1, 1, 16000);
  const sound = await context.decodeAudioData(await recording.arrayBuffer());
  const samples = sound.getChannelData(0);
  const step = Math.max(1, Math.floor(samples.length / COLUMNS));
  const heights = Array.from({ length: COLUMNS }, (_, nth) => loudest(samples, nth * step, step));
  const upper = heights.map((height, nth) => `L${nth} ${50 - 48 * height}`).join("");
  const lower = heights.map((height, nth) => `L${nth} ${50 + 48 * height}`).reverse().join("");
  return { path: `M0 50${upper}${lower}Z`, seconds: sound.duration };
}

/**
 * @param {Float32Array} samples
 * @param {number} from
 * @param {number} count
 */
function loudest(samples, from, count) {
  const part = samples.subarray(from, from + count);
  return Math.min(1, part.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0));
}
