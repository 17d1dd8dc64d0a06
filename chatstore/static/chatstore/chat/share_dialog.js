/** The dialog in which the owner of a conversation makes, renews and ends its link. */

/**
 * @param {object} options
 * @param {import("./dom.js").Dom} options.dom
 * @param {import("./text.js").Text} options.text
 * @param {import("./own_threads.js").OwnThreads | null} options.own
 * @param {(message: string) => void} options.announce
 * @param {(error: unknown) => void} options.onError
 */
export function createShareDialog({ dom, text, own, announce, onError }) {
  const { $ } = dom;
  const { strings, say } = text;
  /** @type {any} the thread that it is about */
  let chosen = null;

  /** @param {import("./own_threads.js").ThreadState} state */
  function draw({ shared_at, link }) {
    $("share-state").textContent = shared_at
      ? say("sharedSince", { time: text.longDate(shared_at) })
      : strings.notShared;
    $("share-make").textContent = shared_at ? strings.renewLink : strings.makeLink;
    $("share-end").hidden = !shared_at;
    $("share-link").hidden = !link;
    $("share-copy").hidden = !link;
    // Shown this once: the server keeps no link that it could show again.
    $("share-url").value = link ? new URL(link, dom.document.baseURI).href : "";
    if (link) $("share-url").select();
  }

  /** @param {() => Promise<any>} run */
  async function attempt(run) {
    try {
      draw(await run());
    } catch (error) {
      $("share-dialog").close(); // what is said below it could not be seen
      onError(error);
    }
  }

  /** @param {any} thread */
  async function open(thread) {
    chosen = thread;
    await attempt(async () => {
      const state = await own.state(thread.id);
      $("share-dialog").showModal();
      return state;
    });
  }

  $("share-make").addEventListener("click", () => attempt(() => own.change(chosen.id, { shared: true })));
  $("share-end").addEventListener("click", async () => {
    await attempt(() => own.change(chosen.id, { shared: false }));
    announce(strings.linkEnded);
  });
  $("share-copy").addEventListener("click", async () => {
    await navigator.clipboard.writeText($("share-url").value).then(() => announce(strings.copied), onError);
  });

  return { open };
}
