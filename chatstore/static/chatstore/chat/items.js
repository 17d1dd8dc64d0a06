/**
 * One item of a conversation as an element, and how it is brought up to date.
 *
 * @typedef {ReturnType<typeof createItems>} Items
 * @typedef {import("./conversation.js").Entry} Entry
 */

/**
 * @param {object} options
 * @param {import("./dom.js").Dom} options.dom
 * @param {import("./text.js").Text} options.text
 * @param {import("./markdown.js").Markdown} options.markdown
 * @param {import("./sources.js").Sources} options.sources
 * @param {import("./steps.js").Steps} options.steps
 * @param {import("./widgets.js").Widgets} options.drawWidget
 * @param {(item: any) => HTMLElement} options.drawQuestions
 * @param {(item: any) => HTMLElement[]} options.thumbs
 * @param {(copied: () => string, label: string) => HTMLElement} options.copyButton
 * @param {(node: HTMLElement, item: any) => void} options.onQuote
 * @param {(address: any) => string | null} options.linkAddress
 * @param {(address: any) => boolean} options.mayShowImage
 * @param {(fresh: any, old: any) => boolean} options.covers
 */
export function createItems(options) {
  const { dom, text, markdown, sources, steps, drawWidget, drawQuestions, linkAddress, mayShowImage } = options;
  const { el, icon, iconButton } = dom;
  const { strings } = text;

  const fileTile = (/** @type {any} */ { name }) =>
    el("span", { class: "file", title: name }, icon("document"), el("bdi", { text: name }));

  /** @param {any} attachment */
  function attachmentTile(attachment) {
    const href = attachment.type === "image" && linkAddress(attachment.preview_url);
    if (!href) return fileTile(attachment);
    const image = el("img", { src: href, alt: attachment.name, loading: "lazy" });
    // A preview's address may have expired, or its host may be out of reach.
    image.addEventListener("error", () => image.parentElement.replaceWith(fileTile(attachment)), { once: true });
    return el("a", { class: "thumbnail", href, target: "_blank", rel: "noopener noreferrer" }, image);
  }

  /** What is said of an answer or a widget that is not complete. @param {any} item */
  const ending = (item) => item.ending && el("p", { class: "muted ending", text: strings[`ending_${item.ending}`] });

  /** @param {string} iso */
  const timeOf = (iso) => el("time", { datetime: iso, title: text.longDate(iso), text: text.dateAndTime(iso) });

  /** @param {any} item */
  function userMessage(item) {
    const words = item.content.map((/** @type {any} */ part) =>
      part.type === "input_tag" ? el("span", { class: "tag", text: `@${part.text}` }) : part.text,
    );
    return [
      item.quoted_text && el("blockquote", { class: "quoted", dir: "auto", text: item.quoted_text }),
      item.attachments?.length && el("div", { class: "attachments" }, ...item.attachments.map(attachmentTile)),
      el("div", { class: "bubble", dir: "auto" }, ...words),
    ];
  }

  /** @param {Entry} entry @param {ItemView} view */
  function assistantMessage({ item, isLive }, view) {
    const annotations = item.content.flatMap((/** @type {any} */ part) => part.annotations ?? []);
    const bodies = item.content.map((/** @type {any} */ part, /** @type {number} */ index) => {
      if (isLive) return view.growing(index).node;
      const grown = view.bodies[index];
      if (grown && !part.annotations?.length && grown.finish(part.text)) return grown.node;
      return el("div", { class: "prose", dir: "auto" }, sources.annotated(part));
    });
    const source = () => item.content.map((/** @type {any} */ part) => part.text).join("\n\n");
    const quote = iconButton("quote", strings.quote, () => options.onQuote(view.node, source()));
    const actions = () => [options.copyButton(source, strings.copy), quote, ...options.thumbs(item)];
    return [
      ...bodies,
      annotations.length > 0 && sources.sourceList(annotations),
      ending(item),
      !isLive && el("div", { class: "actions" }, ...actions(), timeOf(item.created_at)),
    ];
  }

  /** @param {Entry} entry */
  function generatedImage({ item: { image }, isLive }) {
    if (image && mayShowImage(image.url)) {
      return [el("img", { class: "generated", src: image.url, alt: strings.generatedImage })];
    }
    const href = image && linkAddress(image.url);
    const label = isLive && !image ? strings.drawing : strings.generatedImage;
    const link = href && el("a", { href, target: "_blank", rel: "noopener noreferrer nofollow", text: label });
    return [el("div", { class: "generated placeholder" }, link || label)];
  }

  /** @type {Map<string, (entry: Entry, view: ItemView) => any[]>} */
  const draws = new Map([
    ["user_message", ({ item }) => userMessage(item)],
    ["assistant_message", assistantMessage],
    ["workflow", ({ item, isLive }) => [steps.drawWorkflow(item.workflow, isLive)]],
    ["task", ({ item }) => [steps.drawTask(item.task)]],
    ["generated_image", generatedImage],
    ["client_tool_call", ({ item, isRunning }) => [steps.drawToolCall(item, Boolean(isRunning))]],
    ["structured_input", ({ item }) => [drawQuestions(item)]],
    ["widget", ({ item }) => [drawWidget(item), ending(item)]],
    ["end_of_turn", () => []],
  ]);
  const unknown = () => [el("p", { class: "muted", text: strings.unknown })];

  /** Whether a widget looks the same: the store may give its properties in another order, and their
   * defaults besides, and somebody may be filling it in. @param {any} fresh @param {any} old */
  const looksTheSame = (fresh, old) =>
    fresh.type === "widget" &&
    fresh.ending === old.ending &&
    options.covers(fresh, old) &&
    drawWidget(fresh).outerHTML === drawWidget(old).outerHTML;

  class ItemView {
    /** @param {Entry} entry */
    constructor(entry) {
      const { item } = entry;
      const speaker = item.type === "user_message" ? strings.you : strings.assistant;
      this.node = el("article", {
        class: `item ${item.type.replaceAll("_", "-")}`,
        "aria-label": `${speaker}, ${text.longDate(item.created_at)}`,
        "data-id": item.id,
        tabindex: -1,
      });
      /** @type {InstanceType<import("./markdown.js").Markdown["GrowingText"]>[]} */
      this.bodies = [];
      this.entry = entry;
      this.#draw(entry, []);
    }

    /** The body of a part that grows. @param {number} index */
    growing(index) {
      this.bodies[index] ??= new markdown.GrowingText(el("div", { class: "prose", dir: "auto" }));
      return this.bodies[index];
    }

    /** @param {Entry} entry */
    update(entry) {
      const before = this.entry;
      if (entry === before) return;
      this.entry = entry;
      const isSameState = entry.isLive === before.isLive;
      if (isSameState && entry.isRunning === before.isRunning && looksTheSame(entry.item, before.item)) return;
      if (isSameState && entry.isLive && entry.item.type === "assistant_message" && this.#grow(entry.item)) return;
      const folds = isSameState ? [...this.node.querySelectorAll("details")].map(({ open }) => open) : [];
      this.#draw(entry, folds);
    }

    /** Only what is written may change. @param {any} item @returns {boolean} whether there is a place for it */
    #grow(item) {
      if (item.content.length !== this.bodies.length) return false;
      for (const [index, part] of item.content.entries()) this.growing(index).set(part.text);
      return true;
    }

    /** @param {Entry} entry @param {boolean[]} folds what the user has opened */
    #draw(entry, folds) {
      const parts = (draws.get(entry.item.type) ?? unknown)(entry, this).filter(Boolean);
      if (entry.isLive && entry.item.type === "assistant_message") this.#grow(entry.item);
      else this.bodies = [];
      // A part that is there stays there: moving a long answer would lay it out anew.
      for (const child of [...this.node.childNodes]) if (!parts.includes(child)) child.remove();
      parts.forEach((part, n) => {
        const there = this.node.childNodes[n] ?? null;
        if (part !== there) this.node.insertBefore(part, there);
      });
      this.node.querySelectorAll("details").forEach((/** @type {any} */ details, /** @type {number} */ n) => {
        if (n in folds) details.open = folds[n];
      });
      this.node.hidden = !this.node.hasChildNodes();
    }
  }

  return ItemView;
}
