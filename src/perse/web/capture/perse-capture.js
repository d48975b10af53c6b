/**
 * <perse-capture>: takes one good picture of a person's face, with the person's consent, and hands
 * it to the page, or runs a liveness session. Without dependencies; docs/capture.md says how to use
 * it.
 *
 * From the bottom up: Messages (what is said), Camera (pictures), Assessors (what is wrong with a
 * picture), Guidance (what is said when), Screen (what is shown), PerseCapture (what happens).
 */

import { SESSION_WORDS, SessionLine, SessionOver, defaultSocketUrl } from "./session.js";

// --- Messages -----------------------------------------------------------------------------------

const ENGLISH = {
  ...SESSION_WORDS.en,
  region: "Take a picture of your face",
  agree: "I agree, start the camera",
  decline: "I do not agree",
  declined: "No picture was taken and nothing was sent.",
  reconsider: "Back",
  file: "Choose a picture instead",
  take: "Take the picture",
  use: "Use this picture",
  another: "Take another picture",
  retry: "Try again",
  done: "Thank you. The picture was handed over, and the camera is off.",
  review: "Is your face easy to see? Then use this picture.",
  alt: "The picture that was just taken",
  starting: "The camera is starting. Your browser may ask whether it may be used.",
  looking: "Put your face into the oval.",
  checking: "Looking at the picture …",
  unchecked: "Put your face into the oval, then take the picture. Only light and focus are checked here.",
  good: "Good. Hold still.",
  no_face: "No face can be seen. Your whole face must be in the picture.",
  several_faces: "Several faces can be seen. Only you should be in the picture.",
  too_far: "Come closer.",
  too_close: "Move back a little.",
  off_centre: "Move your face into the middle of the oval.",
  too_dark: "It is too dark. Turn towards a window or a lamp.",
  too_bright: "It is too bright. Turn away from the strong light.",
  odd_colour: "The light has a strange colour. Use daylight or white light.",
  turned: "Look straight into the camera.",
  blurred: "The picture is blurred. Hold still, and wipe the lens.",
  unclear: "Your face is hard to recognise. Take off what covers it and use better light.",
  waiting: "The server is busy. Please wait a moment.",
  refused: "The camera may not be used. Allow it in your browser's settings for this page, or choose a picture.",
  no_camera: "No camera was found. Connect one, or choose a picture.",
  camera_busy: "The camera gives no picture. Close other programs that use it, then try again.",
  camera_lost: "The camera was stopped. Try again when you are ready.",
  insecure: "A camera can only be used on a secure page (https). You can choose a picture.",
  service: "The picture could not be checked. Please try again later.",
  bad_file: "This file is no picture that can be read. Choose a JPEG, PNG or WebP file.",
  no_consent: "This page does not say what the picture is for, so none is taken.",
  sending: "The picture is being sent …",
  unsent: "The picture could not be sent. Please try again.",
};

/** @typedef {keyof typeof ENGLISH} Message */
/** @typedef {Record<Message, string>} Sentences */

/** @type {Sentences} */
const PORTUGUESE = {
  ...SESSION_WORDS.pt,
  region: "Tirar uma foto do seu rosto",
  agree: "Concordo, ligar a câmera",
  decline: "Não concordo",
  declined: "Nenhuma foto foi tirada e nada foi enviado.",
  reconsider: "Voltar",
  file: "Escolher uma foto",
  take: "Tirar a foto",
  use: "Usar esta foto",
  another: "Tirar outra foto",
  retry: "Tentar de novo",
  done: "Obrigado. A foto foi entregue e a câmera está desligada.",
  review: "Seu rosto está bem visível? Então use esta foto.",
  alt: "A foto que acaba de ser tirada",
  starting: "A câmera está sendo ligada. Seu navegador pode perguntar se ela pode ser usada.",
  looking: "Coloque o rosto dentro do oval.",
  checking: "Verificando a foto …",
  unchecked: "Coloque o rosto dentro do oval e tire a foto. Aqui só a luz e o foco são verificados.",
  good: "Muito bem. Fique parado.",
  no_face: "Não se vê nenhum rosto. Seu rosto inteiro deve aparecer na foto.",
  several_faces: "Há vários rostos. Só você deve aparecer na foto.",
  too_far: "Chegue mais perto.",
  too_close: "Afaste-se um pouco.",
  off_centre: "Leve o rosto para o meio do oval.",
  too_dark: "Está escuro demais. Vire-se para uma janela ou uma lâmpada.",
  too_bright: "Está claro demais. Afaste-se da luz forte.",
  odd_colour: "A luz tem uma cor estranha. Use luz do dia ou luz branca.",
  turned: "Olhe de frente para a câmera.",
  blurred: "A imagem está borrada. Fique parado e limpe a lente.",
  unclear: "É difícil reconhecer seu rosto. Tire o que o cobre e use uma luz melhor.",
  waiting: "O servidor está ocupado. Aguarde um momento.",
  refused: "A câmera não pode ser usada. Permita-a nas configurações do navegador para esta página ou escolha uma foto.",
  no_camera: "Nenhuma câmera foi encontrada. Conecte uma ou escolha uma foto.",
  camera_busy: "A câmera não dá imagem. Feche outros programas que a usam e tente de novo.",
  camera_lost: "A câmera foi desligada. Tente de novo quando quiser.",
  insecure: "A câmera só funciona em uma página segura (https). Você pode escolher uma foto.",
  service: "Não foi possível verificar a foto. Tente de novo mais tarde.",
  bad_file: "Não foi possível ler este arquivo como foto. Escolha um arquivo JPEG, PNG ou WebP.",
  no_consent: "Esta página não diz para que serve a foto; por isso nenhuma é tirada.",
  sending: "A foto está sendo enviada …",
  unsent: "Não foi possível enviar a foto. Tente de novo.",
};

