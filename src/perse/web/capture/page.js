/**
 * The page at /capture/: shows what the component hands over, and sends it to nobody. With
 * `#token=…` in its address it runs that liveness session instead.
 */

import { PerseCapture, languageFor } from "./perse-capture.js";

const TEXTS = {
  en: {
    title: "Take a picture of your face",
    consent:
      "This page takes one picture of your face. It stays in this page: it is sent to nobody, and forgotten when you leave.",
    result: "This is what the page was given",
    picture: "The picture of your face",
    forget: "Forget it",
    session_title: "Show that you are there",
    session_consent:
      "Your camera films your face for up to a minute. The pictures go to this server, which looks whether somebody is really there, and tells whoever sent you here. It may compare your face with what is kept of you, or keep what describes it, if that is what you were sent for. The pictures are not kept.",
  },
  pt: {
    title: "Tire uma foto do seu rosto",
    consent:
      "Esta página tira uma foto do seu rosto. Ela fica nesta página: não é enviada a ninguém e é esquecida quando você sai.",
    result: "Isto é o que a página recebeu",
    picture: "A foto do seu rosto",
    forget: "Esquecer",
    session_title: "Mostre que você está presente",
    session_consent:
      "Sua câmera filma seu rosto por até um minuto. As fotos vão para este servidor, que verifica se há mesmo alguém presente e o diz a quem mandou você para cá. Ele pode comparar seu rosto com o que está guardado de você, ou guardar o que o descreve, se foi para isso que você veio. As fotos não são guardadas.",
  },
  es: {
    title: "Haga una foto de su cara",
    consent:
      "Esta página hace una foto de su cara. Se queda en esta página: no se envía a nadie y se olvida cuando usted sale.",
    result: "Esto es lo que la página ha recibido",
    picture: "La foto de su cara",
    forget: "Olvidarla",
    session_title: "Muestre que está presente",
    session_consent:
      "Su cámara filma su cara durante un minuto como máximo. Las fotos van a este servidor, que mira si de verdad hay alguien y se lo dice a quien le ha enviado aquí. Puede comparar su cara con lo que se guarda de usted, o guardar lo que la describe, si ha venido para eso. Las fotos no se guardan.",
  },
};

/** @typedef {keyof typeof TEXTS.en} Text */

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

const wanted = new URLSearchParams(location.search).get("lang") ?? "";
const spoken = languageFor([wanted, ...navigator.languages]);
const texts = TEXTS[spoken];
document.documentElement.lang = spoken;
const token = new URLSearchParams(location.hash.slice(1)).get("token");
const capture = byId("capture", PerseCapture);
for (const place of document.querySelectorAll("[data-text]")) {
  if (!(place instanceof HTMLElement)) continue;
  const { text = "", session = text } = place.dataset;
  place.textContent = texts[/** @type {Text} */ (token === null ? text : session)];
}
document.title = `perse: ${document.querySelector("h1")?.textContent}`;
for (const link of document.querySelectorAll("#languages a")) {
  if (link instanceof HTMLAnchorElement) link.hash = location.hash;
}
addEventListener("hashchange", () => location.reload());
if (token !== null) {
  capture.getToken = () => {
    // It works once: whoever comes back by the history, or sees it, has nothing.
    history.replaceState(null, "", `${location.pathname}${location.search}#token=`);
    return token;
  };
  capture.setAttribute("session", "");
}
document.querySelector(`#languages [lang="${spoken}"]`)?.setAttribute("aria-current", "page");

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
