/** Hands the sound of the microphone on, as it comes. Runs on the audio thread. */

/** @type {any} */
const scope = globalThis;

class Samples extends scope.AudioWorkletProcessor {
  /** @param {Float32Array[][]} inputs */
  process(inputs) {
    const channel = inputs[0]?.[0];
    if (channel) this.port.postMessage(channel.slice());
    return true;
  }
}

scope.registerProcessor("samples", Samples);
