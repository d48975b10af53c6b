/** The way in: an API key, typed once. */
import { html, useState } from "./vendor/preact-htm.js";
import { Failure } from "./parts/notices.js";
import { Session } from "./session.js";
import { t } from "./words.js";

/** @param {{onVisit: (visit: import("./app.js").Visit) => void}} props */
export function SignIn({ onVisit }) {
  const [failure, setFailure] = useState(/** @type {unknown} */ (null));
  const [busy, setBusy] = useState(false);
  const enter = async (/** @type {any} */ event) => {
    event.preventDefault();
    setBusy(true);
    try {
      const session = await Session.open(event.target.elements.key.value);
      onVisit({ session, access: await session.call("GET", "v1/access") });
    } catch (error) {
      setFailure(error);
      setBusy(false);
    }
  };
  return html`
    <form class="card" onSubmit=${enter}>
      <h1>${t("sign_in.title")}</h1>
      <p class="lead">${t("sign_in.lead")}</p>
      <label>${t("sign_in.key")}
        <input name="key" type="password" autocomplete="off" required spellcheck="false"
          aria-describedby="key-kept" />
      </label>
      <p class="hint" id="key-kept">${t("sign_in.kept")}</p>
      <button class="main" disabled=${busy}>${t("sign_in.enter")}</button>
      <${Failure} error=${failure} />
    </form>
  `;
}
