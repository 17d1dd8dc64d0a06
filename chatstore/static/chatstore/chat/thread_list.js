/**
 * The list of threads and all that belongs to it: search, previews, marks, the menu of a thread.
 *
 * @typedef {object} ThreadListModules
 * @property {typeof import("./text.js")} text
 * @property {typeof import("./library.js")} library
 * @property {typeof import("./menu.js")} menu
 * @property {typeof import("./previews.js")} previews
 * @property {typeof import("./threads.js")} threads
 * @property {typeof import("./search.js")} search
 * @property {typeof import("./answering_marks.js")} answering_marks
 */

/**
 * @param {ThreadListModules} modules
 * @param {object} needs
 * @param {import("./dom.js").Dom} needs.dom
 * @param {import("./text.js").Text} needs.text
 * @param {import("./protocol.js").Protocol["call"]} needs.call
 * @param {import("./own_threads.js").OwnThreads | null} needs.own
 * @param {import("./library.js").Loaders} needs.load
 * @param {boolean} needs.mayShare
 * @param {ReturnType<typeof import("./page_address.js").createPageAddress>} needs.address
 * @param {import("./alerts.js").Alerts} needs.alerts
 * @param {() => ReturnType<typeof import("./thread_acts.js").createThreadActs>} needs.acts
 * @param {() => void} needs.onOutdated the server has threads that the list has not
 * @param {() => boolean} needs.isOffline
 * @param {() => import("./conversation.js").Thread | null} needs.shown
 */
export function createThreadList(modules, needs) {
  const { dom, text, call, own, address, alerts, acts, onOutdated } = needs;
  const { strings } = text;

  const openMenu = modules.menu.createMenu({
    dom,
    text,
    stateOf: ({ id }) => ({ isOwn: Boolean(own), isPinned: threads.isPinned(id), listing: threads.listingOf(id) }),
    mayShare: needs.mayShare,
    onRename: (thread, title) => acts().rename(thread, title),
    onDelete: (thread) => acts().remove(thread),
    onPin: (thread, isPinned) => acts().pin(thread, isPinned),
    onArchive: (thread, isArchived) => acts().archive(thread, isArchived),
    onShare: (thread) => shareDialog.make().then(({ open }) => open(thread), alerts.showError),
    onExport: ({ id }, format) => dom.el("a", { href: own.exportUrl(id, format), download: "" }).click(),
  });
  const shareDialog = modules.library.createLater(needs.load.shareDialog, ({ createShareDialog }) =>
    createShareDialog({ dom, text, own, announce: alerts.announce, onError: alerts.showError }),
  );
  const threads = modules.threads.createThreads({
    dom,
    text,
    excerpt: modules.text.excerpt,
    createPreviews: modules.previews.createPreviews,
    call,
    own,
    search:
      own &&
      modules.search.createSearch({
        dom,
        text,
        ask: own.search,
        addressOf: address.addressOf,
        onFollow: address.follow,
        onFound: () => threads.draw(),
        announce: alerts.announce,
        onError: alerts.showError,
      }),
    isOffline: needs.isOffline,
    shown: needs.shown,
    addressOf: address.addressOf,
    onFollow: address.follow,
    onMenu: openMenu,
    onDrawn: () => marks.draw(),
    onError: alerts.showError,
  });
  const marks = modules.answering_marks.createAnsweringMarks({
    dom,
    strings,
    onUnknown: (ids) => ids.every(threads.find) || onOutdated(),
    onEnded(ids) {
      for (const id of ids) threads.refreshPreview(id);
      onOutdated();
    },
  });

  return { threads, marks, openMenu };
}
