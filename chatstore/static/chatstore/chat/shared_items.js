/** The items of a shared conversation, drawn as the chat page draws them, but for reading only. */

/**
 * @param {import("./answers.js").AnswerModules & { answers: typeof import("./answers.js"), item_data: typeof import("./item_data.js") }} modules
 * @param {{ dom: import("./dom.js").Dom, text: import("./text.js").Text, load: ReturnType<typeof import("./library.js").loaders> }} needs
 */
export function createSharedItems(modules, { dom, text, load }) {
  const nothing = () => {};
  // A picture's address would tell its host who reads; and files are not shared.
  const addresses = { ...modules.addresses, mayShowImage: () => false };
  const { ItemView, loading } = modules.answers.createAnswers(
    { ...modules, addresses },
    {
      dom,
      text,
      load,
      diagramUrl: "", // a diagram stays code: to draw it would need a press
      covers: modules.item_data.covers,
      copyButton: () => dom.el("span"),
      imageDomains: () => [],
      fileAddress: () => null,
      announce: nothing,
      onError: nothing,
      onEntity: nothing,
      reportButton: () => null,
      tag: ({ title }) => dom.el("span", { class: "tag", text: `@${title}` }),
      onFeedback: async () => {},
      onQuote: nothing,
      onTool: nothing,
      onAction: nothing,
      onQuestionsAnswered: nothing,
    },
  );

  /** @param {any} item @returns {Promise<HTMLElement>} */
  async function draw(item) {
    await loading(item.type)?.catch(() => {}); // without it, the item's words are shown
    const { node } = new ItemView({ item, isLive: false });
    for (const button of node.querySelectorAll(".actions button")) button.remove();
    for (const control of node.querySelectorAll("button, input, select, textarea")) control.disabled = true;
    return node;
  }

  return { draw };
}
