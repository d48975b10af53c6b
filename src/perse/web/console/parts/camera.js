/** The camera of this device. */

/** A camera that shows itself in a video element, and stops with it. */
export class Camera {
  /**
   * @param {MediaStream} stream
   * @param {HTMLVideoElement} video
   */
  constructor(stream, video) {
    this.stream = stream;
    this.video = video;
  }

  /**
   * Asks for the camera and shows it. Throws DOMException where there is none, or none allowed.
   * @param {HTMLVideoElement} video
   */
  static async open(video) {
    if (!navigator.mediaDevices) throw new DOMException("", "SecurityError");
    const wanted = { facingMode: "user", width: { ideal: 1280 }, height: { ideal: 720 } };
    const stream = await navigator.mediaDevices.getUserMedia({ video: wanted });
    const camera = new Camera(stream, video);
    try {
      video.srcObject = stream;
      await video.play();
    } catch (error) {
      camera.close();
      throw error;
    }
    return camera;
  }

  /**
   * The picture of this moment as a JPEG.
   * @param {number} longest side in pixels
   * @returns {Promise<Blob>}
   */
  picture(longest) {
    const { videoWidth: width, videoHeight: height } = this.video;
    const scale = Math.min(1, longest / Math.max(width, height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(width * scale));
    canvas.height = Math.max(1, Math.round(height * scale));
    canvas.getContext("2d")?.drawImage(this.video, 0, 0, canvas.width, canvas.height);
    return new Promise((resolve, reject) => {
      const done = (/** @type {Blob | null} */ blob) =>
        blob ? resolve(blob) : reject(new DOMException("", "EncodingError"));
      canvas.toBlob(done, "image/jpeg", 0.9);
    });
  }

  close() {
    for (const track of this.stream.getTracks()) track.stop();
    this.video.srcObject = null;
  }
}
