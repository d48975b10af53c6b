/**
 * A liveness session as the person sees it: what is said, and the line to the server.
 * <perse-capture session> shows it; docs/liveness-sessions.md has the protocol.
 */

// --- What is said -------------------------------------------------------------------------------

export const SESSION_WORDS = {
  en: {
    session_region: "Show that you are there",
    session_connecting: "The session is starting …",
    session_step: "Step {number} of {of}",
    session_give_up: "Stop",
    session_unable: "I cannot do this movement",
    session_centre: "Move your face into the middle of the picture.",
    look_ahead: "Look straight into the camera and hold still.",
    look_left: "Turn your head to your left.",
    look_right: "Turn your head to your right.",
    look_up: "Lift your chin and look up.",
    move_closer: "Move your face nearer to the camera.",
    session_done: "Thank you. It is over, and the camera is off. You can close this page.",
    session_given_up: "You stopped it, and the camera is off. To try again, ask for a new session.",
    session_other_way:
      "It was stopped, and the camera is off. Ask for a session without movements: there you only look into the camera.",
    session_refused: "The session could not be opened. It has expired, or it is not for this page. Ask for a new one.",
    session_used: "This session was used before, or was withdrawn. Each one works once: ask for a new one.",
    session_locked: "There were too many attempts. Wait some minutes, then ask for a new session.",
    session_busy: "Too many people are doing this at the moment. Wait a little, then try again.",
    session_lost: "The connection was lost, and the session ended with it. It cannot go on: ask for a new one.",
    session_left: "The camera was stopped, and the session ended with it. It cannot go on: ask for a new one.",
    session_service: "The server could not go on. Ask for a new session in a moment.",
    session_camera_refused: "The camera may not be used. Allow it in your browser's settings for this page, then try again.",
    session_no_camera: "No camera was found. Connect one, then try again, or use another device.",
    session_insecure: "A camera can only be used on a secure page (https).",
  },
  pt: {
    session_region: "Mostrar que você está presente",
    session_connecting: "A sessão está começando …",
    session_step: "Passo {number} de {of}",
    session_give_up: "Parar",
    session_unable: "Não consigo fazer este movimento",
    session_centre: "Leve o rosto para o meio da imagem.",
    look_ahead: "Olhe de frente para a câmera e fique parado.",
    look_left: "Vire a cabeça para a sua esquerda.",
    look_right: "Vire a cabeça para a sua direita.",
    look_up: "Levante o queixo e olhe para cima.",
    move_closer: "Aproxime o rosto da câmera.",
    session_done: "Obrigado. Terminou, e a câmera está desligada. Você pode fechar esta página.",
    session_given_up: "Você parou, e a câmera está desligada. Para tentar de novo, peça uma nova sessão.",
    session_other_way:
      "A sessão parou, e a câmera está desligada. Peça uma sessão sem movimentos: nela basta olhar para a câmera.",
    session_refused: "Não foi possível abrir a sessão. Ela venceu ou não é para esta página. Peça uma nova.",
    session_used: "Esta sessão já foi usada ou foi retirada. Cada uma vale uma vez: peça uma nova.",
    session_locked: "Houve tentativas demais. Aguarde alguns minutos e peça uma nova sessão.",
    session_busy: "Há gente demais fazendo isto neste momento. Aguarde um pouco e tente de novo.",
    session_lost: "A conexão caiu e a sessão terminou com ela. Não é possível continuar: peça uma nova.",
    session_left: "A câmera foi desligada e a sessão terminou com ela. Não é possível continuar: peça uma nova.",
    session_service: "O servidor não pôde continuar. Peça uma nova sessão daqui a pouco.",
    session_camera_refused: "A câmera não pode ser usada. Permita-a nas configurações do navegador para esta página e tente de novo.",
    session_no_camera: "Nenhuma câmera foi encontrada. Conecte uma e tente de novo, ou use outro aparelho.",
    session_insecure: "A câmera só funciona em uma página segura (https).",
  },
  es: {
    session_region: "Mostrar que usted está presente",
    session_connecting: "La sesión está empezando …",
    session_step: "Paso {number} de {of}",
    session_give_up: "Parar",
    session_unable: "No puedo hacer este movimiento",
    session_centre: "Lleve la cara al centro de la imagen.",
    look_ahead: "Mire de frente a la cámara y no se mueva.",
    look_left: "Gire la cabeza hacia su izquierda.",
    look_right: "Gire la cabeza hacia su derecha.",
    look_up: "Levante la barbilla y mire hacia arriba.",
    move_closer: "Acerque la cara a la cámara.",
    session_done: "Gracias. Ha terminado y la cámara está apagada. Puede cerrar esta página.",
    session_given_up: "La ha parado y la cámara está apagada. Para intentarlo de nuevo, pida una sesión nueva.",
    session_other_way:
      "La sesión se ha parado y la cámara está apagada. Pida una sesión sin movimientos: en ella solo se mira a la cámara.",
    session_refused: "No se ha podido abrir la sesión. Ha caducado o no es para esta página. Pida una nueva.",
    session_used: "Esta sesión ya se usó o se retiró. Cada una vale una vez: pida una nueva.",
    session_locked: "Ha habido demasiados intentos. Espere unos minutos y pida una sesión nueva.",
    session_busy: "Hay demasiadas personas haciendo esto en este momento. Espere un poco e inténtelo de nuevo.",
    session_lost: "Se ha perdido la conexión y la sesión ha terminado con ella. No puede continuar: pida una nueva.",
    session_left: "La cámara se ha apagado y la sesión ha terminado con ella. No puede continuar: pida una nueva.",
    session_service: "El servidor no ha podido continuar. Pida una sesión nueva dentro de un momento.",
    session_camera_refused: "No se puede usar la cámara. Permítala en los ajustes del navegador para esta página e inténtelo de nuevo.",
    session_no_camera: "No se ha encontrado ninguna cámara. Conecte una e inténtelo de nuevo, o use otro aparato.",
    session_insecure: "La cámara solo se puede usar en una página segura (https).",
  },
};

