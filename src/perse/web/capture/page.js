/** The page at /capture/: shows what the component hands over, and sends it to nobody. */

import { PerseCapture } from "./perse-capture.js";

const TEXTS = {
  en: {
    title: "Take a picture of your face",
    consent:
      "This page takes one picture of your face. It stays in this page: it is sent to nobody, and forgotten when you leave.",
    result: "This is what the page was given",
    picture: "The picture of your face",
    forget: "Forget it",
  },
  pt: {
    title: "Tire uma foto do seu rosto",
    consent:
      "Esta página tira uma foto do seu rosto. Ela fica nesta página: não é enviada a ninguém e é esquecida quando você sai.",
    result: "Isto é o que a página recebeu",
    picture: "A foto do seu rosto",
    forget: "Esquecer",
  },
  es: {
    title: "Haga una foto de su cara",
    consent:
      "Esta página hace una foto de su cara. Se queda en esta página: no se envía a nadie y se olvida cuando usted sale.",
    result: "Esto es lo que la página ha recibido",
    picture: "La foto de su cara",
    forget: "Olvidarla",
  },
};

/** @typedef {keyof typeof TEXTS} Language */
/** @typedef {keyof typeof TEXTS.en} Text */

/** @returns {Language} */
function language() {
  const wanted = [new URLSearchParams(location.search).get("lang") ?? "", ...navigator.languages];
  const known = wanted.map((tag) => tag.toLowerCase().split("-")[0] ?? "");
  return /** @type {Language} */ (known.find((tag) => Object.hasOwn(TEXTS, tag)) ?? "en");
}

/**
 * @template {HTMLElement} Kind
 * @param {string} id
 * @param {new () => Kind} kind
 */
function byId(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page has no ${id}`);
  return found;
}

const spoken = language();
const texts = TEXTS[spoken];
document.documentElement.lang = spoken;
document.title = `perse: ${texts.title}`;
for (const place of document.querySelectorAll("[data-text]")) {
  if (place instanceof HTMLElement) place.textContent = texts[/** @type {Text} */ (place.dataset.text)];
}
document.querySelector(`#languages [lang="${spoken}"]`)?.setAttribute("aria-current", "page");

const capture = byId("capture", PerseCapture);
const [result, picture] = [byId("result", HTMLElement), byId("picture", HTMLImageElement)];
picture.alt = texts.picture;

function forget() {
  URL.revokeObjectURL(picture.src);
  picture.removeAttribute("src");
  result.hidden = true;
}

capture.lang = spoken;
capture.addEventListener("perse-capture", (event) => {
  const captured = /** @type {CustomEvent<import("./perse-capture.js").Captured>} */ (event).detail;
  forget();
  picture.src = URL.createObjectURL(captured.picture);
  const kilobytes = Math.ceil(captured.picture.size / 1024);
  byId("facts", HTMLElement).textContent =
    `JPEG, ${captured.width} × ${captured.height}, ${kilobytes} kB`;
  result.hidden = false;
});
byId("forget", HTMLButtonElement).addEventListener("click", () => {
  forget();
  capture.reset();
});
addEventListener("pagehide", forget);
