/**
 * The ChatKit protocol: one POST endpoint that answers JSON or server-sent events.
 *
 * @typedef {ReturnType<typeof createProtocol>} Protocol
 * @typedef {(callbacks: { onEvent: (event: { data: string }) => void }) => { feed: (chunk: string) => void }} CreateParser
 */

const AWAY = new Set([502, 503, 504]);

/** The server said no: `message` is its own sentence, made for people. */
export class Refused extends Error {
  /**
   * @param {string} message
   * @param {number} [status]
   * @param {string | null} [retryAfter] the header Retry-After, in seconds
   */
  constructor(message, status, retryAfter = null) {
    super(message);
    this.status = status;
    this.waitMs = (Number(retryAfter) || 0) * 1000;
  }
}

/** The server could not be reached, or the line went dead. */
export class Unreachable extends Error {}

/**
 * @param {object} options
 * @param {string} options.url
 * @param {string} options.csrfToken
 * @param {typeof globalThis.fetch} options.fetch
 * @param {CreateParser} options.createParser eventsource-parser's
 * @param {{ failed: string, unreachable: string }} options.strings
 * @param {boolean} [options.isFinished] whether answers are finished without this page
 * @param {(type: string, params: any) => void} [options.onRequest] to the endpoint
 * @param {() => void} [options.onLost] the server can't be reached
 * @param {() => void} [options.onFound] it answered
 */
export function createProtocol(options) {
  const { url, csrfToken, fetch, createParser, strings, isFinished, onRequest, onLost, onFound } = options;

  /** @param {Error} error @returns {Error} */
  function unreachable(error) {
    if (error.name === "AbortError") return error;
    onLost?.();
    return new Unreachable(strings.unreachable);
  }

  /**
   * @param {string} type
   * @param {object} params
   * @param {AbortSignal} [signal]
   * @param {object} [metadata] of the request, for chatstore's own server
   * @throws Refused, Unreachable, or AbortError
   */
  async function post(type, params, signal, metadata) {
    onRequest?.(type, params);
    return send(url, { type, params, metadata }, signal);
  }

  /**
   * @param {string} address
   * @param {object} [content] of a POST; without it, GET
   * @param {AbortSignal} [signal]
   * @param {RequestCache} [cache]
   */
  async function send(address, content, signal, cache) {
    const finish = isFinished ? { "X-Chatstore-Finish": "1" } : {};
    const headers = { "Content-Type": "application/json", "X-CSRFToken": csrfToken, ...finish };
    const posted = content && { method: "POST", headers, body: JSON.stringify(content) };
    /** @type {Response} */
    let response;
    try {
      response = await fetch(address, { credentials: "same-origin", signal, cache, ...posted });
    } catch (error) {
      throw unreachable(error);
    }
    const answer = response.ok ? null : await response.json().catch(() => {});
    // A proxy's word that there is no server behind it, while that is started anew.
    if (AWAY.has(response.status) && !answer?.error) throw unreachable(new Error(response.statusText));
    onFound?.();
    if (response.ok) return response;
    throw new Refused(answer?.error ?? strings.failed, response.status, response.headers.get("Retry-After"));
  }

  /** @param {string} type @param {object} params @returns {Promise<any>} */
  async function call(type, params) {
    return (await post(type, params)).json();
  }

  /** A request beside the endpoint. @param {string} address @param {object} [content] see send @returns {Promise<any>} */
  async function ask(address, content) {
    return (await send(address, content)).json();
  }

  /**
   * The events of a streamed answer, as they come.
   *
   * @param {Response} response
   * @returns {AsyncGenerator<any>}
   */
  async function* events(response) {
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    /** @type {string[]} */
    let arrived = [];
    const parser = createParser({ onEvent: ({ data }) => arrived.push(data) });
    try {
      for (;;) {
        let chunk;
        try {
          chunk = await reader.read();
        } catch (error) {
          throw unreachable(error);
        }
        if (chunk.done) return;
        parser.feed(chunk.value);
        const batch = arrived;
        arrived = [];
        for (const data of batch) yield JSON.parse(data);
      }
    } finally {
      reader.cancel().catch(() => {}); // whoever stops reading needs no more of it
    }
  }

  return { post, send, call, ask, events };
}