/** @typedef {keyof typeof SESSION_WORDS.en} SessionMessage */

// --- The line -----------------------------------------------------------------------------------

const SUBPROTOCOL = "perse.liveness.v1";
const FRAME_QUALITY = 0.85;
const HEAD_BYTES = 8;
/** @type {Readonly<Record<string, SessionMessage>>} */
const REASONS = { unauthorized: "session_used", rate_limited: "session_locked" };

/** The session cannot go on: `says` is why. `begun`: whether it is used up. */
export class SessionOver extends Error {
  /**
   * @param {SessionMessage} says
   * @param {boolean} begun
   */
  constructor(says, begun = true) {
    super(says);
    this.says = says;
    this.begun = begun;
  }
}

/**
 * @typedef {{per_s: number, width_px: number, height_px: number, max_bytes: number}} Wanted
 * @typedef {{prompt: string, number: number, of: number}} Prompt
 * @typedef {{type?: string, code?: string, kind: string, guidance: string, per_s: number, frames: Wanted} & Prompt} Heard
 *   a message of the server
 */
/**
 * @typedef {object} Showing how a session is shown
 * @property {(kind: string) => void} begin
 * @property {(prompt: Prompt) => void} prompt
 * @property {(guidance: string) => void} guidance
 * @property {(longestPx: number, quality: number) => Promise<Blob>} picture of now, as a JPEG
 */

/** The server's socket, beside this module, wherever a page has it from. */
export function defaultSocketUrl() {
  const url = new URL("../v1/liveness/socket", import.meta.url);
  return url.href.replace(/^http/, "ws");
}

/** One session with the server, from its opening to its end. It is used up by being opened. */
export class SessionLine {
  #ended = new AbortController();
  /** @type {WebSocket} */
  #socket;

  /**
   * Throws SessionOver for what cannot be a token.
   *
   * @param {string} url of the WebSocket
   * @param {string} token
   */
  constructor(url, token) {
    try {
      this.#socket = new WebSocket(url, [SUBPROTOCOL, `token.${token}`]);
    } catch {
      throw new SessionOver("session_refused");
    }
  }

  /**
   * Resolves when the server says that it is over; throws SessionOver.
   *
   * @param {Showing} showing
   * @returns {Promise<void>}
   */
  run(showing) {
    const socket = this.#socket;
    return new Promise((resolve, reject) => {
      let [opened, filming] = [false, false];
      /** @type {Wanted} */
      let wanted;
      socket.onopen = () => (opened = true);
      socket.onclose = () => {
        this.#ended.abort();
        reject(new SessionOver(opened ? "session_lost" : "session_refused"));
      };
      socket.onmessage = ({ data }) => {
        const heard = /** @type {Heard} */ (JSON.parse(data));
        if (heard.code) reject(wanted ? endOf(heard.code) : refusalOf(heard.code));
        if (heard.type === "finished") resolve();
        if (heard.type === "guidance") showing.guidance(heard.guidance);
        if (heard.type === "pace") wanted.per_s = heard.per_s;
        if (heard.type === "ready") {
          wanted = heard.frames;
          showing.begin(heard.kind);
        }
        if (heard.type !== "prompt") return;
        showing.prompt(heard);
        if (!filming) this.#film(wanted, showing).catch(reject);
        filming = true;
      };
    });
  }

  /**
   * The person does not go on, or cannot do what is asked.
   *
   * @param {"cancel" | "unable"} type
   */
  giveUp(type) {
    this.#send(JSON.stringify({ type }));
  }

  close() {
    this.#ended.abort();
    this.#socket.close();
  }

  /** @param {string | Uint8Array<ArrayBuffer>} message */
  #send(message) {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(message);
  }

  /**
   * Sends pictures until the end. One that would have to wait for the network is not taken: the
   * next one is newer.
   *
   * @param {Wanted} wanted
   * @param {Showing} showing
   */
  async #film(wanted, showing) {
    const longestPx = Math.max(wanted.width_px, wanted.height_px);
    let quality = FRAME_QUALITY;
    while (!this.#ended.signal.aborted) {
      const due = new Promise((resolve) => setTimeout(resolve, 1000 / wanted.per_s));
      if (this.#socket.bufferedAmount === 0) {
        const takenMs = performance.now();
        const jpeg = await showing.picture(longestPx, quality);
        if (jpeg.size > wanted.max_bytes) quality *= 0.8;
        else this.#send(frameOf(takenMs, await jpeg.arrayBuffer()));
      }
      await due;
    }
  }
}

/** @param {string} code of an error, once the session has begun */
function endOf(code) {
  return new SessionOver(REASONS[code] ?? "session_service");
}

/** @param {string} code of an error, before that */
function refusalOf(code) {
  return code === "overloaded" ? new SessionOver("session_busy", false) : endOf(code);
}

/**
 * @param {number} takenMs on this page's own clock
 * @param {ArrayBuffer} jpeg
 */
function frameOf(takenMs, jpeg) {
  const message = new Uint8Array(HEAD_BYTES + jpeg.byteLength);
  new DataView(message.buffer).setFloat64(0, takenMs);
  message.set(new Uint8Array(jpeg), HEAD_BYTES);
  return message;
}
