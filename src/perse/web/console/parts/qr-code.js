/** A text for the camera of a phone. */
import { generate } from "../vendor/lean-qr.js";
import { html, useMemo } from "../vendor/preact-htm.js";

const QUIET = 4;

/** @param {{text: string, words: string}} props */
export function QrCode({ text, words }) {
  const code = useMemo(() => generate(text), [text]);
  const side = code.size + 2 * QUIET;
  const along = Array.from({ length: code.size }, (_, nth) => nth);
  const dark = along.flatMap((y) => along.filter((x) => code.get(x, y)).map((x) => `M${x} ${y}h1v1h-1z`));
  return html`
    <svg class="qr" viewBox=${`${-QUIET} ${-QUIET} ${side} ${side}`} role="img" aria-label=${words}>
      <path d=${dark.join("")} /></svg>
  `;
}
