/**
 * Dictation: what is said becomes text in the message box. The application's own transcription is
 * used where there is one, else the browser's speech recognition.
 */

const LONGEST_MS = 5 * 60 * 1000;
const TYPES = ["audio/webm;codecs=opus", "audio/ogg;codecs=opus", "audio/mp4"]; // that the protocol knows

/** @param {Blob} blob @returns {Promise<string>} */
function asBase64(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(String(reader.result).split(",")[1]));
    reader.addEventListener("error", () => reject(reader.error));
    reader.readAsDataURL(blob);
  });
}

/** @param {(recording: { audio_base64: string, mime_type: string }) => Promise<string>} transcribe */
function recorder(transcribe) {
  if (!navigator.mediaDevices || typeof MediaRecorder === "undefined") return null;
  const mime_type = TYPES.find((type) => MediaRecorder.isTypeSupported(type));
  if (!mime_type) return null;

  /** @param {(text: string) => void} onText @param {(error?: any) => void} onEnd @returns {Promise<() => void>} */
  return async (onText, onEnd) => {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    const recording = new MediaRecorder(stream, { mimeType: mime_type });
    /** @type {Blob[]} */
    const parts = [];
    recording.addEventListener("dataavailable", ({ data }) => parts.push(data));
    recording.addEventListener("stop", async () => {
      for (const track of stream.getTracks()) track.stop();
      try {
        onText(await transcribe({ audio_base64: await asBase64(new Blob(parts, { type: mime_type })), mime_type }));
        onEnd();
      } catch (error) {
        onEnd(error);
      }
    });
    recording.start();
    return () => recording.state === "recording" && recording.stop();
  };
}

/** @param {string} language */
function recognizer(language) {
  const Recognition =
    /** @type {any} */ (globalThis).SpeechRecognition ?? /** @type {any} */ (globalThis).webkitSpeechRecognition;
  if (!Recognition) return null;

  /** @param {(text: string) => void} onText @param {(error?: any) => void} onEnd @returns {Promise<() => void>} */
  return async (onText, onEnd) => {
    const recognition = new Recognition();
    recognition.lang = language;
    recognition.continuous = true;
    /** @type {any} */
    let failure;
    recognition.addEventListener("result", (/** @type {any} */ { results, resultIndex }) => {
      for (const result of [...results].slice(resultIndex)) if (result.isFinal) onText(result[0].transcript);
    });
    recognition.addEventListener("error", (/** @type {any} */ { error }) => {
      if (error !== "no-speech" && error !== "aborted") failure = new DOMException("", "NotAllowedError");
    });
    recognition.addEventListener("end", () => onEnd(failure));
    recognition.start();
    return () => recognition.stop();
  };
}

/**
 * @param {object} options
 * @param {import("./dom.js").Dom} options.dom
 * @param {Record<string, string>} options.strings
 * @param {string} options.language
 * @param {((recording: { audio_base64: string, mime_type: string }) => Promise<string>) | null} options.transcribe
 *   null: the application has none
 * @param {(text: string) => void} options.onText
 * @param {(message: string) => void} options.announce
 * @param {(error: any) => void} options.onError
 * @param {new (message: string) => Error} options.Refused an error for people
 */
export function createDictation({ dom, strings, language, transcribe, onText, announce, onError, Refused }) {
  const button = dom.$("dictate");
  const begin = transcribe ? recorder(transcribe) : recognizer(language);
  /** @type {(() => void) | null} ends it; null: nobody is listening */
  let end = null;
  let isBusy = false; // until the text is there
  /** @type {ReturnType<typeof setTimeout>} */
  let timer;

  function draw() {
    const label = end ? strings.stopDictating : strings.dictate;
    button.setAttribute("aria-label", label);
    button.title = label;
    button.setAttribute("aria-pressed", String(Boolean(end)));
    button.setAttribute("aria-busy", String(isBusy && !end));
  }

  function stop() {
    clearTimeout(timer);
    end?.();
    end = null;
    draw();
  }

  /** @param {any} [error] */
  function ended(error) {
    clearTimeout(timer);
    end = null;
    isBusy = false;
    draw();
    if (!error) return;
    const isForbidden = error.name === "NotAllowedError" || error.name === "NotFoundError";
    onError(isForbidden ? new Refused(strings.noMicrophone) : error);
  }

  async function start() {
    isBusy = true;
    try {
      end = await begin(onText, ended);
      timer = setTimeout(stop, LONGEST_MS);
      announce(strings.listening);
      draw();
    } catch (error) {
      ended(error);
    }
  }

  /** Begin to listen, or end. */
  return () => {
    if (end) stop();
    else if (!isBusy) start();
  };
}
