/** The collections of this tenant, to choose one of. */
import { html, useEffect } from "../vendor/preact-htm.js";
import { t } from "../words.js";
import { useWork } from "./work.js";

/**
 * Nothing where there is none, or none may be seen.
 * @param {{session: import("../session.js").Session, chosen: string, onChoice: (name: string) => void}} props
 */
export function CollectionChoice({ session, chosen, onChoice }) {
  const work = /** @type {import("./work.js").Work<any>} */ (useWork());
  useEffect(() => {
    work.run((signal) => session.call("GET", "v1/collections", { signal }));
  }, []);
  const collections = work.answer?.collections ?? [];
  if (!collections.length) return null;
  return html`
    <label>${t("collection")}
      <select value=${chosen} onChange=${(/** @type {any} */ event) => onChoice(event.target.value)}>
        <option value="">${t("everybody")}</option>
        ${collections.map((/** @type {any} */ { name }) => html`<option value=${name}>${name}</option>`)}
      </select></label>
  `;
}
