/** The microphone of this device, as a WAV file: what the API takes. */

const RATE_HZ = 16000;

/** A recording that goes on until it is stopped. */
export class Recorder {
  /** @type {Float32Array[]} */
  #heard = [];

  /**
   * @param {MediaStream} stream
   * @param {AudioContext} context
   */
  constructor(stream, context) {
    this.stream = stream;
    this.context = context;
  }

  /** Asks for the microphone and listens. Throws DOMException where there is none, or none allowed. */
  static async start() {
    if (!navigator.mediaDevices) throw new DOMException("", "SecurityError");
    // What calls do to voices is not done here: it takes away what tells people apart.
    const plain = { echoCancellation: false, noiseSuppression: false, autoGainControl: true };
    const stream = await navigator.mediaDevices.getUserMedia({ audio: plain });
    const recorder = new Recorder(stream, new AudioContext({ sampleRate: RATE_HZ }));
    try {
      await recorder.#listen();
    } catch (error) {
      recorder.close();
      throw error;
    }
    return recorder;
  }

  async #listen() {
    await this.context.audioWorklet.addModule(new URL("pcm-worklet.js", import.meta.url));
    const samples = new AudioWorkletNode(this.context, "samples", { numberOfOutputs: 0 });
    samples.port.onmessage = ({ data }) => this.#heard.push(data);
    this.context.createMediaStreamSource(this.stream).connect(samples);
  }

  /** Seconds so far. */
  get seconds() {
    return this.#heard.reduce((sum, part) => sum + part.length, 0) / this.context.sampleRate;
  }

  /** Stops, and gives what was heard. */
  stop() {
    this.close();
    return wavOf(this.#heard, this.context.sampleRate);
  }

  close() {
    for (const track of this.stream.getTracks()) track.stop();
    if (this.context.state !== "closed") this.context.close();
  }
}

/**
 * One channel of 16 bits (RIFF WAVE, format 1).
 * @param {Float32Array[]} parts in -1..1
 * @param {number} rate in Hz
 */
function wavOf(parts, rate) {
  const samples = parts.flatMap((part) => Array.from(part));
  const data = new DataView(new ArrayBuffer(44 + 2 * samples.length));
  const text = (/** @type {number} */ at, /** @type {string} */ words) =>
    [...words].forEach((letter, nth) => data.setUint8(at + nth, letter.charCodeAt(0)));
  text(0, "RIFF");
  data.setUint32(4, 36 + 2 * samples.length, true);
  text(8, "WAVEfmt ");
  data.setUint32(16, 16, true);
  data.setUint16(20, 1, true);
  data.setUint16(22, 1, true);
  data.setUint32(24, rate, true);
  data.setUint32(28, 2 * rate, true);
  data.setUint16(32, 2, true);
  data.setUint16(34, 16, true);
  text(36, "data");
  data.setUint32(40, 2 * samples.length, true);
  samples.forEach((sample, nth) =>
    data.setInt16(44 + 2 * nth, Math.round(Math.max(-1, Math.min(1, sample)) * 32767), true));
  return new Blob([data], { type: "audio/wav" });
}
