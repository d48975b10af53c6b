/** The frame around the screens: who is signed in, what may be seen, which screen is shown. */
import { html, useEffect, useState } from "./vendor/preact-htm.js";
import { Consent } from "./parts/consent.js";
import { SCREENS } from "./screens.js";
import { ROOT, Session } from "./session.js";
import { SignIn } from "./sign-in.js";
import { LANGUAGES, speak, t } from "./words.js";

/** @typedef {import("./screens.js").Access} Access */
/** @typedef {{session: Session, access: Access}} Visit */

/** The whole console. */
export function App() {
  const [language, setLanguage] = useState(document.documentElement.lang);
  const [visit, setVisit] = useState(/** @type {Visit | null} */ (null));
  const choose = async (/** @type {string} */ chosen) => {
    await speak(chosen);
    setLanguage(chosen);
  };
  return html`
    <${Header} key=${language} language=${language} choose=${choose}
      leave=${visit && (() => setVisit(null))} />
    ${visit
      ? html`<${Screens} language=${language} ...${visit} />`
      : html`<main class="narrow"><${SignIn} onVisit=${setVisit} /></main>`}
  `;
}

/** @param {{language: string, choose: (language: string) => void, leave: (() => void) | null}} props */
function Header({ language, choose, leave }) {
  return html`
    <header>
      <a class="brand" href="#/overview"><span aria-hidden="true" class="mark"></span>perse</a>
      <a class="quiet button" href=${new URL("swagger/", ROOT)}>API</a>
      <label class="quiet">
        <span class="hidden">${t("language")}</span>
        <select value=${language} onChange=${(/** @type {any} */ event) => choose(event.target.value)}>
          ${Object.entries(LANGUAGES).map(
            ([code, name]) => html`<option value=${code} selected=${code === language}>${name}</option>`,
          )}
        </select>
      </label>
      ${leave && html`<button class="quiet" onClick=${leave}>${t("sign_out")}</button>`}
    </header>
  `;
}

/** @param {Visit & {language: string}} props */
function Screens({ session, access, language }) {
  const allowed = SCREENS.filter((screen) => screen.shown(access));
  const [place, setPlace] = useState(location.hash);
  const [consent, setConsent] = useState(false);
  useEffect(() => {
    const follow = () => setPlace(location.hash);
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  const [name, ...rest] = partsOf(place);
  const screen = allowed.find((it) => it.name === name) ?? allowed[0];
  useEffect(() => {
    if (screen) document.title = `${t(`${screen.name}.title`)} · perse`;
  }, [screen, language]);
  if (!screen) return html`<main class="narrow"><p class="notice">${t("nothing_allowed")}</p></main>`;
  const shown = { session, access, consent, rest };
  return html`
    <nav aria-label=${t("screens")}>
      ${allowed.map(
        (it) => html`<a href=${`#/${it.name}`} aria-current=${it === screen ? "page" : undefined}>
          ${t(`${it.name}.title`)}</a>`,
      )}
    </nav>
    <main>
      <h1>${t(`${screen.name}.title`)}</h1>
      <p class="lead">${t(`${screen.name}.lead`)}</p>
      ${screen.biometric(rest) && html`<${Consent} given=${consent} onChange=${setConsent} />`}
      <${screen.show} key=${`${place} ${language}`} ...${shown} />
    </main>
  `;
}

/**
 * What stands between the slashes of an address; what is no text there is nothing.
 * @param {string} place such as `#/people/ID`
 */
function partsOf(place) {
  try {
    return place.replace(/^#\//, "").split("/").map(decodeURIComponent);
  } catch {
    return [];
  }
}
