/**
 * What a user does with a whole conversation: rename, pin, archive and delete it.
 *
 * @typedef {ReturnType<typeof createThreadActs>} ThreadActs
 */

/**
 * @param {object} options
 * @param {Record<string, string>} options.strings
 * @param {typeof import("./conversation.js")} options.model
 * @param {import("./protocol.js").Protocol["call"]} options.call
 * @param {import("./own_threads.js").OwnThreads | null} options.own
 * @param {import("./threads.js").Threads} options.threads
 * @param {import("./conversations.js").Conversations} options.conversations
 * @param {import("./alerts.js").Alerts} options.alerts
 * @param {(id: string | null) => void} options.setAddress of the page
 */
export function createThreadActs({ strings, model, call, own, threads, conversations, alerts, setAddress }) {
  /** @param {any} thread @param {string} title */
  async function rename(thread, title) {
    try {
      const { id, title: given } = await call("threads.update", { thread_id: thread.id, title });
      conversations.threadChanged({ ...thread, ...threads.find(id), id, title: given });
      alerts.announce(strings.renamed);
    } catch (error) {
      alerts.showError(error);
    }
  }

  /** @param {any} thread @param {boolean} isPinned */
  async function pin(thread, isPinned) {
    try {
      await own.change(thread.id, { pinned: isPinned });
      if (isPinned) threads.setListing(thread.id, "");
      threads.setPinned(thread, isPinned);
      alerts.announce(isPinned ? strings.pinnedNow : strings.unpinned);
    } catch (error) {
      alerts.showError(error);
    }
  }

  /** @param {any} thread @param {boolean} isArchived */
  async function archive(thread, isArchived) {
    try {
      await own.change(thread.id, { archived: isArchived });
      if (isArchived) threads.setPinned(thread, false);
      threads.setListing(thread.id, isArchived ? "archived" : "");
      threads.put(thread);
      alerts.announce(isArchived ? strings.archivedNow : strings.unarchived);
    } catch (error) {
      alerts.showError(error);
    }
  }

  /** @param {any} thread */
  async function remove({ id }) {
    try {
      [...conversations.answering].find(({ state }) => model.idOf(state) === id)?.controller.abort();
      await call("threads.delete", { thread_id: id });
      threads.drop(id);
      if (model.idOf(conversations.shown.state) === id) {
        setAddress(null);
        await conversations.open(null);
      }
      alerts.announce(strings.deleted);
    } catch (error) {
      alerts.showError(error);
    }
  }

  return { rename, pin, archive, remove };
}
