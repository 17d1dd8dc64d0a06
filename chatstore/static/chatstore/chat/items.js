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
 * @param {import("./thinking.js").ThoughtfulText} options.PartText
 * @param {typeof import("./thinking.js").splitThought} options.splitThought
 * @param {import("./limits.js").Budget} options.budget
 * @param {typeof import("./plain_text.js").wordsOf} options.wordsOf
 * @param {import("./plain_text.js").PlainText} options.plainText
 * @param {import("./sources.js").Sources} options.sources
 * @param {import("./steps.js").Steps} options.steps
 * @param {import("./widgets.js").Widgets} options.drawWidget
 * @param {(item: any) => HTMLElement} options.drawQuestions
 * @param {(type: string) => Promise<any> | null} options.loading what items of a type need that is not there yet
 * @param {(item: any) => HTMLElement[]} options.thumbs
 * @param {(item: any) => HTMLElement | null} options.reportButton
 * @param {((item: any, view: import("./edit_message.js").View) => HTMLElement) | null} options.editButton null where messages can't be edited
 * @param {(copied: () => string, label: string) => HTMLElement} options.copyButton
 * @param {(entity: import("./mentions.js").Entity) => HTMLElement} options.tag an entity that a message names
 * @param {(node: HTMLElement, item: any) => void} options.onQuote
 * @param {(address: any) => string | null} options.linkAddress
 * @param {(id: string) => string | null} options.fileAddress of a file that the user sent
 * @param {(address: any) => boolean} options.mayShowImage
 * @param {(fresh: any, old: any) => boolean} options.covers
 * @param {(run: () => void) => void} options.nextFrame
 */
