/**
 * Answers that outlive their connection: followed over lost ones, joined, and stopped by a request.
 * Where the server has no such, a lost connection is an error.
 *
 * @typedef {ReturnType<typeof createRunningAnswers>} RunningAnswers
 * @typedef {import("./conversations.js").Held} Held
 */

const LOOK_MS = 1500; // between two requests for an answer that another process makes
const BEGIN_MS = 1000; // for which a request to stop waits until there is something to stop

/**
 * @param {object} options
 * @param {boolean} options.isOn whether the server finishes answers without their page
 * @param {string} options.url of the threads
 * @param {import("./protocol.js").Protocol} options.protocol
 * @param {typeof import("./protocol.js")} options.errors
 * @param {(state: import("./conversation.js").Conversation) => string | null} options.idOf
 * @param {(conversation: Held, details: { isRejoined: boolean }) => Promise<void>} options.load
 * @param {() => boolean} options.isOffline
 * @param {(error: any) => void} options.onError
 */
export function createRunningAnswers({ isOn, url, protocol, errors, idOf, load, isOffline, onError }) {
  const { Unreachable } = errors;
  const address = (/** @type {Held} */ { state }) => `${url}${encodeURIComponent(idOf(state))}/`;

  /** @param {number} ms @param {AbortSignal} [signal] */
  async function pause(ms, signal) {
    await new Promise((resolve) => {
      setTimeout(resolve, ms);
      signal?.addEventListener("abort", resolve, { once: true });
    });
    signal?.throwIfAborted();
  }

  /**
   * Follow an answer to its end; return how it ended.
   *
   * @param {Held} conversation
   * @param {(() => Promise<Response>) | null} open sends the request; null: join what is being answered
   * @param {(event: any) => void} apply
   * @returns {Promise<{ isStopped?: boolean, failure?: import("./conversation.js").Failure }>}
   */
  async function follow(conversation, open, apply) {
    let response = open ? await open() : await join(conversation);
    while (response) {
      const ending = await read(conversation, response, apply);
      if (ending) return ending;
      response = await join(conversation);
    }
    return endingOf(conversation.state);
  }

  /** Read events to their end; return null if there are more to come.
   * @param {Held} conversation @param {Response} response @param {(event: any) => void} apply */
  async function read(conversation, response, apply) {
    try {
      for await (const event of protocol.events(response)) {
        if (event.type === "answer.ended") return { isStopped: event.is_stopped };
        apply(event);
      }
    } catch (error) {
      if (!(isOn && error instanceof Unreachable && idOf(conversation.state))) throw error;
    }
    return isOn && idOf(conversation.state) ? null : {};
  }

  /** The answer as it goes on; null once there is none. @param {Held} conversation */
  async function join(conversation) {
    const { signal } = conversation.controller;
    for (;;) {
      /** @type {Response | null} */
      let response = null;
      try {
        response = await tryToJoin(conversation);
      } catch (error) {
        if (!(error instanceof Unreachable)) throw error;
      }
      conversation.isElsewhere = response?.status === 202;
      if (response && response.status !== 202) return response.status === 204 ? null : response;
      do await pause(LOOK_MS, signal);
      while (isOffline());
    }
  }

  /** @param {Held} conversation */
  async function tryToJoin(conversation) {
    const { signal } = conversation.controller;
    // Past the browser's cache, where Firefox lets one stream wait for the end of another of the same address.
    const response = await protocol.send(`${address(conversation)}answer/`, undefined, signal, "no-store");
    try {
      if (!conversation.isElsewhere || response.status !== 202) await load(conversation, { isRejoined: true });
      return response;
    } catch (error) {
      response.body?.cancel().catch(() => {});
      throw error;
    }
  }

  /** How an answer ended of whose end nothing was heard.
   * @param {import("./conversation.js").Conversation} state */
  function endingOf({ entries }) {
    const last = entries.at(-1);
    if (last?.isLive) return {}; // which is said of one that broke off
    if (last?.item.ending === "stopped") return { isStopped: true };
    const isAnswered = last && last.item.type !== "user_message" && !last.item.ending;
    return isAnswered ? {} : { failure: { message: null, status: 0 } };
  }

  /** Tell the server to stop an answer, which it finishes otherwise. @param {Held} conversation */
  async function stop(conversation) {
    if (!isOn) return;
    const hasBegun = await Promise.race([conversation.begun.then(() => true), pause(BEGIN_MS)]);
    if (!hasBegun || !idOf(conversation.state)) return; // nothing is stored: leaving stops it
    await protocol.ask(`${address(conversation)}stop/`, {}).catch(onError);
  }

  return { follow, stop };
}
