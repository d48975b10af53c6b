/** What the camera sees, mirrored as people know themselves. */
import { html, useEffect, useRef, useState } from "../vendor/preact-htm.js";
import { t } from "../words.js";
import { Camera } from "./camera.js";
import { Failure } from "./notices.js";

/**
 * @typedef {object} Props
 * @property {(camera: Camera | null) => void} onCamera told when it is there and when it ends
 * @property {unknown} [children] drawn over it
 */

/** @param {Props} props */
export function CameraView({ onCamera, children }) {
  const video = useRef(/** @type {HTMLVideoElement | null} */ (null));
  const [failure, setFailure] = useState(/** @type {unknown} */ (null));
  useEffect(() => {
    let left = false;
    /** @type {Camera | null} */
    let camera = null;
    Camera.open(/** @type {HTMLVideoElement} */ (video.current)).then(
      (opened) => {
        if (left) return opened.close();
        camera = opened;
        onCamera(opened);
      },
      (error) => left || setFailure(error),
    );
    return () => {
      left = true;
      camera?.close();
      onCamera(null);
    };
  }, []);
  return html`
    <div class="picture mirrored">
      <video ref=${video} playsinline muted aria-label=${t("camera.view")}></video>
      ${children}
    </div>
    <${Failure} error=${failure} />
  `;
}
