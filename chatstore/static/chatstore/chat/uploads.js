/**
 * Files that are chosen, pasted or dropped, and their way to the server.
 *
 * @typedef {{ file: { name: string, type: string, size: number }, controller: AbortController, node?: any, id?: string, answer?: any }} Attachment
 */

/** @param {string} accept as of a file input @param {File} file */
export function isAccepted(accept, file) {
  // A type that the browser can't tell (which knows fewer than the server) is the server's to refuse.
  if (!accept || (!file.type && file.name.includes("."))) return true;
  return accept.split(",").some((rule) => {
    const want = rule.trim().toLowerCase();
    if (want.startsWith(".")) return file.name.toLowerCase().endsWith(want);
    return want.endsWith("/*") ? file.type.startsWith(want.slice(0, -1)) : file.type === want;
  });
}

/** Spreadsheets and word processors copy text together with a picture of it. A file that is copied has
 * its name as text, a picture only HTML. @param {DataTransfer} data */
export function isPictureOfText(data) {
  const isText = ["text/plain", "text/html"].every((type) => data.getData(type).trim());
  return isText && [...data.files].every(({ type }) => type.startsWith("image/"));
}

/**
 * @param {object} options
 * @param {import("./dom.js").Dom} options.dom
 * @param {import("./text.js").Text} options.text
 * @param {DOMStringMap} options.config the template's
 * @param {import("./composer.js").Composer} options.composer
 * @param {typeof import("./protocol.js")} options.protocol its errors
 * @param {import("./protocol.js").Protocol["call"]} options.call
 * @param {(message: string) => void} options.announce
 * @param {import("./alerts.js").Alerts["showError"]} options.onError
 */
