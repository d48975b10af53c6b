/** The faces of a picture, or of what the camera sees. */
import { html, useEffect, useRef, useState } from "../vendor/preact-htm.js";
import { number, t } from "../words.js";
import { CameraView } from "../parts/camera-view.js";
import { AGREED, ConsentFirst } from "../parts/consent.js";
import { FaceDrawing, FaceVerdicts, firstGuidance } from "../parts/faces.js";
import { Busy, Failure } from "../parts/notices.js";
import { PictureInput } from "../parts/picture-input.js";
import { useWork } from "../parts/work.js";

/** @typedef {import("../parts/camera.js").Camera} Camera */
/** @typedef {import("../screens.js").Shown} Shown */
/**
 * @typedef {object} Seen
 * @property {import("../parts/faces.js").Face[]} faces
 * @property {Record<string, number>} default_thresholds
 * @property {number} width of the picture
 * @property {number} height
 */

const LIVE_SIDE_PX = 640;

/** @param {Shown} props */
export function Detect({ session, consent }) {
  const [live, setLive] = useState(false);
  return html`
    <div class="row tabs" role="group" aria-label=${t("detect.source")}>
      <button aria-pressed=${!live} onClick=${() => setLive(false)}>${t("detect.picture")}</button>
      <button aria-pressed=${live} disabled=${!consent} onClick=${() => setLive(true)}>${t("detect.live")}</button>
    </div>
    ${live && consent
      ? html`<${Live} session=${session} />`
      : html`<${Still} session=${session} consent=${consent} />`}
  `;
}

/** @param {{session: Shown["session"], consent: boolean}} props */
function Still({ session, consent }) {
  const [picture, setPicture] = useState(/** @type {Blob | null} */ (null));
  const work = /** @type {import("../parts/work.js").Work<Seen>} */ (useWork());
  const { run, clear } = work;
  useEffect(() => {
    if (picture && consent) run((signal) => detect(session, picture, signal));
    else clear();
  }, [picture, consent]);
  const seen = work.answer;
  return html`
    <div class="columns">
      <${PictureInput} label=${t("picture")} picture=${picture} onPicture=${setPicture}>
        ${seen && html`<${FaceDrawing} ...${seen} />`}
      <//>
      <div aria-live="polite">
        <${ConsentFirst} waiting=${picture} consent=${consent} />
        <${Busy} busy=${work.busy} /><${Failure} error=${work.failure} />
        ${seen && html`<${Faces} ...${seen} />`}
      </div>
    </div>
  `;
}

/** @param {Seen} props */
function Faces({ faces, default_thresholds: thresholds }) {
  if (!faces.length) return html`<p class="notice">${t("detect.none")}</p>`;
  return faces.map((face, nth) => html`
    <${FaceVerdicts} face=${face} thresholds=${thresholds}
      name=${t("detect.face", { nth: nth + 1, of: faces.length })} />`);
}

/** @param {{session: Shown["session"]}} props */
function Live({ session }) {
  const [camera, setCamera] = useState(/** @type {Camera | null} */ (null));
  const [seen, setSeen] = useState(/** @type {Seen | null} */ (null));
  const [failure, setFailure] = useState(/** @type {unknown} */ (null));
  const rate = useRef(new Rate());
  useEffect(() => {
    if (!camera) return undefined;
    const leaving = new AbortController();
    const show = (/** @type {Seen} */ found) => {
      rate.current.count(performance.now());
      setSeen(found);
    };
    watch(session, camera, show, leaving.signal).catch((error) => leaving.signal.aborted || setFailure(error));
    return () => leaving.abort();
  }, [camera]);
  return html`
    <div class="columns">
      <div>
        <${CameraView} onCamera=${setCamera}>${seen && html`<${FaceDrawing} ...${seen} />`}<//>
        <p class="hint" data-rate=${rate.current.perSecond}>
          ${t("detect.rate", { rate: number(rate.current.perSecond, 1) })}</p>
      </div>
      <div>
        <p class="advice" aria-live="polite">${seen && advice(seen)}</p>
        <${Failure} error=${failure} />
        ${seen && html`<${Faces} ...${seen} />`}
      </div>
    </div>
  `;
}

/** @param {Seen} seen */
function advice({ faces }) {
  const [face] = faces;
  if (!face) return t("detect.none");
  if (faces.length > 1) return t("detect.several", { faces: faces.length });
  return firstGuidance(face) || t("detect.well");
}

/**
 * Looks again and again until the signal says that it is enough.
 * @param {Shown["session"]} session
 * @param {Camera} camera
 * @param {(seen: Seen) => void} show
 * @param {AbortSignal} signal
 */
async function watch(session, camera, show, signal) {
  let next = camera.picture(LIVE_SIDE_PX);
  while (!signal.aborted) {
    const picture = await next;
    next = camera.picture(LIVE_SIDE_PX);
    const seen = await detect(session, picture, signal);
    if (!signal.aborted) show(seen);
  }
}

/**
 * @param {Shown["session"]} session
 * @param {Blob} picture
 * @param {AbortSignal} signal
 * @returns {Promise<Seen>}
 */
async function detect(session, picture, signal) {
  const form = { image_file: picture, ...AGREED };
  const [size, answer] = await Promise.all([
    sizeOf(picture),
    session.call("POST", "v0/face/detect", { form, signal }),
  ]);
  return { ...answer, ...size };
}

/**
 * In pixels, turned as its EXIF says; nothing where this browser cannot show it.
 * @param {Blob} picture
 */
async function sizeOf(picture) {
  try {
    const bitmap = await createImageBitmap(picture);
    const size = { width: bitmap.width, height: bitmap.height };
    bitmap.close();
    return size;
  } catch {
    return { width: 0, height: 0 };
  }
}

/** How many pictures a second there were of late. */
class Rate {
  perSecond = 0;
  #last = 0;

  /** @param {number} now in milliseconds */
  count(now) {
    const taken = 1000 / Math.max(1, now - this.#last);
    if (this.#last) this.perSecond = this.perSecond ? 0.8 * this.perSecond + 0.2 * taken : taken;
    this.#last = now;
  }
}