export function createItems(options) {
  const {
    dom,
    text,
    PartText,
    splitThought,
    budget,
    plainText,
    sources,
    steps,
    drawWidget,
    linkAddress,
    mayShowImage,
  } = options;
  const { el, icon, iconButton } = dom;
  const { strings } = text;

  /** A file's name, to be pressed for the file. @param {any} attachment */
  function fileTile({ id, name }) {
    const href = options.fileAddress(id);
    // The server says that it is to be saved; the attribute keeps this page where it is until then.
    const own = { class: "file", title: name, href, download: href && name };
    return el(href ? "a" : "span", own, icon("document"), el("bdi", { text: name }));
  }

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

  /** What a widget's application gives to be copied. @param {any} item */
  const copyOf = ({ copy_text: copied }) =>
    copied &&
    el(
      "div",
      { class: "actions" },
      options.copyButton(() => copied, strings.copy),
    );

  /** @param {string} iso */
  const timeOf = (iso) => el("time", { datetime: iso, title: text.longDate(iso), text: text.dateAndTime(iso) });

  const asEntity = (/** @type {any} */ { id, text: title, group, data, interactive }) => ({
    id,
    title,
    group,
    data,
    interactive,
  });

  /** @param {any} item @param {ItemView} view */
  function userMessage(item, view) {
    const written = () =>
      item.content
        .map((/** @type {any} */ { type, text: said }) => (type === "input_tag" ? `@${said}` : said))
        .join("");
    const copy = () => options.copyButton(written, strings.copy);
    const words = item.content.map((/** @type {any} */ part) =>
      part.type === "input_tag" ? options.tag(asEntity(part)) : part.text,
    );
    return [
      item.quoted_text && el("blockquote", { class: "quoted", dir: "auto", text: item.quoted_text }),
      item.attachments?.length && el("div", { class: "attachments" }, ...item.attachments.map(attachmentTile)),
      el("div", { class: "bubble", dir: "auto" }, ...words),
      item.id && el("div", { class: "actions" }, copy(), options.editButton?.(item, view)),
    ];
  }

  /** A part's answer with its annotations in their places; null where that is too much work.
   * @param {any} part */
  function annotated(part) {
    const { answer, start } = splitThought(part.text);
    const annotations = part.annotations.map((/** @type {any} */ one) => ({ ...one, index: one.index - start }));
    try {
      return el("div", { class: "prose", dir: "auto" }, sources.annotated({ text: answer, annotations }));
    } catch {
      return null;
    }
  }

  /** @param {Entry} entry @param {ItemView} view */
  function assistantMessage({ item, isLive }, view) {
    const annotations = item.content.flatMap((/** @type {any} */ part) => part.annotations ?? []);
    const bodies = item.content.flatMap((/** @type {any} */ part, /** @type {number} */ index) => {
      const body = view.body(index);
      if (isLive) {
        body.set(part.text);
        return body.nodes;
      }
      body.finish(part.text);
      const numbered = part.annotations?.length && annotated(part);
      return numbered ? [...body.nodes.slice(0, -1), numbered] : body.nodes;
    });
    const source = () => item.content.map((/** @type {any} */ part) => splitThought(part.text).answer).join("\n\n");
    const quote = iconButton("quote", strings.quote, () => options.onQuote(view.node, source()));
    const copy = () => options.copyButton(source, strings.copy);
    const actions = () => [copy(), quote, ...options.thumbs(item), options.reportButton(item)];
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
    ["user_message", ({ item }, view) => userMessage(item, view)],
    ["assistant_message", assistantMessage],
    [
      "workflow",
      ({ item, isLive }, { node }) => [
        steps.drawWorkflow(item.workflow, isLive, node.querySelector(":scope > details.work")),
      ],
    ],
    ["task", ({ item }) => [steps.drawTask(item.task)]],
    ["generated_image", generatedImage],
    ["client_tool_call", ({ item, isRunning }) => [steps.drawToolCall(item, Boolean(isRunning))]],
    ["structured_input", ({ item }) => [options.drawQuestions(item)]],
    ["widget", ({ item }) => [drawWidget(item), ending(item), copyOf(item)]],
    ["end_of_turn", () => []],
  ]);
  const unknown = () => [el("p", { class: "muted", text: strings.unknown })];

  /** Whether a widget looks the same: the store may give its properties in another order, and their
   * defaults besides, and somebody may be filling it in. @param {any} fresh @param {any} old */
  function looksTheSame(fresh, old) {
    const html = (/** @type {any} */ item) => budget.run(() => drawWidget(item).outerHTML);
    if (fresh.type !== "widget" || fresh.ending !== old.ending) return false;
    try {
      return options.covers(fresh, old) && html(fresh) === html(old);
    } catch {
      return false; // one that can't be drawn
    }
  }

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
      /** @type {InstanceType<import("./thinking.js").ThoughtfulText>[]} */
      this.bodies = [];
      this.isWaiting = false;
      this.isUnbounded = false; // somebody asked to see it, whatever it takes
      /** @type {any} why what draws such items could not be loaded */
      this.failure = null;
      /** @type {HTMLElement | null} */
      this.instead = null;
      this.entry = entry;
      this.#draw(entry, []);
    }

    /** Show a form in the item's place, whatever becomes of the item; null: the item again.
     * @param {HTMLElement | null} form */
    showInstead(form) {
      this.instead = form;
      this.#draw(this.entry, []);
    }

    /** The text of a part. @param {number} index */
    body(index) {
      this.bodies[index] ??= new PartText();
      return this.bodies[index];
    }

    /** @param {Entry} entry */
    update(entry) {
      const before = this.entry;
      if (entry === before) return;
      this.entry = entry;
      const isSameState = entry.isLive === before.isLive;
      if (isSameState && entry.isRunning === before.isRunning && looksTheSame(entry.item, before.item)) return;
      if (isSameState && entry.isLive) this.#growSoon();
      else this.#draw(entry, isSameState ? this.#folds() : []);
    }

    /** Look at what has come once a frame: even that takes long if it is done for each word. */
    #growSoon() {
      if (this.isWaiting) return;
      this.isWaiting = true;
      options.nextFrame(() => {
        this.isWaiting = false;
        const { entry } = this;
        if (entry.isLive && !this.#grow(entry.item)) this.#draw(entry, this.#folds());
      });
    }

    /** Only what is written may change. @param {any} item @returns {boolean} whether there is a place for it */
    #grow(item) {
      if (item.type !== "assistant_message" || item.content.length !== this.bodies.length) return false;
      const changed = item.content.map((/** @type {any} */ part, /** @type {number} */ n) =>
        this.body(n).set(part.text),
      );
      return !changed.includes(true);
    }

    /** What the user has opened. @returns {boolean[]} */
    #folds() {
      return [...this.node.querySelectorAll("details")].map(({ open }) => open);
    }

    /** What the item consists of; its words, where it can't be drawn. @param {Entry} entry */
    #parts(entry) {
      const draw = draws.get(entry.item.type) ?? unknown;
      const run = this.isUnbounded ? budget.runUnbounded : budget.run;
      const { failure } = this;
      this.failure = null; // the next time it is tried anew
      const loading = failure ? null : options.loading(entry.item.type);
      if (loading) {
        const again = (/** @type {any} */ error) => {
          this.failure = error;
          this.#draw(this.entry, []);
        };
        loading.then(() => again(null), again);
        return [el("p", { "aria-busy": "true" })];
      }
      try {
        if (failure) throw failure;
        return run(() => draw(entry, this).filter(Boolean));
      } catch (error) {
        const open = () => {
          this.isUnbounded = !failure;
          this.#draw(this.entry, []);
        };
        const words = options.wordsOf(entry.item);
        return [plainText.instead(words, budget.explain(error), this.isUnbounded ? null : open)];
      }
    }

    /** @param {Entry} entry @param {boolean[]} folds see #folds */
    #draw(entry, folds) {
      const parts = this.instead ? [this.instead] : this.#parts(entry);
      if (!entry.isLive) this.bodies = [];
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