export function createUploads({ dom, text, config, composer, protocol, call, announce, onError }) {
  const { $, el } = dom;
  const { strings, say } = text;
  const { Refused, Unreachable } = protocol;

  /** @param {Iterable<File>} files */
  function attach(files) {
    const most = Number(config.maxAttachments);
    const largest = Number(config.maxUploadBytes);
    for (const file of files) {
      if (most && composer.attachmentCount() >= most) {
        onError(new Refused(text.sayCount("tooMany", most)));
        return;
      }
      if (largest && file.size > largest) {
        onError(new Refused(say("tooLarge", { name: file.name, size: text.size(largest) })));
      } else if (!isAccepted(config.accept, file)) {
        onError(new Refused(say("wrongType", { name: file.name, types: config.uploadTypes })));
      } else upload(file);
    }
  }

  /** @param {File} file @param {HTMLElement} frame */
  async function drawThumbnail(file, frame) {
    if (!file.type.startsWith("image/")) return;
    try {
      const bitmap = await createImageBitmap(file, { resizeHeight: 96, resizeQuality: "medium" });
      const canvas = el("canvas", { width: bitmap.width, height: bitmap.height });
      canvas.getContext("2d").drawImage(bitmap, 0, 0);
      frame.replaceChildren(canvas);
    } catch {
      // Not a picture that this browser can show: the icon stays.
    }
  }

  /** @param {Attachment} attachment @param {HTMLElement | null} bar */
  function drawAttachment(attachment, bar) {
    const { file } = attachment;
    const picture = el("span", { class: "picture" }, dom.icon("document"));
    const remove = dom.iconButton("close", say("remove", { name: file.name }), () => {
      attachment.controller.abort();
      composer.detach(attachment);
      if (attachment.id) call("attachments.delete", { attachment_id: attachment.id }).catch(() => {});
      composer.focus();
    });
    const size = file.size && el("small", { text: text.size(file.size) });
    const words = [el("bdi", { text: file.name }), size, bar];
    if (file instanceof File) drawThumbnail(file, picture);
    return el("li", { class: "upload" }, picture, el("span", { class: "upload-text" }, ...words), remove);
  }

  /** A file that is on the server already, as the protocol has it. @param {any} answer @returns {Attachment} */
  function held(answer) {
    const file = { name: answer.name, type: answer.mime_type, size: 0 };
    /** @type {Attachment} */
    const attachment = { file, controller: new AbortController(), id: answer.id, answer };
    attachment.node = drawAttachment(attachment, null);
    return attachment;
  }

  /** @param {File} file */
  async function upload(file) {
    const bar = el("progress", { max: 1, value: 0, "aria-label": say("uploading", { name: file.name }) });
    /** @type {Attachment} */
    const attachment = { file, controller: new AbortController() };
    attachment.node = drawAttachment(attachment, bar);
    composer.attach(attachment);
    try {
      attachment.answer = await transfer(file, bar, attachment.controller.signal);
      attachment.id = attachment.answer.id;
      attachment.node.classList.add("done");
      announce(say("uploaded", { name: file.name }));
    } catch (error) {
      if (error.name === "AbortError") return;
      composer.detach(attachment);
      // A file that was refused will be refused again, but for one that came too soon.
      const mayRetry = !(error.status < 500) || error.status === 429;
      const said = new Refused(say("fileRefused", { name: file.name, reason: error.message }), error.status);
      said.waitMs = error.waitMs;
      onError(said, mayRetry && (() => upload(file)));
    }
    composer.uploaded();
  }

  /** Both of ChatKit's ways: straight to a URL of the page's own, or to one that the server names.
   * @param {File} file @param {any} bar @param {AbortSignal} signal */
  async function transfer(file, bar, signal) {
    if (config.uploadStrategy === "two_phase") {
      const type = file.type || "application/octet-stream";
      const asked = { name: file.name, size: file.size, mime_type: type };
      const { upload_descriptor: target, ...attachment } = await call("attachments.create", asked);
      await sendBytes(target.method, target.url, { "Content-Type": type, ...target.headers }, file, bar, signal);
      return attachment;
    }
    const body = new FormData();
    body.append("file", file);
    return JSON.parse(
      await sendBytes("POST", config.uploadUrl, { "X-CSRFToken": config.csrfToken }, body, bar, signal),
    );
  }

  /** XMLHttpRequest, because fetch can't tell how far an upload is.
   * @param {string} method @param {string} url @param {Record<string, string>} headers
   * @param {XMLHttpRequestBodyInit} body @param {any} bar @param {AbortSignal} signal
   * @returns {Promise<string>} */
  function sendBytes(method, url, headers, body, bar, signal) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open(method, url);
      for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
      request.upload.addEventListener("progress", ({ loaded, total }) => {
        bar.value = total ? loaded / total : 0;
      });
      request.addEventListener("load", () => {
        if (request.status < 300) return resolve(request.responseText);
        let sentence = strings.uploadFailed;
        try {
          sentence = JSON.parse(request.responseText).error ?? sentence;
        } catch {
          // A storage's own answer, or a proxy's: not for people.
        }
        return reject(new Refused(sentence, request.status, request.getResponseHeader("Retry-After")));
      });
      request.addEventListener("error", () => reject(new Unreachable(strings.unreachable)));
      signal.addEventListener("abort", () => {
        request.abort();
        reject(new DOMException("", "AbortError"));
      });
      request.send(body);
    });
  }

  function listen() {
    $("attach").hidden = false;
    $("file").accept = config.accept ?? "";
    $("attach").addEventListener("click", () => $("file").click());
    $("file").addEventListener("change", () => {
      attach($("file").files);
      $("file").value = "";
    });
    $("message").addEventListener("paste", (/** @type {ClipboardEvent} */ event) => {
      const { files } = event.clipboardData;
      if (!files.length || isPictureOfText(event.clipboardData)) return;
      event.preventDefault();
      attach(files);
    });
    listenForDrops();
  }

  function listenForDrops() {
    let depth = 0; // of elements that the pointer has entered
    const hasFiles = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files");
    const hover = (/** @type {number} */ change) => {
      depth = Math.max(depth + change, 0);
      $("drop").hidden = depth === 0;
    };
    addEventListener("dragenter", (event) => hasFiles(event) && !$("composer").hidden && hover(1));
    addEventListener("dragleave", (event) => hasFiles(event) && hover(-1));
    addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
    addEventListener("drop", (event) => {
      if (!hasFiles(event)) return;
      // In a locked conversation too: the browser would leave the page to show the file.
      event.preventDefault();
      hover(-depth);
      if (!$("composer").hidden) attach(event.dataTransfer.files);
    });
  }

  if (config.uploadUrl || config.uploadStrategy === "two_phase") listen();
  return { attach, held };
}