/** @type {Sentences} */
const SPANISH = {
  ...SESSION_WORDS.es,
  region: "Hacer una foto de su cara",
  agree: "Acepto, encender la cámara",
  decline: "No acepto",
  declined: "No se ha hecho ninguna foto ni se ha enviado nada.",
  reconsider: "Volver",
  file: "Elegir una foto",
  take: "Hacer la foto",
  use: "Usar esta foto",
  another: "Hacer otra foto",
  retry: "Intentar de nuevo",
  done: "Gracias. La foto se ha entregado y la cámara está apagada.",
  review: "¿Se ve bien su cara? Entonces use esta foto.",
  alt: "La foto que se acaba de hacer",
  starting: "La cámara se está encendiendo. Puede que el navegador pregunte si se puede usar.",
  looking: "Ponga la cara dentro del óvalo.",
  checking: "Comprobando la foto …",
  unchecked: "Ponga la cara dentro del óvalo y haga la foto. Aquí solo se comprueban la luz y el enfoque.",
  good: "Bien. No se mueva.",
  no_face: "No se ve ninguna cara. Toda su cara debe salir en la foto.",
  several_faces: "Se ven varias caras. Solo usted debe salir en la foto.",
  too_far: "Acérquese.",
  too_close: "Aléjese un poco.",
  off_centre: "Lleve la cara al centro del óvalo.",
  too_dark: "Está demasiado oscuro. Gírese hacia una ventana o una lámpara.",
  too_bright: "Hay demasiada luz. Apártese de la luz fuerte.",
  odd_colour: "La luz tiene un color extraño. Use luz natural o blanca.",
  turned: "Mire de frente a la cámara.",
  blurred: "La imagen está borrosa. No se mueva y limpie la lente.",
  unclear: "Es difícil reconocer su cara. Quítese lo que la cubre y use mejor luz.",
  waiting: "El servidor está ocupado. Espere un momento.",
  refused: "No se puede usar la cámara. Permítala en los ajustes del navegador para esta página o elija una foto.",
  no_camera: "No se ha encontrado ninguna cámara. Conecte una o elija una foto.",
  camera_busy: "La cámara no da imagen. Cierre otros programas que la usen e inténtelo de nuevo.",
  camera_lost: "La cámara se ha apagado. Inténtelo de nuevo cuando quiera.",
  insecure: "La cámara solo se puede usar en una página segura (https). Puede elegir una foto.",
  service: "No se ha podido comprobar la foto. Inténtelo más tarde.",
  bad_file: "No se ha podido leer este archivo como foto. Elija un archivo JPEG, PNG o WebP.",
  no_consent: "Esta página no dice para qué es la foto; por eso no se hace ninguna.",
  sending: "Enviando la foto …",
  unsent: "No se ha podido enviar la foto. Inténtelo de nuevo.",
};

const LANGUAGES = { en: ENGLISH, pt: PORTUGUESE, es: SPANISH };
/** @typedef {keyof typeof LANGUAGES} Language */

/**
 * The language that is spoken to somebody; English where none that they want is known.
 *
 * @param {readonly string[]} wanted language tags, the best first
 * @returns {Language}
 */
export function languageFor(wanted) {
  const named = wanted.map((tag) => tag.toLowerCase().split("-")[0] ?? "");
  const known = /** @type {Language[]} */ (named.filter((it) => Object.hasOwn(LANGUAGES, it)));
  return known[0] ?? "en";
}

/** Sentences of one language. */
class Messages {
  /** @param {readonly string[]} wanted as `languageFor` */
  constructor(wanted) {
    this.language = languageFor(wanted);
    this.sentences = LANGUAGES[this.language];
  }

  /** @param {Message} message */
  of(message) {
    return this.sentences[message];
  }
}

// --- Camera -------------------------------------------------------------------------------------

/** Something the person can do something about: `message` says what. */
class Obstacle extends Error {
  /** @param {Message} message */
  constructor(message) {
    super(message);
    this.says = message;
  }
}

/** @type {Readonly<Record<string, Message>>} */
const CAMERA_FAULTS = {
  NotAllowedError: "refused",
  SecurityError: "refused",
  NotFoundError: "no_camera",
  OverconstrainedError: "no_camera",
  NotReadableError: "camera_busy",
  AbortError: "camera_busy",
};
const FIRST_FRAME_MS = 10_000;
// What is shown, and so what is taken: the middle of the camera's picture, upright.
const ASPECT = 3 / 4;
const LONGEST_SIDE_PX = 1600;

/** The person's camera, on from `start` to `stop`. */
class Camera {
  /** @param {HTMLVideoElement} video where it is shown */
  constructor(video) {
    this.video = video;
    /** @type {MediaStream | null} */
    this.stream = null;
  }

  /**
   * Resolves when there is a picture; throws an Obstacle. `onLost` is called when the camera ends
   * by itself.
   *
   * @param {string} facing "user" or "environment"
   * @param {AbortSignal} signal
   * @param {() => void} onLost
   */
  async start(facing, signal, onLost) {
    if (!navigator.mediaDevices?.getUserMedia) throw new Obstacle("insecure");
    const wanted = { facingMode: facing, width: { ideal: 1280 }, height: { ideal: 960 } };
    const stream = await navigator.mediaDevices
      .getUserMedia({ video: wanted, audio: false })
      .catch((error) => {
        throw new Obstacle(CAMERA_FAULTS[error.name] ?? "camera_busy");
      });
    // The person may have left while the browser asked.
    if (signal.aborted) return stopTracks(stream);
    this.stream = stream;
    stream.getVideoTracks()[0]?.addEventListener("ended", onLost);
    this.video.srcObject = stream;
    await this.#firstFrame(signal);
  }

  /** @param {AbortSignal} signal */
  async #firstFrame(signal) {
    const { video } = this;
    await Promise.race([
      video.play().catch(() => undefined),
      pause(FIRST_FRAME_MS, signal).then(() => undefined),
    ]);
    if (!signal.aborted && video.videoWidth === 0) throw new Obstacle("camera_busy");
  }

  /**
   * All that the camera sees now, not mirrored, as a JPEG.
   *
   * @param {number} longest side in pixels
   * @param {number} quality 0..1
   */
  frame(longest, quality) {
    const { videoWidth, videoHeight } = this.video;
    return jpegOf(drawn(this.video, videoWidth, videoHeight, undefined, longest), quality);
  }

  /** A picture of now, as it is shown but not mirrored. */
  picture() {
    return drawn(this.video, this.video.videoWidth, this.video.videoHeight, ASPECT);
  }

  stop() {
    if (this.stream) stopTracks(this.stream);
    this.stream = null;
    this.video.srcObject = null;
  }
}

