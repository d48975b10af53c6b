/** A picture from a file, the clipboard or the camera. */
import { html, useEffect, useState } from "../vendor/preact-htm.js";
import { t } from "../words.js";
import { CameraView } from "./camera-view.js";

const LONGEST_SIDE_PX = 1280;

/**
 * @typedef {object} Props
 * @property {string} label
 * @property {Blob | null} picture
 * @property {(picture: Blob | null) => void} onPicture
 * @property {unknown} [children] drawn over the picture
 */

/** @param {Props} props */
export function PictureInput({ label, picture, onPicture, children }) {
  const [filming, setFilming] = useState(false);
  const take = (/** @type {Blob | null | undefined} */ found) => {
    if (!found) return;
    setFilming(false);
    onPicture(found);
  };
  return html`
    <section class="input" aria-label=${label} onPaste=${(/** @type {ClipboardEvent} */ event) => take(pasted(event))}
      onDragOver=${(/** @type {Event} */ event) => event.preventDefault()}
      onDrop=${(/** @type {DragEvent} */ event) => {
        event.preventDefault();
        take(event.dataTransfer?.files[0]);
      }}>
      ${filming
        ? html`<${Filming} onPicture=${take} />`
        : picture
          ? html`<${Shown} picture=${picture} label=${label}>${children}<//>`
          : html`<p class="empty" tabindex="0">${t("picture.empty")}</p>`}
      <div class="row">
        <label class="button">${t("picture.choose")}
          <input class="hidden" type="file" accept="image/*" aria-label=${`${label}: ${t("picture.choose")}`}
            onChange=${(/** @type {any} */ event) => take(event.target.files[0])} /></label>
        <button onClick=${() => setFilming(!filming)} aria-pressed=${filming}>${t("picture.camera")}</button>
        ${picture && !filming && html`<button class="quiet" onClick=${() => onPicture(null)}>${t("remove")}</button>`}
      </div>
    </section>
  `;
}

/** @param {{onPicture: (picture: Blob) => void}} props */
function Filming({ onPicture }) {
  const [camera, setCamera] = useState(/** @type {import("./camera.js").Camera | null} */ (null));
  const take = async () => onPicture(await /** @type {any} */ (camera).picture(LONGEST_SIDE_PX));
  return html`
    <${CameraView} onCamera=${setCamera} />
    <button class="main" disabled=${!camera} onClick=${take}>${t("picture.take")}</button>
  `;
}

/** @param {{picture: Blob, label: string, children?: unknown}} props */
function Shown({ picture, label, children }) {
  const address = useAddress(picture);
  return html`<div class="picture">${address && html`<img src=${address} alt=${label} />`}${children}</div>`;
}

/**
 * An address of a picture that is forgotten with it.
 * @param {Blob} picture
 */
export function useAddress(picture) {
  const [address, setAddress] = useState("");
  useEffect(() => {
    const made = URL.createObjectURL(picture);
    setAddress(made);
    return () => URL.revokeObjectURL(made);
  }, [picture]);
  return address;
}

/** @param {ClipboardEvent} event */
function pasted(event) {
  return Array.from(event.clipboardData?.files ?? []).find((file) => file.type.startsWith("image/"));
}
