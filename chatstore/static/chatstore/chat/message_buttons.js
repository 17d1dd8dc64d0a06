/**
 * The buttons of a message that lead to more: editing it, reporting it. What they open is loaded
 * when one is pressed for the first time.
 */

/**
 * @param {object} options
 * @param {import("./dom.js").Dom} options.dom
 * @param {import("./text.js").Text} options.text
 * @param {import("./library.js").createLater} options.createLater
 * @param {import("./library.js").Loaders} options.load
 * @param {DOMStringMap} options.config the template's
 * @param {typeof import("./protocol.js")} options.errors
 * @param {typeof globalThis.fetch} options.fetch
 * @param {(item: any, edited: import("./edit_message.js").Edited) => Promise<void>} options.onEdited
 * @param {(message: string) => void} options.announce
 * @param {(error: unknown) => void} options.onError
 */
export function createMessageButtons(options) {
  const { dom, text, createLater, load, config, errors, fetch, announce, onError } = options;
  const { strings } = text;
  const editor = createLater(load.editMessage, ({ createMessageEditor }) =>
    createMessageEditor({ dom, text, onSend: options.onEdited }),
  );
  const { reportUrl: url, csrfToken } = config;
  const reports = createLater(load.report, ({ createReport }) =>
    createReport({ dom, strings, errors, url, csrfToken, fetch, announce, onError }),
  );

  /** @param {any} item @param {import("./edit_message.js").View} view */
  function editButton(item, view) {
    const press = () => editor.make().then((open) => open(item, view), onError);
    return dom.iconButton("write", strings.editWaiting, press, { class: "icon-button edit-message" });
  }

  /** @param {any} item */
  function reportButton(item) {
    if (!url || !dom.$("report-dialog")) return null; // the site takes no reports
    const press = () => reports.make().then((open) => open(item, button), onError);
    const button = dom.iconButton("flag", strings.report, press, { class: "icon-button report" });
    return button;
  }

  return { editButton, reportButton };
}