/** @param {MediaStream} stream */
function stopTracks(stream) {
  for (const track of stream.getTracks()) track.stop();
}

/**
 * The middle of a picture in that aspect, or all of it. What is drawn anew carries no metadata,
 * such as where a photograph was taken.
 *
 * @param {CanvasImageSource} source
 * @param {number} width in pixels
 * @param {number} height in pixels
 * @param {number} aspect width by height
 * @param {number} longest side of the result at most, in pixels
 */
function drawn(source, width, height, aspect = width / height, longest = LONGEST_SIDE_PX) {
  const wide = Math.min(width, height * aspect);
  const high = Math.min(height, width / aspect);
  const scale = Math.min(1, longest / Math.max(wide, high));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(wide * scale));
  canvas.height = Math.max(1, Math.round(high * scale));
  const [left, top] = [(width - wide) / 2, (height - high) / 2];
  contextOf(canvas).drawImage(source, left, top, wide, high, 0, 0, canvas.width, canvas.height);
  return canvas;
}

/** @param {HTMLCanvasElement} canvas */
function contextOf(canvas) {
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Obstacle("service");
  return context;
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {number} quality 0..1
 * @returns {Promise<Blob>}
 */
function jpegOf(canvas, quality) {
  return new Promise((resolve, reject) => {
    const done = (/** @type {Blob | null} */ blob) =>
      blob ? resolve(blob) : reject(new Obstacle("service"));
    canvas.toBlob(done, "image/jpeg", quality);
  });
}

/**
 * Picture files as they are meant to be seen; throws an Obstacle.
 *
 * @param {File} file
 */
async function pictureOf(file) {
  const image = await createImageBitmap(file, { imageOrientation: "from-image" }).catch(() => {
    throw new Obstacle("bad_file");
  });
  const picture = drawn(image, image.width, image.height);
  image.close();
  return picture;
}

/**
 * @param {number} ms
 * @param {AbortSignal} signal which ends it early
 * @returns {Promise<void>}
 */
function pause(ms, signal) {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}

// --- Assessors: what is wrong with a picture ------------------------------------------------------

/**
 * @typedef {object} Assessor
 * @property {boolean} seesFaces whether a picture without complaint has a face on it
 * @property {(picture: HTMLCanvasElement, framed: boolean, signal: AbortSignal) => Promise<Finding>} assess
 *   `framed`: whether the face should fill the oval, as before the camera
 */
/** @typedef {{says: Message, waitMs?: number}} Finding `good`, or what the person should know */

const SENT_LONGEST_PX = 640;
const SENT_QUALITY = 0.85;
/** @type {Readonly<Record<string, Message>>} */
const COMPLAINTS = {
  underexposure: "too_dark",
  overexposure: "too_bright",
  rotation: "turned",
  sharpness: "blurred",
  color: "odd_colour",
};
// Shares of the picture's width and height; the oval's middle is that of the picture.
const FACE_WIDTH = { least: 0.28, most: 0.72 };
const OFF_CENTRE = 0.17;
const SMALLEST_FACE_PX = 60;
// A face so much smaller than the person's is one of the background.
const BACKGROUND = 0.4;

/**
 * @typedef {object} DetectAnswer what POST /v0/face/detect answers, as far as it is read here
 * @property {DetectedFace[]} faces the largest first
 * @property {{recognisability?: number}} [default_thresholds]
 */
/**
 * @typedef {object} DetectedFace
 * @property {[number, number, number, number]} bounding_box left, top, width, height
 * @property {Record<string, {pass: boolean}>} verdicts
 * @property {number} [recognisability]
 */

/**
 * What a detect answer says of a picture of that size.
 *
 * @param {DetectAnswer} answer
 * @param {{width: number, height: number}} size in pixels
 * @param {boolean} framed
 * @returns {Message}
 */
export function findingOf(answer, size, framed) {
  const [face, next] = answer.faces;
  if (!face) return "no_face";
  const [left, top, width, height] = face.bounding_box;
  if (next && next.bounding_box[2] > BACKGROUND * width) return "several_faces";
  if (framed) {
    const [dx, dy] = [(left + width / 2) / size.width, (top + height / 2) / size.height];
    if (width < FACE_WIDTH.least * size.width) return "too_far";
    if (width > FACE_WIDTH.most * size.width) return "too_close";
    if (Math.max(Math.abs(dx - 0.5), Math.abs(dy - 0.5)) > OFF_CENTRE) return "off_centre";
  } else if (width < SMALLEST_FACE_PX) return "too_far";
  for (const [metric, complaint] of Object.entries(COMPLAINTS)) {
    if (face.verdicts[metric]?.pass === false) return complaint;
  }
  const least = answer.default_thresholds?.recognisability ?? 0;
  return (face.recognisability ?? 1) < least ? "unclear" : "good";
}

/** Asks a detect endpoint about each picture. */
class ServerAssessor {
  seesFaces = true;

  /**
   * @param {string} url
   * @param {HeadersOf} headersOf
   */
  constructor(url, headersOf) {
    this.url = url;
    this.headersOf = headersOf;
    this.failures = 0;
  }

  /** @type {Assessor["assess"]} */
  async assess(picture, framed, signal) {
    const small = drawn(picture, picture.width, picture.height, undefined, SENT_LONGEST_PX);
    const form = formOf("image_file", await jpegOf(small, SENT_QUALITY));
    const response = await sent(this.url, form, this.headersOf, signal);
    if (response?.ok) {
      this.failures = 0;
      const says = findingOf(await response.json(), small, framed);
      return { says: says === "no_face" ? whyNoFace(picture) : says };
    }
    if (response?.status === 422) return { says: whyNoFace(picture) };
    const busy = !response || response.status === 429 || response.status === 503;
    this.failures += 1;
    if (!busy || this.failures > 5) throw new Obstacle("service");
    const seconds = Number(response?.headers.get("Retry-After")) || this.failures;
    return { says: "waiting", waitMs: 1000 * Math.min(seconds, 10) };
  }
}

/**
 * @typedef {(url: string, renew: boolean) => Promise<HeadersInit>} HeadersOf for a request to that
 *   address; anew when they were refused
 */

/**
 * The answer to a form, or null where none came. A refused token is asked for anew, once.
 *
 * @param {string} url
 * @param {FormData} form
 * @param {HeadersOf} headersOf
 * @param {AbortSignal} signal
 */
async function sent(url, form, headersOf, signal) {
  for (const renew of [false, true]) {
    const response = await headersOf(url, renew)
      .then((headers) => fetch(url, { method: "POST", body: form, headers, signal }))
      .catch(() => null);
    if (response?.status !== 401 || renew) return response;
  }
  return null;
}

/**
 * @param {string} field
 * @param {Blob} picture
 */
function formOf(field, picture) {
  const form = new FormData();
  form.append(field, picture, "picture.jpg");
  form.append("client_declaration_enduser_consent", "true");
  return form;
}

// Of linear light, as perse's own measures count it; lenient, because skin is not all the light there is.
const DARK = { below: 0.02, share: 0.9 };
const BRIGHT = { above: 0.96, share: 0.3 };
const LEAST_DETAIL = 0.012;
const MEASURED_PX = 160;

/** Light and focus inside the oval, measured here. It knows no faces, and does not say so. */
class DeviceAssessor {
  seesFaces = false;

  /** @type {Assessor["assess"]} */
  async assess(picture) {
    return { says: measured(picture) };
  }
}

/**
 * In the dark nobody finds a face.
 *
 * @param {HTMLCanvasElement} picture
 */
function whyNoFace(picture) {
  const light = measured(picture);
  return light === "too_dark" || light === "too_bright" ? light : "no_face";
}

/** @param {HTMLCanvasElement} picture */
function measured(picture) {
  const small = drawn(picture, picture.width, picture.height, undefined, MEASURED_PX);
  const { width, height } = small;
  const { data } = contextOf(small).getImageData(0, 0, width, height);
  return complaintAbout(luminances(data), width, height);
}

/**
 * Linear luminance of each pixel, 0..1.
 *
 * @param {Uint8ClampedArray} rgba
 */
function luminances(rgba) {
  const light = new Float32Array(rgba.length / 4);
  const linear = (/** @type {number} */ at) => ((rgba[at] ?? 0) / 255) ** 2.2;
  for (let pixel = 0; pixel < light.length; pixel++) {
    const at = 4 * pixel;
    light[pixel] = 0.2126 * linear(at) + 0.7152 * linear(at + 1) + 0.0722 * linear(at + 2);
  }
  return light;
}

/**
 * @param {Float32Array} light
 * @param {number} width
 * @param {number} height
 * @returns {Message}
 */
function complaintAbout(light, width, height) {
  let [count, dark, bright, sum, detail] = [0, 0, 0, 0, 0];
  const at = (/** @type {number} */ x, /** @type {number} */ y) => light[y * width + x] ?? 0;
  for (let y = 1; y < height - 1; y++) {
    for (let x = 1; x < width - 1; x++) {
      if (((x / width - 0.5) / 0.36) ** 2 + ((y / height - 0.5) / 0.4) ** 2 > 1) continue;
      const here = at(x, y);
      count += 1;
      sum += here;
      if (here < DARK.below) dark += 1;
      if (here > BRIGHT.above) bright += 1;
      detail += Math.abs(4 * here - at(x - 1, y) - at(x + 1, y) - at(x, y - 1) - at(x, y + 1));
    }
  }
  if (dark > DARK.share * count) return "too_dark";
  if (bright > BRIGHT.share * count) return "too_bright";
  return detail < LEAST_DETAIL * sum ? "blurred" : "good";
}

// --- Guidance: what is said when ------------------------------------------------------------------

/** @typedef {"calm" | "good" | "bad"} Tone */
const SHORTEST_MS = 700;

/** Says one thing at a time, long enough to be read or heard. */
class Guidance {
  /** @param {(message: Message, tone: Tone) => void} say */
  constructor(say) {
    this.say = say;
    /** @type {Message | null} */
    this.said = null;
    this.since = -Infinity;
  }

  /** @param {Message} message */
  hint(message) {
    const now = performance.now();
    if (message === this.said || (message !== "good" && now - this.since < SHORTEST_MS)) return;
    this.said = message;
    this.since = now;
    this.say(message, toneOf(message));
  }
}

/** @type {ReadonlySet<Message>} */
const CALM = new Set(["looking", "unchecked", "checking", "waiting"]);

/**
 * @param {Message} message
 * @returns {Tone}
 */
function toneOf(message) {
  if (message === "good") return "good";
  return CALM.has(message) ? "calm" : "bad";
}

/** What the server of a session says is in the way, in our words. */
/** @type {Readonly<Record<string, Message>>} */
const SESSION_GUIDANCE = {
  ok: "good",
  no_face: "no_face",
  several_faces: "several_faces",
  come_closer: "too_far",
  move_back: "too_close",
  move_to_centre: "session_centre",
  more_light: "too_dark",
  less_light: "too_bright",
  hold_still: "blurred",
  look_ahead: "turned",
};

/** What is said before a session, where there is no picture to choose instead. */
/** @type {Readonly<Partial<Record<Message, Message>>>} */
const IN_SESSION = {
  refused: "session_camera_refused",
  no_camera: "session_no_camera",
  insecure: "session_insecure",
  service: "session_service",
};

// --- Screen: what is shown ------------------------------------------------------------------------

const STYLE = `
:host {
  --accent: var(--perse-accent, #1d5fbf);
  --on-accent: var(--perse-on-accent, #fff);
  --text: var(--perse-text, #1a1d21);
  --surface: var(--perse-surface, #fff);
  --good: var(--perse-good, #12703c);
  --bad: var(--perse-bad, #a8330f);
  color: var(--text);
  display: block;
  font: inherit;
  line-height: 1.45;
  margin-inline: auto;
  max-width: 26rem;
}
@media (prefers-color-scheme: dark) {
  :host {
    --accent: var(--perse-accent, #8ab8ff);
    --on-accent: var(--perse-on-accent, #10141a);
    --text: var(--perse-text, #eceef1);
    --surface: var(--perse-surface, #1b1f24);
    --good: var(--perse-good, #6fd79c);
    --bad: var(--perse-bad, #ffa98a);
  }
}
:host([hidden]), [hidden] { display: none !important; }
* { box-sizing: border-box; }
.stage {
  aspect-ratio: 3 / 4;
  background: #16191d;
  border-radius: 1rem;
  margin-inline: auto;
  overflow: hidden;
  position: relative;
  width: min(100%, max(13rem, 45vh));
}
.stage > * { height: 100%; inset: 0; object-fit: cover; position: absolute; width: 100%; }
.mirrored { transform: scaleX(-1); }
.veil { fill: #16191d; fill-opacity: 0.55; }
.oval { fill: none; stroke: #fff; stroke-dasharray: 3 2; stroke-width: 1; }
[data-tone="good"] .oval { stroke: #6fd79c; stroke-dasharray: none; stroke-width: 2; }
[data-tone="bad"] .oval { stroke: #ffb199; }
.sign { fill: none; stroke: #fff; stroke-linecap: round; stroke-linejoin: round; stroke-width: 5; filter: drop-shadow(0 0 2px #000) drop-shadow(0 0 1px #000); }
.steps { align-items: center; display: grid; gap: 0.25rem; margin-top: 0.75rem; text-align: center; }
progress { accent-color: var(--accent); height: 0.6rem; width: 100%; }
.words { font-size: 1.1em; font-weight: 600; margin: 0.75rem 0; min-height: 2.9em; text-align: center; }
[data-tone="good"] .words { color: var(--good); }
[data-tone="bad"] .words { color: var(--bad); }
.stage canvas { height: 100%; object-fit: contain; width: 100%; }
.buttons { display: grid; gap: 0.6rem; }
button, .file {
  background: var(--surface);
  border: 2px solid var(--accent);
  border-radius: 0.6rem;
  color: var(--accent);
  cursor: pointer;
  font: inherit;
  font-weight: 600;
  min-height: 2.9rem;
  padding: 0.5rem 1rem;
  text-align: center;
}
button.first { background: var(--accent); color: var(--on-accent); }
button:disabled { cursor: default; opacity: 0.45; }
button:focus-visible, .file:focus-within { outline: 3px solid var(--accent); outline-offset: 2px; }
.file { display: grid; margin-top: 0.6rem; place-items: center; position: relative; }
.file input { cursor: pointer; inset: 0; opacity: 0; position: absolute; width: 100%; }
`;

/**
 * @typedef {object} View
 * @property {Message} [says]
 * @property {Tone} [tone]
 * @property {"consent" | "camera" | "picture" | "session"} [shows]
 * @property {[Message, () => void][]} buttons the first is the main one
 * @property {boolean} [file] whether a picture can be chosen
 */

/**
 * Signs for what a session asks, in a square of 100 by 100. Left is on the left of the screen.
 *
 * @type {Readonly<Record<string, string>>}
 */
const SIGNS = {
  ahead: "M50 44a6 6 0 1 0 .1 0",
  left: "M22 36L8 50L22 64M8 50H38",
  right: "M78 36L92 50L78 64M92 50H62",
  up: "M36 22L50 8L64 22M50 8V38",
  closer: "M28 14H14V28M14 14L32 32M72 14H86V28M86 14L68 32M28 86H14V72M14 86L32 68M72 86H86V72M86 86L68 68",
};

/** The elements of the component; it decides nothing. */
class Screen {
  /**
   * @param {ShadowRoot} root
   * @param {(file: File) => void} onFile
   * @param {() => void} onConsentText when the page's own text arrived
   */
  constructor(root, onFile, onConsentText) {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    root.adoptedStyleSheets = [sheet];
    this.root = root;
    this.messages = new Messages([]);
    /** @type {Message} */
    this.title = "region";
    this.video = element("video", { playsInline: true, muted: true, autoplay: true });
    this.video.setAttribute("playsinline", "");
    this.video.tabIndex = -1;
    this.still = element("div", {});
    this.still.setAttribute("role", "img");
    this.oval = ovalOverlay();
    this.arrow = svgElement("path", {});
    this.sign = svgElement("svg", { class: "sign", viewBox: "0 0 100 100", "aria-hidden": "true" });
    this.sign.append(this.arrow);
    this.stage = element("div", { className: "stage" }, this.video, this.oval, this.sign, this.still);
    this.stage.setAttribute("part", "stage");
    this.words = element("p", { className: "words", tabIndex: -1 });
    this.words.setAttribute("role", "status");
    this.stepText = element("span", {});
    this.progress = element("progress", {});
    this.steps = element("label", { className: "steps" }, this.stepText, this.progress);
    this.consentText = element("p", {});
    const slot = element("slot", { name: "consent" }, this.consentText);
    slot.addEventListener("slotchange", onConsentText);
    this.consent = element("div", { className: "consent" }, slot);
    this.consent.setAttribute("part", "consent");
    this.buttons = element("div", { className: "buttons" });
    this.fileName = element("span", {});
    this.chooser = fileChooser(this.fileName, onFile);
    this.region = element("section", {}, this.consent, this.stage, this.steps, this.words);
    this.region.append(this.buttons, this.chooser);
    root.append(this.region);
  }

  /** @param {View} view */
  show({ says, tone = "calm", shows, buttons, file = false }) {
    const hadFocus = this.root.activeElement !== null;
    this.region.lang = this.messages.language;
    this.region.setAttribute("aria-label", this.messages.of(this.title));
    this.consent.hidden = shows !== "consent";
    this.stage.hidden = !shows || shows === "consent";
    this.video.hidden = shows !== "camera" && shows !== "session";
    this.sign.toggleAttribute("hidden", shows !== "session");
    this.steps.hidden = shows !== "session";
    this.stage.style.aspectRatio = shows === "session" ? aspectOf(this.video) : "";
    this.oval.toggleAttribute("hidden", shows !== "camera");
    this.still.hidden = shows !== "picture";
    this.words.hidden = !says;
    if (says) this.say(says, tone);
    const made = buttons.map(([message, act], place) => this.#button(message, act, place === 0 && shows !== "session"));
    this.buttons.replaceChildren(...made);
    this.fileName.textContent = this.messages.of("file");
    this.chooser.hidden = !file;
    // Who came here by keyboard or screen reader goes on where the new words are.
    if (hadFocus) (says ? this.words : (made[0] ?? this.words)).focus();
  }

  /**
   * What the person has to do now.
   *
   * @param {import("./session.js").Prompt} prompt
   * @param {string} sign of SIGNS
   */
  ask({ number, of }, sign) {
    const step = this.messages.of("session_step");
    this.stepText.textContent = step.replace("{number}", `${number}`).replace("{of}", `${of}`);
    Object.assign(this.progress, { max: of, value: number - 1 });
    this.arrow.setAttribute("d", SIGNS[sign] ?? "");
  }

  /**
   * @param {Message} message
   * @param {Tone} tone
   * @param {Message} [more] said behind it
   */
  say(message, tone, more) {
    this.region.dataset.tone = tone;
    const said = more ? [message, more] : [message];
    const sentence = said.map((it) => this.messages.of(it)).join(" ");
    if (this.words.textContent !== sentence) this.words.textContent = sentence;
  }

  /** @param {HTMLCanvasElement | null} picture */
  keep(picture) {
    this.still.setAttribute("aria-label", this.messages.of("alt"));
    this.still.replaceChildren(...(picture ? [picture] : []));
  }

  /**
   * @param {Message} message
   * @param {() => void} act
   * @param {boolean} first
   */
  #button(message, act, first) {
    const made = element("button", { type: "button", textContent: this.messages.of(message) });
    made.classList.toggle("first", first);
    made.setAttribute("part", first ? "button first" : "button");
    made.addEventListener("click", act);
    return made;
  }
}

/**
 * It is made once and stays: a phone's own camera hides the page, and then gives its picture here.
 *
 * @param {HTMLElement} name
 * @param {(file: File) => void} onFile
 */
function fileChooser(name, onFile) {
  const input = element("input", { type: "file", accept: "image/jpeg,image/png,image/webp" });
  input.setAttribute("capture", "user");
  input.addEventListener("change", () => {
    const file = input.files?.[0];
    if (file) onFile(file);
    input.value = "";
  });
  const label = element("label", { className: "file" }, name, input);
  label.setAttribute("part", "button");
  return label;
}

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Partial<HTMLElementTagNameMap[Tag]>} properties
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
function element(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

/** @param {HTMLVideoElement} video */
function aspectOf(video) {
  return `${video.videoWidth || 4} / ${video.videoHeight || 3}`;
}

function ovalOverlay() {
  const svg = svgElement("svg", { viewBox: "0 0 75 100", "aria-hidden": "true" });
  const hole = "M0 0H75V100H0Z M37.5 14A25 36 0 0 0 37.5 86A25 36 0 0 0 37.5 14Z";
  svg.append(
    svgElement("path", { class: "veil", d: hole, "fill-rule": "evenodd" }),
    svgElement("ellipse", { class: "oval", cx: "37.5", cy: "50", rx: "25", ry: "36" }),
  );
  return svg;
}

/**
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string>} attributes
 */
function svgElement(tag, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

// --- A session's prompts --------------------------------------------------------------------------

/** @type {Readonly<Record<string, {says: Message, sign: string, mirrored: string}>>} */
const PROMPTS = {
  look_ahead: { says: "look_ahead", sign: "ahead", mirrored: "ahead" },
  look_left: { says: "look_left", sign: "right", mirrored: "left" },
  look_right: { says: "look_right", sign: "left", mirrored: "right" },
  look_up: { says: "look_up", sign: "up", mirrored: "up" },
  come_closer: { says: "move_closer", sign: "closer", mirrored: "closer" },
};

/** Shows what the server of a session asks for. */
class SessionScreen {
  /**
   * @param {Screen} screen
   * @param {Camera} camera
   * @param {boolean} mirrored
   * @param {(kind: string) => View["buttons"]} buttonsOf
   */
  constructor(screen, camera, mirrored, buttonsOf) {
    this.screen = screen;
    this.camera = camera;
    this.mirrored = mirrored;
    this.buttonsOf = buttonsOf;
    /** @type {Message} */
    this.asked = "session_connecting";
    /** @type {Message} */
    this.hint = "good";
    this.hints = new Guidance((message) => this.#say(message));
  }

  /** @param {string} kind */
  begin(kind) {
    this.screen.show({ says: this.asked, shows: "session", buttons: this.buttonsOf(kind) });
  }

  /** @param {import("./session.js").Prompt} prompt */
  prompt(prompt) {
    const known = PROMPTS[prompt.prompt];
    if (!known) return;
    this.asked = known.says;
    this.screen.ask(prompt, this.mirrored ? known.mirrored : known.sign);
    this.#say(this.hint);
  }

  /** @param {string} guidance */
  guidance(guidance) {
    this.hint = SESSION_GUIDANCE[guidance] ?? "good";
  }

  /**
   * @param {number} longestPx
   * @param {number} quality
   */
  picture(longestPx, quality) {
    this.hints.hint(this.hint); // again and again: what is said too soon after another waits
    return this.camera.frame(longestPx, quality);
  }

  /** @param {Message} hint */
  #say(hint) {
    if (hint === "good") this.screen.say(this.asked, "calm");
    else this.screen.say(this.asked, "bad", hint);
  }
}

// --- The element ----------------------------------------------------------------------------------

const PICTURE_QUALITY = 0.92;
const BETWEEN_PICTURES_MS = 120;
// So many pictures in a row must be good, and the last of them is taken.
const GOOD_IN_A_ROW = 2;

/**
 * @typedef {object} Captured the detail of the event `perse-capture`
 * @property {Blob} picture JPEG without metadata
 * @property {number} width in pixels
 * @property {number} height in pixels
 * @property {"camera" | "file"} source
 * @property {boolean} assessed whether the detect endpoint found nothing to complain about
 * @property {{text: string, agreedAt: string}} consent what the person read, and when they agreed
 */

/**
 * Attributes: `consent` (or a slot of that name), `lang`, `detect-url`, `upload-to`,
 * `upload-field`, `facing`; `session`, `socket-url`. Property: `getToken`. Events, all of which
 * bubble: `perse-capture`, `perse-decline`, `perse-uploaded`, `perse-obstacle`, `perse-finished`,
 * `perse-unable`.
 */
export class PerseCapture extends HTMLElement {
  static observedAttributes = ["lang", "consent", "session"];

  /**
   * Gives the bearer token for an address, which is `detect-url` or `upload-to`, or "" for none.
   * Called again when it is refused. For a session's socket it gives the session's client token,
   * and is called once the camera is on.
   *
   * @type {((url: string) => string | Promise<string>) | null}
   */
  getToken = null;

  #screen;
  #camera;
  #run = new AbortController();
  /** @type {Map<string, string>} address -> token */
  #tokens = new Map();
  #asked = false;
  #begun = false; // a session that began is used up
  /** @type {{text: string, agreedAt: string} | null} */
  #consent = null;

  constructor() {
    super();
    this.#screen = new Screen(
      this.attachShadow({ mode: "open" }),
      (file) => void this.#choose(file),
      () => this.#asked || this.#ask(),
    );
    this.#camera = new Camera(this.#screen.video);
  }

  connectedCallback() {
    document.addEventListener("visibilitychange", this.#leave);
    addEventListener("pagehide", this.#forget);
    this.#ask();
  }

  disconnectedCallback() {
    document.removeEventListener("visibilitychange", this.#leave);
    removeEventListener("pagehide", this.#forget);
    this.#end();
    this.#consent = null;
  }

  attributeChangedCallback() {
    if (this.isConnected) this.#ask();
  }

  /** Ends what is going on, forgets every picture and asks for consent again. */
  reset() {
    this.#ask();
  }

  /** Whoever looks away from the page is not filmed. */
  #leave = () => {
    if (document.visibilityState === "visible" || !this.#camera.stream) return;
    this.#meet(new Obstacle("camera_lost"));
  };

  #forget = () => this.#ask();

  /** Stops whatever runs, switches the camera off and keeps nothing; gives the next run's signal. */
  #end() {
    this.#run.abort();
    this.#run = new AbortController();
    this.#camera.stop();
    this.#screen.keep(null);
    return this.#run.signal;
  }

  #ask() {
    this.#end();
    this.#consent = null;
    this.#begun = false;
    this.#screen.title = this.#isSession ? "session_region" : "region";
    const nearest = /** @type {HTMLElement | null} */ (this.closest("[lang]"))?.lang;
    this.#screen.messages = new Messages([...(nearest ? [nearest] : []), ...navigator.languages]);
    this.#screen.consentText.textContent = this.getAttribute("consent") ?? "";
    this.#asked = this.#consentText() !== "";
    if (!this.#asked) return this.#screen.show({ says: "no_consent", tone: "bad", buttons: [] });
    this.#screen.show({
      shows: "consent",
      buttons: [
        ["agree", () => this.#agree()],
        ["decline", () => this.#decline()],
      ],
    });
  }

  #consentText() {
    const given = [...this.children].filter((child) => child.slot === "consent");
    const texts = given.length > 0 ? given.map((child) => child.textContent) : [this.getAttribute("consent")];
    return texts.join("\n").trim();
  }

  #agree() {
    this.#consent = { text: this.#consentText(), agreedAt: new Date().toISOString() };
    this.#start();
  }

  get #isSession() {
    return this.hasAttribute("session");
  }

  #start() {
    void (this.#isSession ? this.#hold() : this.#film());
  }

  #decline() {
    this.#end();
    this.#screen.show({ says: "declined", buttons: [["reconsider", () => this.#ask()]] });
    this.#tell("perse-decline", {});
  }

  /** @returns {Assessor} */
  #assessor() {
    const url = this.getAttribute("detect-url");
    return url ? new ServerAssessor(url, this.#headersOf) : new DeviceAssessor();
  }

  async #film() {
    const signal = this.#end();
    const assessor = this.#assessor();
    const [screen, camera] = [this.#screen, this.#camera];
    screen.video.classList.toggle("mirrored", this.#facing() === "user");
    screen.show({ says: "starting", shows: "camera", buttons: [], file: true });
    try {
      await camera.start(this.#facing(), signal, () => this.#meet(new Obstacle("camera_lost")));
      if (signal.aborted) return;
      if (assessor.seesFaces) await this.#waitForGood(assessor, signal);
      else await this.#watchUntilTaken(assessor, signal);
    } catch (error) {
      if (!signal.aborted) this.#meet(error);
    }
  }

  /** A liveness session: the server says what the person has to do. */
  async #hold() {
    const signal = this.#end();
    const mirrored = this.#facing() === "user";
    this.#screen.video.classList.toggle("mirrored", mirrored);
    this.#screen.show({ says: "starting", shows: "session", buttons: [] });
    try {
      await this.#camera.start(this.#facing(), signal, () => this.#meet(new Obstacle("camera_lost")));
      if (signal.aborted) return;
      this.#begun = true;
      const url = this.getAttribute("socket-url") ?? defaultSocketUrl();
      const token = (await this.getToken?.(url)) ?? "";
      if (signal.aborted) return;
      const line = new SessionLine(url, token);
      signal.addEventListener("abort", () => line.close(), { once: true });
      const buttons = (/** @type {string} */ kind) => this.#sessionButtons(line, kind);
      await line.run(new SessionScreen(this.#screen, this.#camera, mirrored, buttons));
      if (!signal.aborted) this.#conclude("session_done", "good", "perse-finished");
    } catch (error) {
      if (!signal.aborted) this.#meet(error);
    }
  }

  /**
   * @param {SessionLine} line
   * @param {string} kind
   * @returns {View["buttons"]}
   */
  #sessionButtons(line, kind) {
    const stop = () => {
      line.giveUp("cancel");
      this.#conclude("session_given_up", "calm", "perse-finished");
    };
    const decline = () => {
      line.giveUp("unable");
      this.#conclude("session_other_way", "calm", "perse-unable");
    };
    /** @type {View["buttons"]} */
    const buttons = [["session_give_up", stop]];
    if (kind !== "passive") buttons.push(["session_unable", decline]);
    return buttons;
  }

  /**
   * @param {Message} says
   * @param {Tone} tone
   * @param {string} event
   */
  #conclude(says, tone, event) {
    this.#end();
    this.#screen.show({ says, tone, buttons: [] });
    this.#tell(event, {});
  }

  /**
   * Takes the picture by itself.
   *
   * @param {Assessor} assessor
   * @param {AbortSignal} signal
   */
  async #waitForGood(assessor, signal) {
    const guidance = new Guidance((message, tone) => this.#screen.say(message, tone));
    this.#screen.show({ says: "looking", shows: "camera", buttons: [], file: true });
    for (let good = 0; ; ) {
      const picture = this.#camera.picture();
      const { says, waitMs = BETWEEN_PICTURES_MS } = await assessor.assess(picture, true, signal);
      if (signal.aborted) return;
      guidance.hint(says);
      good = says === "good" ? good + 1 : 0;
      if (good === GOOD_IN_A_ROW) return this.#review(picture, "camera", true);
      await pause(waitMs, signal);
      if (signal.aborted) return;
    }
  }

  /**
   * The person takes the picture, as soon as there is light and focus.
   *
   * @param {Assessor} assessor
   * @param {AbortSignal} signal
   */
  async #watchUntilTaken(assessor, signal) {
    const guidance = new Guidance((message, tone) => this.#screen.say(message, tone));
    const take = () => void this.#review(this.#camera.picture(), "camera", false);
    this.#screen.show({ says: "unchecked", shows: "camera", buttons: [["take", take]], file: true });
    const button = this.#screen.buttons.querySelector("button");
    while (!signal.aborted) {
      const { says } = await assessor.assess(this.#camera.picture(), true, signal);
      guidance.hint(says === "good" ? "unchecked" : says);
      if (button) button.disabled = says !== "good";
      await pause(BETWEEN_PICTURES_MS, signal);
    }
  }

  /** @param {File} file */
  async #choose(file) {
    // Whoever agreed may have taken it back while the file was looked for.
    if (!this.#consent) return;
    const signal = this.#end();
    this.#screen.show({ says: "checking", buttons: [] });
    try {
      const picture = await pictureOf(file);
      const assessor = this.#assessor();
      const { says } = assessor.seesFaces
        ? await assessor.assess(picture, false, signal)
        : { says: /** @type {const} */ ("good") };
      if (signal.aborted) return;
      if (says !== "good") throw new Obstacle(says);
      await this.#review(picture, "file", assessor.seesFaces);
    } catch (error) {
      if (!signal.aborted) this.#meet(error);
    }
  }

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {"camera" | "file"} source
   * @param {boolean} assessed
   */
  async #review(canvas, source, assessed) {
    const signal = this.#end();
    const picture = await jpegOf(canvas, PICTURE_QUALITY).catch((error) => this.#meet(error));
    if (!picture || signal.aborted || !this.#consent) return;
    const { width, height } = canvas;
    const captured = { picture, width, height, source, assessed, consent: this.#consent };
    this.#screen.keep(canvas);
    this.#screen.show({
      says: "review",
      shows: "picture",
      buttons: [
        ["use", () => this.#handOver(captured)],
        ["another", () => void this.#film()],
      ],
      file: true,
    });
  }

  /** @param {Captured} captured */
  #handOver(captured) {
    const signal = this.#end();
    this.#tell("perse-capture", captured);
    if (signal.aborted) return; // the page has gone on already
    const url = this.getAttribute("upload-to");
    if (url) void this.#upload(captured, url);
    else this.#finish();
  }

  #finish() {
    this.#screen.show({ says: "done", tone: "good", buttons: [["another", () => this.#ask()]] });
  }

  /**
   * @param {Captured} captured
   * @param {string} url
   */
  async #upload(captured, url) {
    const signal = this.#end();
    this.#screen.show({ says: "sending", buttons: [] });
    const form = formOf(this.getAttribute("upload-field") ?? "image_file", captured.picture);
    const response = await sent(url, form, this.#headersOf, signal);
    if (signal.aborted) return;
    if (response) this.#tell("perse-uploaded", { response });
    if (response?.ok) return this.#finish();
    this.#screen.show({
      says: "unsent",
      tone: "bad",
      buttons: [
        ["retry", () => void this.#upload(captured, url)],
        ["another", () => void this.#film()],
      ],
    });
  }

  /** @param {unknown} error */
  #meet(error) {
    this.#end();
    const known = error instanceof Obstacle || error instanceof SessionOver;
    if (error instanceof SessionOver) this.#begun = error.begun;
    const says = this.#wordsFor(known ? error.says : "service");
    /** @type {View["buttons"]} */
    const buttons = this.#begun ? [] : [["retry", () => this.#start()]];
    this.#screen.show({ says, tone: "bad", buttons, file: !this.#isSession });
    this.#tell("perse-obstacle", { reason: says });
  }

  /**
   * @param {Message} obstacle
   * @returns {Message}
   */
  #wordsFor(obstacle) {
    if (this.#begun && obstacle === "camera_lost") return "session_left";
    return this.#isSession ? (IN_SESSION[obstacle] ?? obstacle) : obstacle;
  }

  #facing() {
    return this.getAttribute("facing") ?? "user";
  }

  /** @type {HeadersOf} */
  #headersOf = async (url, renew) => {
    if (this.getToken && (renew || !this.#tokens.has(url))) {
      this.#tokens.set(url, await this.getToken(url));
    }
    const token = this.#tokens.get(url);
    return token ? { Authorization: `Bearer ${token}` } : new Headers();
  };

  /**
   * @param {string} name
   * @param {object} detail
   */
  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  }
}

if (!customElements.get("perse-capture")) customElements.define("perse-capture", PerseCapture);
