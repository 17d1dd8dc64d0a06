/**
 * The built-in chat page.
 *
 * It speaks the ChatKit protocol and nothing else (one POST endpoint that answers JSON or
 * server-sent events), so it works with any ChatKit server. Markup that never changes and all
 * text for people live in chat.html, where gettext reaches them; configuration comes from data
 * attributes there, so nothing here or there is inline and a strict Content-Security-Policy holds.
 * Nothing is ever parsed as HTML but markdown, and that only through DOMPurify.
 *
 * A page of your own can listen on `document` (see "Hooks" below) for `chatstore:tool`,
 * `chatstore:effect`, `chatstore:action` and `chatstore:entity`.
 */

const $ = (id) => document.getElementById(id);
const config = $("chat").dataset;
// By URL and not by an import statement: hashed file names (ManifestStaticFilesStorage) are known
// to the template only.
const [{ Marked }, { default: DOMPurify }] = await Promise.all([import(config.marked), import(config.purify)]);

/* ---------------------------------------------------------------- text, time, elements */

const strings = Object.fromEntries(
  [...$("strings").content.querySelectorAll("[data-s]")].map((node) => [node.dataset.s, node.textContent]),
);
const say = (key, values = {}) => strings[key].replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");

const locale = document.documentElement.lang || undefined;
const format = (options) => new Intl.DateTimeFormat(locale, options);
const clockFormat = format({ hour: "numeric", minute: "2-digit" });
const weekdayFormat = format({ weekday: "long" });
const dateFormat = format({ day: "numeric", month: "short", year: "numeric" });
const dayFormat = format({ day: "numeric", month: "short" });
const longFormat = format({ dateStyle: "full", timeStyle: "short" });
const monthFormat = format({ month: "long", year: "numeric" });

function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "class") node.className = value;
    else if (name === "text") node.textContent = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== undefined && child !== null && child !== false));
  return node;
}

function icon(name) {
  const make = (tag) => document.createElementNS("http://www.w3.org/2000/svg", tag);
  const svg = make("svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = make("use");
  const known = name && document.getElementById(`icon-${name}`);
  use.setAttribute("href", `#icon-${known ? name : "dot"}`);
  svg.append(use);
  return svg;
}

function iconButton(name, label, onclick, props = {}) {
  return el(
    "button",
    { type: "button", class: "icon-button", title: label, "aria-label": label, onclick, ...props },
    icon(name),
  );
}

function announce(message) {
  // Emptied first, so that a sentence said twice is read twice.
  $("live").textContent = "";
  requestAnimationFrame(() => ($("live").textContent = message));
}

const dayOf = (date) => new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
const daysAgo = (date) => Math.round((dayOf(new Date()) - dayOf(date)) / 86400000);

function shortDate(iso) {
  const date = new Date(iso);
  const age = daysAgo(date);
  if (age < 7) return (age < 1 ? clockFormat : weekdayFormat).format(date);
  return (date.getFullYear() === new Date().getFullYear() ? dayFormat : dateFormat).format(date);
}

function timeOf(iso) {
  const date = new Date(iso);
  const clock = clockFormat.format(date);
  return el("time", {
    datetime: iso,
    title: longFormat.format(date),
    text: daysAgo(date) < 1 ? clock : `${shortDate(iso)}, ${clock}`,
  });
}

function dayName(iso) {
  const date = new Date(iso);
  const age = daysAgo(date);
  return age < 1 ? strings.today : age === 1 ? strings.yesterday : dateFormat.format(date);
}

function size(bytes) {
  const [unit, divisor] = bytes < 1e3 ? ["byte", 1] : bytes < 1e6 ? ["kilobyte", 1e3] : ["megabyte", 1e6];
  const options = { style: "unit", unit, maximumFractionDigits: bytes < 1e7 ? 1 : 0 };
  return new Intl.NumberFormat(locale, options).format(bytes / divisor);
}

async function copy(value, button) {
  try {
    await navigator.clipboard.writeText(value);
  } catch (error) {
    return showError(error);
  }
  button.replaceChildren(icon("check"));
  announce(strings.copied);
  setTimeout(() => button.replaceChildren(icon("copy")), 1500);
}

/* ---------------------------------------------------------------- protocol */

/** The server said no: `message` is its own sentence, made for people. */
class Refused extends Error {
  constructor(message, status, retryAfter = null) {
    super(message);
    this.status = status;
    this.waitMs = (Number(retryAfter) || 0) * 1000; // from the header Retry-After
  }
}

/** The server could not be reached, or the line went dead. */
class Unreachable extends Error {
  constructor() {
    super(strings.unreachable);
  }
}

async function post(type, params, signal) {
  let response;
  try {
    response = await fetch(config.apiUrl, {
      method: "POST",
      credentials: "same-origin",
      headers: { "Content-Type": "application/json", "X-CSRFToken": config.csrfToken },
      body: JSON.stringify({ type, params }),
      signal,
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    network.lost();
    throw new Unreachable();
  }
  network.found();
  if (!response.ok) {
    const answer = await response.json().catch(() => ({}));
    throw new Refused(answer.error ?? strings.failed, response.status, response.headers.get("Retry-After"));
  }
  return response;
}

async function call(type, params) {
  return (await post(type, params)).json();
}

/** The events of a streamed answer, as they come. */
async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = "";
  for (;;) {
    let chunk;
    try {
      chunk = await reader.read();
    } catch (error) {
      if (error.name === "AbortError") throw error;
      network.lost();
      throw new Unreachable();
    }
    if (chunk.done) return;
    buffer += chunk.value.replaceAll("\r", "");
    let from = 0;
    for (let end; (end = buffer.indexOf("\n\n", from)) >= 0; from = end + 2) {
      const data = buffer
        .slice(from, end)
        .split("\n")
        .filter((line) => line.startsWith("data:"))
        .map((line) => line.slice(5).trimStart())
        .join("\n");
      if (data) yield JSON.parse(data);
    }
    buffer = buffer.slice(from);
  }
}

/* ---------------------------------------------------------------- network */

const network = {
  isLost: false,
  timer: null,
  lost() {
    if (this.isLost) return;
    this.isLost = true;
    $("offline").hidden = false;
    announce(strings.offline);
    this.probe(1000);
  },
  found() {
    if (!this.isLost) return;
    this.isLost = false;
    clearTimeout(this.timer);
    $("offline").hidden = true;
    announce(strings.online);
    refresh();
  },
  probe(delay) {
    clearTimeout(this.timer);
    this.timer = setTimeout(async () => {
      if (!this.isLost) return;
      try {
        await call("threads.list", { limit: 1 });
      } catch (error) {
        if (error instanceof Unreachable) this.probe(Math.min(delay * 2, 15000));
      }
    }, delay);
  },
};
addEventListener("offline", () => network.lost());
addEventListener("online", () => network.probe(0));
addEventListener("pagehide", () => runs.forEach((run) => (run.isLeaving = true)));

/** What may have changed elsewhere (another tab, a moderator, a lost connection) is asked again. */
async function refresh() {
  try {
    await Promise.all([threadList.reload(), view.thread && !runOf(view) && reopen()]);
  } catch (error) {
    if (!network.isLost) showError(error);
  }
}
let seenAt = Date.now();
document.addEventListener("visibilitychange", () => {
  if (document.hidden) seenAt = Date.now();
  else if (Date.now() - seenAt > 30000 && !network.isLost) refresh();
});

/* ---------------------------------------------------------------- markdown */

const escapeHTML = (value) =>
  value.replace(/[&<>"']/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" })[c]);

/** Only pictures of our own host, and of hosts that the server names, are fetched: a picture's
 * address is a way to carry a conversation out. */
function mayShowImage(href) {
  try {
    const url = new URL(href, location.href);
    if (url.origin === location.origin || url.protocol === "data:") return true;
    const domains = view.thread?.allowed_image_domains ?? [];
    return (
      url.protocol === "https:" && domains.some((name) => url.hostname === name || url.hostname.endsWith(`.${name}`))
    );
  } catch {
    return false;
  }
}

const marked = new Marked({
  gfm: true,
  renderer: {
    // HTML in an answer is shown as the text that it is, but for a few tags without attributes.
    html: ({ text }) =>
      /^<\/?(br|sub|sup|kbd|mark|u|b|i|em|strong|small)\s*\/?>$/i.test(text.trim()) ? text : escapeHTML(text),
    image: ({ href, text }) =>
      mayShowImage(href)
        ? `<img src="${escapeHTML(href)}" alt="${escapeHTML(text)}" loading="lazy">`
        : `<a href="${escapeHTML(href)}">${escapeHTML(text || href)}</a>`,
  },
});

const PURIFY = {
  RETURN_DOM_FRAGMENT: true,
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  ALLOWED_TAGS: (
    "a p br hr h1 h2 h3 h4 h5 h6 ul ol li blockquote pre code em strong b i u del sub sup kbd mark small " +
    "table thead tbody tr th td img input"
  ).split(" "),
  ALLOWED_ATTR: ["href", "src", "alt", "title", "class", "align", "start", "type", "checked", "disabled", "loading"],
};

/** What scrolls sideways by itself, by keyboard too. */
function scrolling(...tables) {
  return el("div", { class: "table-scroll", tabindex: 0, role: "region", "aria-label": strings.table }, ...tables);
}

function decorate(fragment) {
  for (const link of fragment.querySelectorAll("a")) {
    link.target = "_blank";
    link.rel = "noopener noreferrer nofollow";
  }
  for (const table of fragment.querySelectorAll("table")) {
    const frame = scrolling();
    table.replaceWith(frame);
    frame.append(table);
  }
  for (const heading of fragment.querySelectorAll("h1, h2, h3, h4, h5, h6")) {
    // The page's own headings are h1 and h2: an answer's begin below them.
    const level = Math.min(Number(heading.localName[1]) + 2, 6);
    heading.replaceWith(el(`h${level}`, { class: heading.localName }, ...heading.childNodes));
  }
  for (const box of fragment.querySelectorAll("input")) {
    box.disabled = true;
    box.setAttribute("aria-label", strings.task);
  }
  for (const code of fragment.querySelectorAll("pre > code")) {
    const language = /language-([\w+#.-]+)/.exec(code.className)?.[1] ?? "";
    const pre = code.parentElement;
    const button = iconButton("copy", strings.copyCode, () => copy(code.textContent, button));
    const frame = el(
      "div",
      { class: "code", dir: "ltr" },
      el("div", { class: "code-bar" }, el("span", { text: language }), button),
    );
    pre.replaceWith(frame);
    pre.tabIndex = 0;
    frame.append(pre);
  }
  return fragment;
}

const purify = (html) => decorate(DOMPurify.sanitize(html, PURIFY));
const markdown = (source) => purify(marked.parse(source));

/** A text that grows. Blocks that can't change any more are left alone and only the last one is
 * made anew, at most once a frame and never for more than a third of the time. */
class GrowingMarkdown {
  constructor(node, text = "") {
    this.node = node;
    this.text = text;
    this.done = 0;
    this.tail = [];
    this.frame = null;
    if (text) this.draw();
  }

  append(delta) {
    this.text += delta.replaceAll("\r", "");
    this.frame ??= requestAnimationFrame(() => this.tick());
  }

  tick() {
    const started = performance.now();
    this.draw();
    const cost = performance.now() - started;
    this.frame = null;
    if (cost > 8) {
      this.frame = -1;
      setTimeout(() => {
        this.frame = null;
        this.append("");
      }, cost * 2);
    }
  }

  isWhole(part) {
    if (part.text !== this.text || part.annotations?.length || /^ {0,3}\[[^\]]+\]:/m.test(this.text)) return false;
    this.draw();
    return true;
  }

  draw() {
    if (this.drawn === this.text.length) return;
    this.drawn = this.text.length;
    const tokens = marked.lexer(this.text.slice(this.done));
    let last = tokens.length - 1;
    while (last > 0 && tokens[last].type === "space") last--;
    const settled = tokens.slice(0, Math.max(last, 0));
    settled.links = tokens.links;
    const open = tokens.slice(Math.max(last, 0));
    open.links = tokens.links;
    for (const node of this.tail) node.remove();
    if (settled.length) {
      this.done += settled.reduce((sum, token) => sum + token.raw.length, 0);
      this.node.append(purify(marked.parser(settled)));
    }
    const fragment = purify(marked.parser(open));
    this.tail = [...fragment.childNodes];
    this.node.append(fragment);
  }
}

const plain = (source) =>
  source
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/[`*_#>~|]+/g, "")
    .replace(/\s+/g, " ")
    .trim();

/* ---------------------------------------------------------------- feedback */

/** The protocol has no way to ask for feedback once given: this browser remembers its own. */
const feedback = {
  key: "chatstore.feedback",
  all() {
    try {
      return JSON.parse(localStorage.getItem(this.key)) ?? {};
    } catch {
      return {};
    }
  },
  of(id) {
    return this.all()[id];
  },
  set(id, kind) {
    const all = Object.entries({ ...this.all(), [id]: kind }).slice(-2000);
    try {
      localStorage.setItem(this.key, JSON.stringify(Object.fromEntries(all)));
    } catch {
      // No room, or storage is forbidden: the server has it.
    }
  },
};

function thumb(item, kind) {
  const button = iconButton(kind === "positive" ? "thumb-up" : "thumb-down", strings[kind], async () => {
    try {
      await call("items.feedback", { thread_id: item.thread_id, item_ids: [item.id], kind });
    } catch (error) {
      return showError(error);
    }
    feedback.set(item.id, kind);
    for (const other of button.parentElement.querySelectorAll(".thumb")) {
      other.setAttribute("aria-pressed", other === button);
    }
    announce(strings.thanks);
  });
  button.classList.add("thumb");
  button.setAttribute("aria-pressed", feedback.of(item.id) === kind);
  return button;
}

/* ---------------------------------------------------------------- items */

const MARK = 0xe000; // private use: where the n-th annotation stands, until the text is rendered

/** Text with its annotations as small numbers in their places. */
function annotated(part) {
  const annotations = part.annotations ?? [];
  if (!annotations.length) return markdown(part.text);
  const render = (placed) => {
    let source = part.text;
    for (const [at, n] of placed.sort((a, b) => b[0] - a[0] || b[1] - a[1])) {
      source = source.slice(0, at) + String.fromCharCode(MARK + n) + source.slice(at);
    }
    return markdown(source);
  };
  const wanted = annotations
    .map((annotation, n) => [annotation.index, n])
    .filter(([at]) => Number.isInteger(at) && at >= 0 && at <= part.text.length);
  let fragment = render(wanted);
  // One that fell into a link's address or a tag would break it: those stand at the end.
  const shown = fragment.textContent;
  const kept = wanted.filter(([, n]) => shown.includes(String.fromCharCode(MARK + n)));
  if (kept.length < wanted.length) fragment = render(kept);
  const walker = document.createTreeWalker(fragment, NodeFilter.SHOW_TEXT);
  const nodes = [];
  while (walker.nextNode()) nodes.push(walker.currentNode);
  const number = (n) => sourceNumber(annotations[n], n + 1);
  for (const node of nodes) {
    const pieces = node.data.split(/([\ue000-\uf8ff])/);
    if (pieces.length === 1) continue;
    node.replaceWith(
      ...pieces.map((piece) => {
        const n = piece.length === 1 ? piece.charCodeAt(0) - MARK : -1;
        return n >= 0 && n < annotations.length ? number(n) : piece;
      }),
    );
  }
  const rest = annotations.map((_, n) => n).filter((n) => !kept.some(([, other]) => other === n));
  if (rest.length) (fragment.lastElementChild ?? fragment).append(...rest.map(number));
  return fragment;
}

const safeURL = (value) => (/^(https?:|mailto:|\/(?!\/))/i.test(value ?? "") ? value : null);

function sourceLink(source) {
  const title = source.title || source.filename || source.url;
  const url = source.type === "url" && safeURL(source.url);
  if (url) return el("a", { href: url, target: "_blank", rel: "noopener noreferrer nofollow", text: title });
  if (source.type === "entity" && source.interactive) {
    return el("button", {
      type: "button",
      class: "link",
      text: title,
      onclick: () => hook("entity", { entity: source }),
    });
  }
  return el("span", { text: title });
}

function sourceNumber(annotation, n) {
  const source = annotation.source;
  const label = say("source", { n, title: source.title });
  const open = (event) => {
    const details = event.target.closest(".item").querySelector(".sources");
    details.open = true;
    const entry = details.querySelectorAll("li")[n - 1];
    entry.querySelector("a, button")?.focus();
    entry.scrollIntoView({ block: "nearest" });
  };
  const name = source.type === "entity" && source.inline_label ? source.inline_label : String(n);
  return el("button", {
    type: "button",
    class: "cite",
    title: source.title,
    "aria-label": label,
    text: name,
    onclick: open,
  });
}

function sourceList(annotations) {
  return el(
    "details",
    { class: "sources" },
    el("summary", {}, icon("book-open"), say("sources", { n: annotations.length })),
    el(
      "ol",
      {},
      ...annotations.map(({ source }) =>
        el(
          "li",
          {},
          sourceLink(source),
          source.description && el("p", { text: source.description }),
          el("small", {
            text: [source.attribution, source.filename, source.group, source.timestamp].filter(Boolean).join(" · "),
          }),
        ),
      ),
    ),
  );
}

function attachmentTile(attachment) {
  if (attachment.type === "image" && safeURL(attachment.preview_url)) {
    const image = el("img", { src: attachment.preview_url, alt: attachment.name, loading: "lazy" });
    // A preview's address may have expired, or its host may be out of reach.
    image.addEventListener("error", () => image.parentElement.replaceWith(fileTile(attachment)), { once: true });
    return el(
      "a",
      { class: "thumbnail", href: attachment.preview_url, target: "_blank", rel: "noopener noreferrer" },
      image,
    );
  }
  return fileTile(attachment);
}

const fileTile = ({ name }) => el("span", { class: "file", title: name }, icon("document"), el("bdi", { text: name }));

/** What is said of an answer or a widget that is not complete. */
function endingOf({ ending }) {
  return ending && el("p", { class: "muted ending", text: strings[`ending_${ending}`] });
}

const draws = {
  user_message(item) {
    const words = item.content.map((part) =>
      part.type === "input_tag" ? el("span", { class: "tag", text: `@${part.text}` }) : part.text,
    );
    return [
      item.quoted_text && el("blockquote", { class: "quoted", dir: "auto", text: item.quoted_text }),
      item.attachments?.length && el("div", { class: "attachments" }, ...item.attachments.map(attachmentTile)),
      el("div", { class: "bubble", dir: "auto" }, ...words),
    ];
  },

  assistant_message(item, entry) {
    const annotations = item.content.flatMap((part) => part.annotations ?? []);
    const grown = entry.growing ?? [];
    entry.growing = [];
    const bodies = item.content.map((part, index) => {
      // What has grown to the very text needn't be made again, unless its end changes its beginning.
      if (!entry.isLive && grown[index]?.isWhole(part)) return grown[index].node;
      const body = el("div", { class: "prose", dir: "auto" });
      if (entry.isLive) entry.growing[index] = new GrowingMarkdown(body, part.text);
      else body.append(annotated(part));
      return body;
    });
    const source = item.content.map((part) => part.text).join("\n\n");
    const copyButton = iconButton("copy", strings.copy, () => copy(source, copyButton));
    const quoteButton = iconButton("quote", strings.quote, () => quote(selectionIn(entry.node) || plain(source)));
    return [
      ...bodies,
      annotations.length > 0 && sourceList(annotations),
      endingOf(item),
      !entry.isLive &&
        el(
          "div",
          { class: "actions" },
          copyButton,
          quoteButton,
          thumb(item, "positive"),
          thumb(item, "negative"),
          timeOf(item.created_at),
        ),
    ];
  },

  workflow: ({ workflow }, entry) => [drawWorkflow(workflow, entry.isLive)],
  task: ({ task }) => [drawTask(task)],
  generated_image({ image }, entry) {
    if (image && safeImage(image.url))
      return [el("img", { class: "generated", src: image.url, alt: strings.generatedImage })];
    return [
      el("div", { class: "generated placeholder", text: entry.isLive ? strings.drawing : strings.generatedImage }),
    ];
  },
  client_tool_call: (item, entry) => [drawToolCall(item, entry)],
  structured_input: (item) => [drawStructuredInput(item)],
  widget: (item) => [drawWidget(item), endingOf(item)],
  end_of_turn: () => [],
};

const safeImage = (value) => safeURL(value) || /^data:image\/(png|jpeg|gif|webp);/.test(value ?? "");

/** One item on the page. `isLive` while its stream may still change it. */
class Entry {
  constructor(item, isLive = false) {
    const isUser = item.type === "user_message";
    this.node = el("article", {
      class: `item ${item.type.replaceAll("_", "-")}`,
      "aria-label": `${isUser ? strings.you : strings.assistant}, ${longFormat.format(new Date(item.created_at))}`,
      "data-id": item.id,
      tabindex: -1,
    });
    this.isLive = isLive;
    this.draw(item);
  }

  draw(item, isLive = this.isLive) {
    const open =
      isLive === this.isLive ? [...this.node.querySelectorAll("details")].map((details) => details.open) : [];
    this.item = item;
    this.isLive = isLive;
    const draw = draws[item.type] ?? (() => [el("p", { class: "muted", text: strings.unknown })]);
    const parts = draw(item, this).filter(Boolean);
    // A part that is there stays there: moving a long answer would lay it out anew.
    for (const child of [...this.node.childNodes]) if (!parts.includes(child)) child.remove();
    parts.forEach(
      (part, n) => part !== this.node.childNodes[n] && this.node.insertBefore(part, this.node.childNodes[n] ?? null),
    );
    this.node.querySelectorAll("details").forEach((details, n) => n in open && (details.open = open[n]));
    this.node.hidden = !this.node.hasChildNodes();
  }

  /** Apply an update of the stream. */
  update(update) {
    const { item } = this;
    const index = update.content_index;
    switch (update.type) {
      case "assistant_message.content_part.text_delta":
        item.content[index] ??= { type: "output_text", text: "", annotations: [] };
        item.content[index].text += update.delta;
        if (this.growing?.[index]) return this.growing[index].append(update.delta);
        break;
      case "assistant_message.content_part.added":
      case "assistant_message.content_part.done": {
        const before = item.content[index];
        item.content[index] = update.content;
        if (before && this.growing?.[index] && update.content.text.startsWith(before.text)) {
          return this.growing[index].append(update.content.text.slice(before.text.length));
        }
        break;
      }
      case "assistant_message.content_part.annotation_added":
        item.content[index].annotations ??= [];
        item.content[index].annotations[update.annotation_index] = update.annotation;
        return undefined; // drawn when the message is done
      case "workflow.task.added":
      case "workflow.task.updated":
        item.workflow.tasks[update.task_index] = update.task;
        break;
      case "generated_image.updated":
        item.image = update.image;
        break;
      case "widget.root.updated":
        item.widget = update.widget;
        break;
      case "widget.component.updated":
        item.widget = replaceComponent(item.widget, update.component_id, () => update.component);
        break;
      case "widget.streaming_text.value_delta":
        item.widget = replaceComponent(item.widget, update.component_id, (old) => ({
          ...old,
          value: (old.value ?? "") + update.delta,
        }));
        break;
    }
    return this.draw(item);
  }
}

/* ---------------------------------------------------------------- workflows, tasks, tools */

function drawTask(task) {
  const title = task.title || task.title_query || strings[`task_${task.type}`] || strings.task;
  const name =
    { web_search: "globe", thought: "lightbulb", file: "document", image: "square-image" }[task.type] ?? task.icon;
  const sources = task.sources ?? [];
  return el(
    "div",
    { class: `step ${task.status_indicator ?? "none"}` },
    task.status_indicator === "complete"
      ? icon("check")
      : task.status_indicator === "loading"
        ? el("span", { class: "spinner" })
        : icon(name),
    el(
      "div",
      {},
      el("p", { class: "step-title", dir: "auto", text: title }),
      task.queries?.length > 0 && el("p", { class: "muted", text: task.queries.join(" · ") }),
      task.content && el("div", { class: "prose small", dir: "auto" }, markdown(task.content)),
      sources.length > 0 &&
        el("ul", { class: "step-sources" }, ...sources.map((source) => el("li", {}, sourceLink(source)))),
    ),
  );
}

function drawWorkflow(workflow, isLive) {
  const { summary } = workflow;
  const title =
    summary?.title ??
    (summary?.duration !== undefined
      ? say("worked", {
          duration: new Intl.NumberFormat(locale, { style: "unit", unit: "second", unitDisplay: "long" }).format(
            summary.duration,
          ),
        })
      : isLive
        ? strings.working
        : strings.workDone);
  return el(
    "details",
    { class: "work", open: workflow.expanded || isLive },
    el(
      "summary",
      {},
      isLive && !summary ? el("span", { class: "spinner" }) : icon(summary?.icon ?? "sparkle"),
      el("span", { text: title }),
    ),
    el("div", { class: "steps" }, ...workflow.tasks.map(drawTask)),
  );
}

function drawToolCall(item, entry) {
  const isDone = item.status === "completed";
  return el(
    "div",
    { class: "step tool" },
    isDone ? icon("check") : entry.isRunning ? el("span", { class: "spinner" }) : icon("desktop"),
    el(
      "div",
      {},
      el("p", { class: "step-title", text: say(isDone ? "toolDone" : "toolAsked", { name: item.name }) }),
      !isDone &&
        !entry.isRunning &&
        view.thread?.id === item.thread_id &&
        el("button", { type: "button", class: "button", text: strings.runTool, onclick: () => runTool(item) }),
    ),
  );
}

function drawStructuredInput(item) {
  if (item.status !== "pending") {
    return el(
      "dl",
      { class: "answers" },
      ...item.inputs.flatMap((input) => [
        el("dt", { dir: "auto", text: input.question }),
        el("dd", { dir: "auto", text: input.answer?.values?.join(", ") || strings.skipped }),
      ]),
    );
  }
  const form = el("form", { class: "card structured" });
  for (const input of item.inputs) {
    const group = el("fieldset", {}, el("legend", { dir: "auto", text: input.question }));
    if (input.type === "multiple_choice") {
      const type = input.multiple ? "checkbox" : "radio";
      for (const option of input.options) {
        group.append(
          el(
            "label",
            { class: "choice" },
            el("input", { type, name: input.id, value: option.value }),
            el("span", { dir: "auto", text: option.value }),
          ),
        );
      }
      group.append(
        el("input", {
          class: "field",
          name: input.id,
          "data-other": true,
          placeholder: strings.otherAnswer,
          "aria-label": strings.otherAnswer,
          dir: "auto",
        }),
      );
    } else {
      if (input.description) group.append(el("p", { class: "muted", dir: "auto", text: input.description }));
      group.append(
        el("textarea", { class: "field", name: input.id, rows: 2, "aria-label": input.question, dir: "auto" }),
      );
    }
    form.append(group);
  }
  const submit = (status) => {
    const answers = {};
    for (const input of item.inputs) {
      const fields = [...form.elements].filter((field) => field.name === input.id);
      const other = fields
        .filter((field) => !("checked" in field) || /text/.test(field.type))
        .map((field) => field.value.trim())
        .filter(Boolean);
      const chosen = fields
        .filter((field) => /radio|checkbox/.test(field.type) && field.checked)
        .map((field) => field.value);
      const values = input.multiple ? [...chosen, ...other] : other.length ? other : chosen;
      answers[input.id] = {
        values: status === "skipped" ? [] : values,
        skipped: status === "skipped" || values.length === 0,
      };
    }
    start("threads.add_structured_input", { thread_id: item.thread_id, item_id: item.id, input: { status, answers } });
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit("answered");
  });
  form.append(
    el(
      "div",
      { class: "buttons" },
      el("button", { class: "button primary", text: strings.submit }),
      el("button", { type: "button", class: "button", text: strings.skip, onclick: () => submit("skipped") }),
    ),
  );
  return form;
}

/* ---------------------------------------------------------------- hooks */

/** Hooks: events on `document` that a page may answer with `event.detail.respondWith(value or
 * promise)`. Returns the answer, or undefined where nobody listens. */
function hook(name, detail) {
  let answer;
  const respondWith = (value) => (answer = Promise.resolve(value));
  document.dispatchEvent(new CustomEvent(`chatstore:${name}`, { detail: { ...detail, respondWith } }));
  return answer;
}

async function runTool(item) {
  const entry = view.entries.get(item.id);
  if (entry) {
    entry.isRunning = true;
    entry.draw(item);
  }
  let result;
  try {
    result = await (hook("tool", { name: item.name, arguments: item.arguments }) ?? {
      error: `Unknown tool ${item.name}`,
    });
  } catch (error) {
    result = { error: String(error?.message ?? error) };
  }
  // The server doesn't send the call again once it has its answer.
  if (entry) Object.assign(entry, { isRunning: false }).draw({ ...item, status: "completed" });
  await start("threads.add_client_tool_output", { thread_id: item.thread_id, result: result ?? null });
}

/* ---------------------------------------------------------------- widgets */

const children = (component) => [component.children ?? []].flat();

function replaceComponent(component, id, change) {
  if (component.id === id) return change(component);
  if (!component.children) return component;
  const changed = children(component).map((child) => replaceComponent(child, id, change));
  return { ...component, children: Array.isArray(component.children) ? changed : changed[0] };
}

const COLORS = new Set([
  "prose",
  "primary",
  "emphasis",
  "secondary",
  "tertiary",
  "success",
  "warning",
  "danger",
  "info",
  "discovery",
]);
const length = (value, unit = 1) => (typeof value === "number" ? `${value * unit}px` : value);
const themed = (value) =>
  typeof value === "object" && value
    ? value[matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"]
    : value;

/** Layout goes through the CSSOM, which a strict policy allows; only known properties are set. */
function style(node, component) {
  const s = node.style;
  for (const name of ["width", "height", "minWidth", "minHeight", "maxWidth", "maxHeight", "aspectRatio", "flex"]) {
    if (component[name] !== undefined)
      s[name] = name === "aspectRatio" || name === "flex" ? component[name] : length(component[name]);
  }
  if (component.size !== undefined && /^\d/.test(component.size)) s.width = s.height = length(component.size);
  if (component.gap !== undefined) s.gap = length(component.gap, 4);
  for (const name of ["padding", "margin"]) {
    const value = component[name];
    if (value === undefined || value === null) continue;
    if (typeof value !== "object") s[name] = length(value, 4);
    else {
      s[`${name}Block`] = `${length(value.top ?? value.y ?? 0, 4)} ${length(value.bottom ?? value.y ?? 0, 4)}`;
      s[`${name}Inline`] = `${length(value.left ?? value.x ?? 0, 4)} ${length(value.right ?? value.x ?? 0, 4)}`;
    }
  }
  const background = themed(component.background);
  const surface = /^surface(.*ary)?/.exec(background ?? "");
  if (background) s.backgroundColor = surface ? `var(--${surface[1] ? "ground" : "raised"})` : background;
  const color = themed(component.color);
  if (color && COLORS.has(color)) node.dataset.color = color;
  else if (color) s.color = color;
  for (const name of ["align", "justify", "textAlign", "weight", "radius"]) {
    if (component[name]) node.dataset[name] = component[name];
  }
  if (component.wrap) s.flexWrap = component.wrap;
  if (component.border) node.classList.add("bordered");
  if (typeof component.size === "string" && /^\d?[a-z]+$/.test(component.size)) node.dataset.size = component.size;
  if (component.truncate) node.classList.add("truncate");
  if (component.maxLines) {
    node.classList.add("clamp");
    s.setProperty("-webkit-line-clamp", component.maxLines);
  }
  return node;
}

/** Collect a form's fields; `a.b` names a field within an object. */
function fields(scope) {
  const values = {};
  for (const field of scope.querySelectorAll("[name]")) {
    if (field.type === "radio" && !field.checked) continue;
    const value =
      field.type === "checkbox"
        ? field.checked
        : field.type === "number" && field.value
          ? Number(field.value)
          : field.value;
    const path = field.name.split(".");
    let target = values;
    for (const key of path.slice(0, -1)) target = Object.hasOwn(target, key) ? target[key] : (target[key] = {});
    target[path.at(-1)] = value;
  }
  return values;
}

async function act(item, config, scope, extra = {}) {
  const form = scope?.closest("form");
  const invalid = form && [...form.querySelectorAll("[name]")].find((field) => !field.reportValidity());
  if (invalid) return;
  const inputs = form ? fields(form) : {};
  const payload = form || Object.keys(extra).length ? { ...config.payload, ...inputs, ...extra } : config.payload;
  const action = { type: config.type, payload };
  const node = view.entries.get(item.id)?.node;
  if (config.handler === "client") return void hook("action", { action, item });
  const params = { thread_id: item.thread_id, item_id: item.id, action };
  node?.setAttribute("aria-busy", "true");
  try {
    if (config.streaming !== false) await start("threads.custom_action", params);
    else {
      const { updated_item: updated } = await call("threads.sync_custom_action", params);
      if (updated) view.entries.get(updated.id)?.draw(updated, false);
    }
  } catch (error) {
    showError(error);
  } finally {
    node?.removeAttribute("aria-busy");
  }
}

const box = (direction) => (c, item) =>
  style(
    el("div", { class: `w-box w-${c.direction ?? direction}` }, ...children(c).map((child) => component(child, item))),
    c,
  );
const words = (tag, name) => (c) => style(el(tag, { class: name, dir: "auto", text: c.value }), c);
const changes = (c, item) => ({
  name: c.name,
  disabled: c.disabled,
  required: c.required,
  onchange:
    c.onChangeAction &&
    ((event) =>
      act(item, c.onChangeAction, event.target, {
        [c.name]: event.target.type === "checkbox" ? event.target.checked : event.target.value,
      })),
});

function form(c, action, item, node) {
  const frame = el("form", { class: node.className, novalidate: false }, ...node.childNodes);
  frame.addEventListener("submit", (event) => {
    event.preventDefault();
    if (action) act(item, action, frame);
  });
  return frame;
}

const widgets = {
  Basic: box("col"),
  Box: box("col"),
  Col: box("col"),
  Row: box("row"),
  Transition: box("col"),
  Form: (c, item) => style(form(c, c.onSubmitAction, item, box("col")(c, item)), c),
  Card(c, item) {
    const button = (config, kind, isSubmit) =>
      config &&
      el("button", {
        type: isSubmit ? "submit" : "button",
        class: `button ${kind}`,
        text: config.label,
        onclick: !isSubmit && (() => act(item, config.action)),
      });
    const { size, ...rest } = c;
    const body = el(
      "div",
      { class: "card widget-card" },
      c.status && el("p", { class: "w-status" }, c.status.icon && icon(c.status.icon), c.status.text),
      ...(c.collapsed ? [] : children(c).map((child) => component(child, item))),
      (c.confirm || c.cancel) &&
        el("div", { class: "buttons" }, button(c.cancel, ""), button(c.confirm, "primary", c.asForm)),
    );
    const card = style(c.asForm ? form(c, c.confirm?.action, item, body) : body, rest);
    if (size) card.dataset.card = size;
    return card;
  },
  ListView(c, item) {
    const limit = c.limit === "auto" ? 6 : (c.limit ?? Infinity);
    const rows = children(c).map((child) => component(child, item));
    rows.slice(limit).forEach((row) => (row.hidden = true));
    const more =
      rows.length > limit &&
      el("button", {
        type: "button",
        class: "button",
        text: strings.showMore,
        onclick: () => {
          rows.forEach((row) => (row.hidden = false));
          more.remove();
        },
      });
    return el(
      "div",
      { class: "card widget-list" },
      c.status && el("p", { class: "w-status" }, c.status.text),
      ...rows,
      more,
    );
  },
  ListViewItem(c, item) {
    const inside = children(c).map((child) => component(child, item));
    const click = c.onClickAction && (() => act(item, c.onClickAction));
    return style(
      click
        ? el("button", { type: "button", class: "w-item", onclick: click }, ...inside)
        : el("div", { class: "w-item" }, ...inside),
      c,
    );
  },
  Text(c, item) {
    if (!c.editable) {
      const node = words("p", "w-text")(c);
      node.classList.toggle("italic", Boolean(c.italic));
      node.classList.toggle("struck", Boolean(c.lineThrough));
      return node;
    }
    return widgets.Input({ ...c.editable, defaultValue: c.value }, item);
  },
  Title: words("h3", "w-title"),
  Caption: words("p", "w-caption"),
  Markdown: (c) => el("div", { class: "prose", dir: "auto" }, markdown(c.value)),
  Badge: (c) =>
    style(el("span", { class: `badge ${c.variant ?? "soft"}`, text: c.label }), { color: c.color ?? "secondary" }),
  Divider: (c) => el("hr", { class: "w-divider" }),
  Spacer: (c) => el("span", { class: "w-spacer" }),
  Icon: (c) => style(icon(c.name), c),
  Image: (c) =>
    safeImage(c.src)
      ? style(el("img", { class: "w-image", src: c.src, alt: c.alt ?? "", loading: "lazy", "data-fit": c.fit }), c)
      : el("span", { class: "muted", text: c.alt ?? "" }),
  Button(c, item) {
    const kind = c.style === "primary" || c.variant === "solid" || (c.submit && !c.style) ? "primary" : "";
    const node = el(
      "button",
      {
        type: c.submit ? "submit" : "button",
        class: `button ${kind} ${c.block ? "block" : ""}`,
        disabled: c.disabled,
        "aria-label": c.label ? null : c.iconStart,
        onclick: c.onClickAction && ((event) => act(item, c.onClickAction, event.target)),
      },
      c.iconStart && icon(c.iconStart),
      c.label,
      c.iconEnd && icon(c.iconEnd),
    );
    if (c.color) node.dataset.color = c.color;
    return node;
  },
  Label: (c) => style(el("label", { class: "w-label", "data-for": c.fieldName, text: c.value, dir: "auto" }), c),
  Input: (c, item) =>
    el("input", {
      class: "field",
      type: c.inputType ?? "text",
      value: c.defaultValue,
      placeholder: c.placeholder,
      pattern: c.pattern,
      "aria-label": c.placeholder ?? c.name,
      dir: "auto",
      ...changes(c, item),
    }),
  Textarea: (c, item) =>
    el(
      "textarea",
      {
        class: "field",
        rows: c.rows ?? 3,
        placeholder: c.placeholder,
        "aria-label": c.placeholder ?? c.name,
        dir: "auto",
        ...changes(c, item),
      },
      c.defaultValue ?? "",
    ),
  Select: (c, item) =>
    el(
      "select",
      { class: "field", "aria-label": c.placeholder ?? c.name, ...changes(c, item) },
      (c.placeholder || c.clearable) && el("option", { value: "", text: c.placeholder ?? "" }),
      ...c.options.map((o) =>
        el("option", { value: o.value, text: o.label, disabled: o.disabled, selected: o.value === c.defaultValue }),
      ),
    ),
  DatePicker: (c, item) =>
    el("input", {
      class: "field",
      type: "date",
      value: c.defaultValue?.slice(0, 10),
      min: c.min?.slice(0, 10),
      max: c.max?.slice(0, 10),
      "aria-label": c.placeholder ?? c.name,
      ...changes(c, item),
    }),
  Checkbox: (c, item) =>
    el(
      "label",
      { class: "choice" },
      el("input", { type: "checkbox", checked: c.defaultChecked, value: "on", ...changes(c, item) }),
      el("span", { dir: "auto", text: c.label ?? "" }),
    ),
  RadioGroup: (c, item) =>
    el(
      "div",
      { class: `w-radios w-${c.direction ?? "row"}`, role: "radiogroup", "aria-label": c.ariaLabel ?? c.name },
      ...(c.options ?? []).map((o) =>
        el(
          "label",
          { class: "choice" },
          el("input", {
            type: "radio",
            value: o.value,
            checked: o.value === c.defaultValue,
            ...changes(c, item),
            disabled: c.disabled || o.disabled,
          }),
          el("span", { dir: "auto", text: o.label }),
        ),
      ),
    ),
  Chart: drawChart,
};

/** A chart is shown as its numbers: every screen and every reader can show those. */
function drawChart(c) {
  const key = typeof c.xAxis === "string" ? c.xAxis : c.xAxis?.dataKey;
  const labels = c.xAxis?.labels ?? {};
  const highest = Math.max(1, ...c.data.flatMap((row) => c.series.map((s) => Number(row[s.dataKey]) || 0)));
  const cell = (row, s) => {
    const value = Number(row[s.dataKey]) || 0;
    const bar = el("progress", { max: highest, value, "aria-hidden": "true" });
    return el("td", {}, bar, new Intl.NumberFormat(locale).format(value));
  };
  const head = el("tr", {}, el("td"), ...c.series.map((s) => el("th", { scope: "col", text: s.label ?? s.dataKey })));
  const rows = c.data.map((row) =>
    el("tr", {}, el("th", { scope: "row", text: labels[row[key]] ?? row[key] }), ...c.series.map((s) => cell(row, s))),
  );
  return scrolling(el("table", { class: "w-chart" }, el("thead", {}, head), el("tbody", {}, ...rows)));
}

/** Components that this page doesn't know are shown as the text that they hold. */
function component(c, item) {
  if (widgets[c.type]) return widgets[c.type](c, item);
  const said = [c.label, c.title, c.value, c.text].filter((value) => typeof value === "string");
  return el(
    "div",
    { class: "w-unknown" },
    ...said.map((value) => el("p", { dir: "auto", text: value })),
    ...children(c).map((child) => component(child, item)),
  );
}

function drawWidget(item) {
  const node = el("div", { class: "widget" }, component(item.widget, item));
  node.querySelectorAll("[data-for]").forEach((label, n) => {
    const field = node.querySelector(`[name="${CSS.escape(label.dataset.for)}"]`);
    if (field) {
      field.id ||= `${item.id}-${n}`;
      label.htmlFor = field.id;
      field.removeAttribute("aria-label");
    }
  });
  return node;
}

/* ---------------------------------------------------------------- the list of threads */

const PAGE = 30;

const threadList = {
  threads: [],
  after: null,
  hasMore: false,
  coming: null,
  previews: new Map(),
  waiting: [],
  loading: 0,

  async reload() {
    const page = await call("threads.list", {
      limit: Math.max(PAGE, Math.min(this.threads.length, 100)),
      order: "desc",
    });
    Object.assign(this, { threads: page.data, after: page.after ?? null, hasMore: Boolean(page.has_more) });
    // One from further down that is open stays in sight, whichever of the two was loaded first.
    const last = page.data.at(-1);
    if (view.thread && this.hasMore && new Date(view.thread.created_at) < new Date(last.created_at))
      this.threads.push(view.thread);
    this.draw();
  },

  /** Load the next page; whoever asks meanwhile waits for the same one. */
  more() {
    this.coming ??= this.loadMore().finally(() => (this.coming = null));
    return this.coming;
  },

  async loadMore() {
    if (!this.hasMore) return;
    const limit = this.query ? 100 : PAGE;
    const page = await call("threads.list", { limit, order: "desc", after: this.after });
    const known = new Set(this.threads.map(({ id }) => id));
    this.threads.push(...page.data.filter(({ id }) => !known.has(id)));
    this.sort(); // one from further down may have been there before
    Object.assign(this, { after: page.after ?? null, hasMore: Boolean(page.has_more) });
    this.draw();
  },

  put(thread) {
    const at = this.threads.findIndex(({ id }) => id === thread.id);
    if (at >= 0) this.threads[at] = { ...this.threads[at], ...thread };
    else this.threads.push(thread);
    this.sort();
    this.draw();
  },

  sort() {
    this.threads.sort((a, b) => new Date(b.created_at) - new Date(a.created_at));
  },

  drop(id) {
    this.threads = this.threads.filter((thread) => thread.id !== id);
    this.draw();
  },

  get query() {
    return $("search").value.trim().toLocaleLowerCase(locale);
  },

  matches(thread) {
    const date = new Date(thread.created_at);
    const searched = [
      thread.title ?? strings.untitled,
      this.previews.get(thread.id),
      longFormat.format(date),
      dayName(thread.created_at),
      thread.created_at,
    ];
    const all = searched.join(" ").toLocaleLowerCase(locale);
    return this.query.split(/\s+/).every((word) => all.includes(word));
  },

  draw() {
    const shown = this.query ? this.threads.filter((thread) => this.matches(thread)) : this.threads;
    const groups = [];
    let name;
    for (const thread of shown) {
      const date = new Date(thread.created_at);
      const age = daysAgo(date);
      const group = age < 2 ? dayName(thread.created_at) : age < 7 ? strings.week : monthFormat.format(date);
      if (group !== name) groups.push([(name = group), []]);
      groups.at(-1)[1].push(this.row(thread));
    }
    const focused = document.activeElement?.closest?.("#thread-list li");
    const at = focused ? [...$("thread-list").querySelectorAll("li")].indexOf(focused) : -1;
    $("thread-list").replaceChildren(
      ...groups.map(([title, rows]) => el("section", {}, el("h2", { text: title }), el("ul", {}, ...rows))),
    );
    // Whose row is gone finds itself on the one that took its place.
    const rows = [...$("thread-list").querySelectorAll("li")];
    if (focused) ((this.rowOf(focused.dataset.id) ?? rows[at] ?? rows.at(-1))?.querySelector("a") ?? $("new")).focus();
    $("no-threads").hidden = shown.length > 0;
    $("no-threads").textContent = this.query ? strings.nothingFound : strings.noThreads;
    $("more-threads").hidden = !this.hasMore;
    rowsInSight.disconnect();
    for (const row of rows) rowsInSight.observe(row);
  },

  rowOf(id) {
    return $("thread-list").querySelector(`[data-id="${CSS.escape(id)}"]`);
  },

  row(thread) {
    const title = thread.title || strings.untitled;
    const isOpen = thread.id === view.thread?.id;
    const status = thread.status?.type ?? "active";
    const link = el(
      "a",
      { href: address(thread.id), "aria-current": isOpen && "page", onclick: (event) => follow(event, thread.id) },
      el(
        "span",
        { class: "row-title" },
        status !== "active" && icon(status === "locked" ? "lock" : "archive"),
        el("bdi", { text: title }),
      ),
      el("span", { class: "row-preview", dir: "auto", text: this.previews.get(thread.id) ?? "" }),
      el("time", {
        datetime: thread.created_at,
        title: longFormat.format(new Date(thread.created_at)),
        text: shortDate(thread.created_at),
      }),
    );
    const menu = iconButton("dots-horizontal", say("actionsFor", { title }), () => openMenu(menu, thread), {
      "aria-haspopup": "menu",
    });
    return el("li", { "data-id": thread.id }, link, menu);
  },

  /** The protocol's list has no last message, so it is asked for, for the rows in sight. */
  wantPreview(id) {
    if (this.previews.has(id) || this.waiting.includes(id)) return;
    this.waiting.push(id);
    this.loadPreviews();
  },

  async loadPreviews() {
    while (this.loading < 3 && this.waiting.length && !network.isLost) {
      const id = this.waiting.shift();
      this.loading++;
      try {
        const { data } = await call("items.list", { thread_id: id, limit: 6, order: "desc" });
        this.setPreview(id, data);
      } catch {
        // A preview is an ornament.
      } finally {
        this.loading--;
      }
    }
  },

  setPreview(id, newestFirst) {
    const item = newestFirst.find(({ type }) => type === "assistant_message" || type === "user_message");
    const said = plain(
      (item?.content ?? [])
        .map((part) => part.text)
        .join(" ")
        .slice(0, 600),
    ).slice(0, 140);
    this.previews.set(id, said);
    const row = this.rowOf(id);
    if (row) row.querySelector(".row-preview").textContent = said;
    else if (this.query && said) this.draw();
  },
};

const rowsInSight = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) if (isIntersecting) threadList.wantPreview(target.dataset.id);
});
// Where that fails the button stays, and says why.
new IntersectionObserver(([entry]) => entry.isIntersecting && threadList.more().catch(() => {}), {
  rootMargin: "200px",
}).observe($("more-threads"));
$("more-threads").addEventListener("click", () => threadList.more().catch(showError));

let searching;
$("search").addEventListener("input", () => {
  threadList.draw();
  clearTimeout(searching);
  // A search looks at every title and date, and at the words of the newest two hundred.
  searching = setTimeout(async () => {
    try {
      while (threadList.query && threadList.hasMore) await threadList.more();
    } catch (error) {
      showError(error);
    }
    if (threadList.query) threadList.threads.slice(0, 200).forEach(({ id }) => threadList.wantPreview(id));
  }, 250);
});

const address = (id) => (id ? `?thread=${encodeURIComponent(id)}` : location.pathname);

function follow(event, id) {
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
  event.preventDefault();
  history.pushState(null, "", address(id));
  drawer(false); // first: nothing within what it covers can take the focus
  open(id);
}

/* ---------------------------------------------------------------- a conversation */

/** The thread that the page's address names, or null. */
function linked() {
  return new URLSearchParams(location.search).get("thread");
}

function newView(id) {
  return { id, thread: null, entries: new Map(), after: null, hasMore: false };
}

/** What is on the page: a new view each time a thread is opened, so that answers to the old one's
 * questions are known to be late. */
let view = newView(linked());
const runs = new Set();
let lost = null; // the last run that failed before its message was known to be stored
const runOf = (shown) => [...runs].find((run) => isShown(run, shown));
const isShown = (run, shown = view) => (run.threadId ? run.threadId === shown.thread?.id : run.view === shown);
const shownId = () => view.thread?.id ?? view.id ?? null;

const scroller = $("scroller");
const isAtEnd = () => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 80;

/** Whoever reads the end goes on reading the end, whatever grows there; who scrolls up, stays. */
let follows = true;
let lastTop = 0;
function scrollToEnd() {
  follows = true;
  scroller.scrollTop = scroller.scrollHeight;
}
const sizes = new ResizeObserver(() => follows && scrollToEnd());
sizes.observe(scroller);
sizes.observe(scroller.querySelector(".column"));

async function open(id, { keep = false } = {}) {
  const next = newView(id);
  if (!keep) {
    keepDraft();
    view = next;
    clearProblem();
    $("notices").replaceChildren();
    $("items").replaceChildren();
    drawThread();
    restoreDraft();
  }
  if (!id) return void focusComposer();
  $("conversation").setAttribute("aria-busy", "true");
  try {
    const [thread, page] = await Promise.all([
      call("threads.get_by_id", { thread_id: id }),
      call("items.list", { thread_id: id, limit: 50, order: "desc" }),
    ]);
    if (view.id !== id && view.thread?.id !== id) return;
    page.data.reverse();
    if (!keep || !dropMissing(page.data))
      Object.assign(view, { after: page.after ?? null, hasMore: Boolean(page.has_more) });
    view.thread = { ...thread, items: undefined };
    for (const item of page.data) put(item);
    sortItems(page.data);
    if (lost && hasArrived(lost)) $("pending").replaceChildren();
    threadList.put(view.thread);
    threadList.setPreview(id, page.data.toReversed());
    const run = runOf(view);
    for (const item of run?.live.values() ?? []) put(item, true);
    drawThread();
    if (!keep) {
      scrollToEnd();
      focusComposer();
    }
  } catch (error) {
    if (keep) throw error;
    if (view !== next) return;
    if (error.status === 404) {
      history.replaceState(null, "", address(null));
      await open(null);
    }
    showError(error, error.status === 404 ? null : () => open(id));
  } finally {
    $("conversation").removeAttribute("aria-busy");
  }
}

/** The same thread again, with what has changed meanwhile, in place. */
const reopen = () => open(view.thread.id, { keep: true });

/** Forget what the server no longer has among its newest items. Returns whether any was known:
 * otherwise there may be a gap before them. */
function dropMissing(newest) {
  const ids = new Set(newest.map(({ id }) => id));
  const all = [...view.entries.keys()];
  const from = all.findIndex((id) => ids.has(id));
  dropItems((from < 0 ? all : all.slice(from)).filter((id) => !ids.has(id)));
  return from >= 0;
}

function dropItems(ids) {
  for (const id of ids) {
    view.entries.get(id)?.node.remove();
    view.entries.delete(id);
  }
}

/** The newest items in the server's order: another tab's came between ours. */
function sortItems(newest) {
  const ids = new Set(newest.map(({ id }) => id));
  const all = [...view.entries.keys()];
  const sorted = [...all.filter((id) => !ids.has(id)), ...ids];
  if (sorted.every((id, n) => id === all[n])) return;
  view.entries = new Map(sorted.map((id) => [id, view.entries.get(id)]));
  $("items").append(...[...view.entries.values()].map(({ node }) => node));
}

/** The store may give a widget's properties in another order, and their defaults besides. */
function isSame(fresh, old) {
  if (JSON.stringify(fresh) === JSON.stringify(old)) return true;
  return (
    fresh.type === "widget" &&
    fresh.ending === old.ending &&
    covers(fresh, old) &&
    drawWidget(fresh).outerHTML === drawWidget(old).outerHTML
  );
}

function covers(fresh, old) {
  if (typeof old !== "object" || !old) return fresh === old;
  if (typeof fresh !== "object" || !fresh || fresh.length !== old.length) return false;
  return Object.keys(old).every((key) => covers(fresh[key], old[key]));
}

function put(item, isLive = false) {
  const entry = view.entries.get(item.id);
  if (entry) {
    // Drawn only when it has changed: somebody may be selecting or filling in something.
    if (isLive !== entry.isLive || !isSame(item, entry.item)) entry.draw(item, isLive);
    return;
  }
  const fresh = new Entry(item, isLive);
  view.entries.set(item.id, fresh);
  $("items").append(fresh.node);
}

async function older() {
  const shown = view;
  if (!shown.hasMore || shown.isLoading) return;
  shown.isLoading = true;
  $("older").classList.add("loading");
  try {
    const page = await call("items.list", { thread_id: shown.thread.id, limit: 50, order: "desc", after: shown.after });
    if (view !== shown) return;
    Object.assign(shown, { after: page.after ?? null, hasMore: Boolean(page.has_more) });
    const entries = page.data
      .reverse()
      .filter(({ id }) => !shown.entries.has(id))
      .map((item) => new Entry(item));
    shown.entries = new Map([...entries.map((entry) => [entry.item.id, entry]), ...shown.entries]);
    const first = $("items").firstElementChild;
    const before = first?.getBoundingClientRect().top ?? 0;
    // What was being read stays where it is.
    scroller.style.overflowAnchor = "none";
    $("items").prepend(...entries.map(({ node }) => node));
    scroller.scrollTop += (first?.getBoundingClientRect().top ?? 0) - before;
    requestAnimationFrame(() => (scroller.style.overflowAnchor = ""));
    announce(strings.olderShown);
    drawOlder(); // not after an error: it would be asked again at once, and for ever
  } catch (error) {
    showError(error);
  } finally {
    shown.isLoading = false;
    $("older").classList.remove("loading");
  }
}

const olderInSight = new IntersectionObserver(([entry]) => entry.isIntersecting && older(), {
  root: scroller,
  rootMargin: "600px 0px 0px",
});

function drawOlder() {
  $("older").hidden = !view.hasMore;
  // Observed anew: it reports only changes, and after a short page the button may never have left.
  olderInSight.unobserve($("older"));
  if (view.hasMore) olderInSight.observe($("older"));
}
$("older").querySelector("button").addEventListener("click", older);

/** Everything around the messages: title, status, composer, buttons. */
function drawThread() {
  const { thread } = view;
  const known = thread ?? threadList.threads.find(({ id }) => id === view.id); // while it is loading
  const title = known ? known.title || strings.untitled : view.id ? "" : strings.newChat;
  $("title").textContent = title;
  document.title = [title, config.siteTitle].filter(Boolean).join(" · ");
  $("thread-menu").hidden = !thread;
  $("welcome").hidden = Boolean(view.id ?? thread) || view.entries.size > 0 || $("pending").hasChildNodes();
  const status = thread?.status ?? { type: "active" };
  const isOpen = status.type === "active";
  $("closed").hidden = isOpen;
  $("composer").hidden = !isOpen;
  if (!isOpen) {
    $("closed-text").textContent = strings[status.type];
    $("closed-reason").textContent = status.reason ?? "";
  }
  for (const row of $("thread-list").querySelectorAll("li")) {
    const link = row.querySelector("a");
    if (row.dataset.id === thread?.id) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  drawOlder();
  drawRun();
}

/** What depends on an answer being under way. */
function drawRun() {
  const run = runOf(view);
  const isActive = (view.thread?.status?.type ?? "active") === "active";
  $("items").setAttribute("aria-busy", Boolean(run));
  $("send").hidden = Boolean(run);
  $("stop").hidden = !run || run.allowCancel === false;
  const isSilent =
    run && ![...run.live.values()].some((item) => item.type === "assistant_message" || item.type === "workflow");
  $("progress").hidden = !run || !(run.progress || isSilent);
  if (run)
    $("progress-text").replaceChildren(
      ...(run.progress?.icon ? [icon(run.progress.icon)] : []),
      run.progress?.text ?? strings.thinking,
    );
  $("retry-slot").hidden = true;
  retryButton.remove();
  const last = [...view.entries.values()].findLast(({ node }) => !node.hidden);
  if (!run && isActive && lastUserItem() && last.item.type !== "user_message") {
    const actions = last.node.querySelector(".actions");
    $("retry-slot").hidden = Boolean(actions);
    (actions ?? $("retry-slot")).append(retryButton);
  }
  updateSend();
}

const retryButton = iconButton("reload", strings.retry, () => retry(), { id: "retry-turn" });

function lastUserItem() {
  return [...view.entries.values()].map(({ item }) => item).findLast(({ type }) => type === "user_message");
}

function retry() {
  const user = lastUserItem();
  if (!user) return;
  const ids = [...view.entries.keys()];
  const replaced = ids.slice(ids.indexOf(user.id) + 1);
  start("threads.retry_after_item", { thread_id: view.thread.id, item_id: user.id }, { replaced });
}

/** Send a request that streams, and follow its answer to the end. `draft` is what was written for
 * it; `replaced` are the items that go as soon as the server has begun: it may yet refuse. */
async function start(type, params, { draft = null, replaced = [] } = {}) {
  if (runOf(view)) return; // one answer at a time
  const run = {
    type,
    params,
    view,
    threadId: params.thread_id ?? null,
    live: new Map(),
    controller: new AbortController(),
    draft,
    replaced,
    // A message is stored once the server sends it back, anything else once there is an answer.
    isStored: false,
    before: lastUserItem()?.id,
  };
  runs.add(run);
  clearProblem();
  $("notices").replaceChildren();
  if (draft) drawPending(run);
  drawThread();
  scrollToEnd();
  announce(strings.answering);
  try {
    const response = await post(type, params, run.controller.signal);
    for await (const event of events(response)) apply(run, event);
    // A server that is told to stop ends the stream in due form, in the middle of a sentence.
    const isCut = [...run.live.values()].some(({ type }) => type === "assistant_message");
    if (isCut) run.error ??= new Refused(strings.streamFailed, 0);
  } catch (error) {
    if (error.name === "AbortError") run.isStopped = true;
    else run.error = error;
  }
  if (run.isLeaving) return;
  runs.delete(run);
  finish(run);
}

function apply(run, event) {
  const shown = isShown(run);
  if (event.type !== "error" && shown) dropItems(run.replaced.splice(0));
  switch (event.type) {
    case "thread.created":
    case "thread.updated": {
      const thread = { ...event.thread, items: undefined };
      if (event.type === "thread.created") {
        run.threadId = thread.id;
        if (shown) history.replaceState(null, "", address(thread.id));
      }
      if (shown) view.thread = thread;
      threadList.put(thread);
      if (shown) drawThread();
      return;
    }
    case "thread.item.added":
    case "thread.item.done":
    case "thread.item.replaced": {
      const { item } = event;
      const isLive = event.type === "thread.item.added";
      if (isLive) run.live.set(item.id, item);
      else run.live.delete(item.id);
      if (!run.draft || item.type === "user_message") run.isStored = true;
      run.progress = null;
      if (item.type === "client_tool_call" && item.status === "pending") run.tool = item;
      run.last = item;
      if (!shown) return;
      if (item.type === "user_message") $("pending").replaceChildren();
      put(item, isLive);
      drawRun();
      return;
    }
    case "thread.item.updated": {
      const live = run.live.get(event.item_id);
      const entry = shown ? view.entries.get(event.item_id) : live && (run.hidden ??= new Map()).get(event.item_id);
      if (entry) {
        entry.update(event.update);
        if (live) run.live.set(event.item_id, entry.item);
      } else if (live) {
        run.hidden.set(event.item_id, new Entry(live, true));
        run.hidden.get(event.item_id).update(event.update);
      }
      if (run.progress && shown) {
        run.progress = null;
        drawRun();
      }
      return;
    }
    case "thread.item.removed":
      run.live.delete(event.item_id);
      if (shown) dropItems([event.item_id]);
      return;
    case "stream_options":
      run.allowCancel = event.stream_options.allow_cancel;
      if (shown) drawRun();
      return;
    case "progress_update":
      run.progress = event;
      if (shown) drawRun();
      announce(event.text);
      return;
    case "client_effect":
      hook("effect", { name: event.name, data: event.data });
      return;
    case "error":
      run.error = new Refused(event.message ?? strings.streamFailed, 0);
      run.error.mayRetry = event.allow_retry;
      return;
    case "notice":
      if (shown) showNotice(event);
  }
}

function finish(run) {
  const shown = isShown(run);
  const isUnsent = run.draft && !run.isStored;
  if (shown) {
    for (const { id } of run.live.values()) {
      const entry = view.entries.get(id);
      // As the server says it of a thread that is loaded.
      if (["assistant_message", "widget"].includes(entry?.item.type)) entry.item.ending = run.isStopped ? "stopped" : "failed";
      entry?.draw(entry.item, false);
    }
    if (run.isStopped && !isUnsent) announce(strings.ending_stopped);
    drawThread();
    if (run.error) {
      lost = isUnsent ? run : null;
      const mayRetry = run.error.mayRetry ?? (run.error.status ? run.error.status >= 500 || run.error.status === 429 : true);
      // 409 and the like: the thread has changed elsewhere, and the page shows how.
      if (run.error.status === 409 || run.error.status === 0) refreshStatus();
      showError(run.error, mayRetry && (() => again(run)), lost && (() => takeBack(run)));
    } else if (!run.isStopped) announceAnswer();
    else if (isUnsent) takeBackUnlessArrived(run);
  } else if (isUnsent) drafts.set(run.threadId, run.draft); // for when they come back to it
  if (run.threadId && !run.error) updatePreview(run);
  if (run.tool && !run.error && !run.isStopped && shown) runTool(run.tool);
}

/** Whether a message whose answer was never heard is there nevertheless. */
function hasArrived(run) {
  const item = run.threadId && view.thread?.id === run.threadId ? lastUserItem() : null;
  const words = (message) => message.content.map(({ text }) => text).join("");
  return item && item.id !== run.before && words(item) === words(run.params.input);
}

function again(run) {
  const { type, params, threadId } = run;
  if (view.thread && (run.isStored || (run.draft && hasArrived(run)))) retry();
  else if (type === "threads.create" && threadId)
    start("threads.add_user_message", { thread_id: threadId, input: params.input }, run);
  else start(type, params, run);
}

/** A message that was never stored goes back to where it was written. */
function takeBack(run) {
  clearProblem();
  if (!message.value && !attachments.length) setDraft(run.draft);
  drawThread();
  focusComposer();
}

/** Stopped before the server sent the message back: it may have stored it all the same. */
async function takeBackUnlessArrived(run) {
  if (run.threadId) await reopen().catch(() => {});
  if (!isShown(run)) drafts.set(run.threadId, run.draft);
  else if (hasArrived(run)) clearProblem();
  else takeBack(run);
}

async function refreshStatus() {
  const { thread } = view;
  if (!thread) return;
  const fresh = await call("threads.get_by_id", { thread_id: thread.id }).catch(() => null);
  if (!fresh || view.thread?.id !== thread.id) return;
  view.thread = { ...fresh, items: undefined };
  threadList.put(view.thread);
  drawThread();
}

function updatePreview(run) {
  if (isShown(run))
    threadList.setPreview(run.threadId, [...view.entries.values()].map(({ item }) => item).toReversed());
  else {
    threadList.previews.delete(run.threadId);
    threadList.wantPreview(run.threadId);
  }
}

function announceAnswer() {
  const last = [...view.entries.values()].map(({ item }) => item).findLast(({ type }) => type === "assistant_message");
  const said = plain(
    (last?.content ?? [])
      .map((part) => part.text)
      .join(" ")
      .slice(0, 2000),
  ).slice(0, 600);
  announce(say("answered", { text: said }));
}

/** The user's message as it was sent, until the server sends it back. */
function drawPending({ params: { input }, draft }) {
  const item = {
    type: "user_message",
    id: "",
    created_at: new Date().toISOString(),
    content: input.content,
    quoted_text: input.quoted_text,
    attachments: draft.attachments.map(({ answer }) => answer),
  };
  $("pending").replaceChildren(new Entry(item).node);
}

function clearProblem() {
  $("problem").replaceChildren();
  $("pending").replaceChildren();
}

function showError(error, again = null, back = null) {
  if (error?.name === "AbortError") return;
  if (!(error instanceof Refused || error instanceof Unreachable)) console.error(error);
  const message = error instanceof Refused || error instanceof Unreachable ? error.message : strings.failed;
  const retry = () => (alert.remove(), again());
  const againButton =
    again && el("button", { type: "button", class: "button", onclick: retry }, icon("reload"), strings.retry);
  if (again && error.waitMs) {
    againButton.disabled = true; // it would be refused again until then
    setTimeout(() => (againButton.disabled = false), error.waitMs);
  }
  const buttons = [
    againButton,
    back && el("button", { type: "button", class: "button", text: strings.edit, onclick: back }),
    [401, 403].includes(error.status) && el("a", { class: "button", href: location.href, text: strings.reload }),
  ];
  const close = iconButton("close", strings.dismiss, () => (back ? back() : alert.remove()));
  const alert = el("div", { class: "alert" }, icon("alert"), el("p", { dir: "auto", text: message }), ...buttons, close);
  // One that can be mended stays beside what fails later; the same one is said once.
  for (const old of [...$("problem").children]) if (old.querySelector("p").textContent === message) old.remove();
  $("problem").append(alert);
}

function showNotice({ level, title, message }) {
  const close = iconButton("close", strings.dismiss, () => notice.remove());
  const notice = el(
    "div",
    { class: `notice ${level}`, role: level === "danger" ? "alert" : "status" },
    icon(level === "info" ? "info" : "alert"),
    el(
      "div",
      { dir: "auto" },
      title && el("strong", { text: title }),
      el("div", { class: "prose small" }, markdown(message)),
    ),
    close,
  );
  $("notices").append(notice);
}

$("stop").addEventListener("click", stop);
function stop() {
  const run = runOf(view);
  if (run && run.allowCancel !== false) run.controller.abort();
  focusComposer();
}

scroller.addEventListener(
  "scroll",
  () => {
    const isEnd = isAtEnd();
    if (isEnd || scroller.scrollTop < lastTop) follows = isEnd;
    lastTop = scroller.scrollTop;
    $("to-end").hidden = isEnd;
    $("quote-selection").hidden = true;
  },
  { passive: true },
);
$("to-end").addEventListener("click", () => {
  scrollToEnd();
  focusComposer();
});

/* ---------------------------------------------------------------- the composer */

const message = $("message");
let quoted = null;
let attachments = [];

const focusComposer = () => {
  // On a phone the keyboard would hide what has just been opened.
  if (!$("composer").hidden && matchMedia("(pointer: fine)").matches) message.focus();
  else $("title").focus();
};

function grow() {
  message.style.height = "auto";
  message.style.height = `${Math.min(message.scrollHeight, innerHeight * 0.4)}px`;
  updateSend();
}

function updateSend() {
  const isLoading = view.id && !view.thread;
  const isReady = !isLoading && attachments.every(({ id }) => id);
  $("send").disabled = !isReady || !(message.value.trim() || attachments.length);
}

message.addEventListener("input", grow);
message.addEventListener("keydown", (event) => {
  const isPhone = matchMedia("(pointer: coarse)").matches;
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || isPhone) return;
  event.preventDefault();
  $("composer").requestSubmit();
});
$("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  if (!$("send").disabled && !runOf(view)) send(message.value.trim());
});

function send(text) {
  const draft = { text, attachments, quoted };
  const input = {
    content: text ? [{ type: "input_text", text }] : [],
    attachments: attachments.map(({ id }) => id),
    quoted_text: quoted ?? undefined,
    inference_options: {},
  };
  setDraft(noDraft);
  const thread_id = view.thread?.id;
  if (thread_id) start("threads.add_user_message", { thread_id, input }, { draft });
  else start("threads.create", { input }, { draft });
}

/* What was begun in a conversation waits there until one comes back to it. */
const drafts = new Map();
const noDraft = { text: "", attachments: [], quoted: null };

function setDraft(draft) {
  message.value = draft.text;
  setAttachments(draft.attachments);
  showQuote(draft.quoted);
  grow();
}

function keepDraft() {
  if (message.value || attachments.length || quoted)
    drafts.set(shownId(), { text: message.value, attachments, quoted });
}

function restoreDraft() {
  setDraft(drafts.get(shownId()) ?? noDraft);
  drafts.delete(shownId());
}

$("welcome").addEventListener("click", (event) => {
  const prompt = event.target.closest("[data-prompt]")?.dataset.prompt;
  if (!prompt) return;
  const written = message.value;
  send(prompt);
  message.value = written;
  grow();
});

function showQuote(text) {
  quoted = text;
  $("quote").hidden = !quoted;
  $("quote-text").textContent = quoted ?? "";
}

function quote(text) {
  showQuote(text && text.slice(0, 2000));
  focusComposer();
}
$("unquote").addEventListener("click", () => quote(null));

function selectionIn(node) {
  const selection = getSelection();
  if (selection.isCollapsed || !node?.contains(selection.anchorNode) || !node.contains(selection.focusNode)) return "";
  return selection.toString().trim();
}

/* A button beside text that is selected in an answer. */
document.addEventListener("selectionchange", () => {
  const selection = getSelection();
  const answer = selection.anchorNode?.parentElement?.closest(".assistant-message");
  const text = selectionIn(answer);
  $("quote-selection").hidden = !text || $("composer").hidden;
  if (!text) return;
  const { left, top } = selection.getRangeAt(0).getBoundingClientRect();
  $("quote-selection").style.left = `${Math.max(left, 8)}px`;
  $("quote-selection").style.top = `${Math.max(top - 44, 8)}px`;
});
$("quote-selection").addEventListener("pointerdown", (event) => event.preventDefault());
$("quote-selection").addEventListener("click", () => {
  quote(getSelection().toString().trim());
  getSelection().removeAllRanges();
});

/* ---------------------------------------------------------------- attachments */

function setAttachments(next) {
  attachments = next;
  $("attachments").replaceChildren(...attachments.map(({ node }) => node));
  $("attachments").hidden = !attachments.length;
  updateSend();
}

/** Take a file off what is being written, here or in a conversation that was left. */
function detach(attachment) {
  for (const draft of drafts.values()) draft.attachments = draft.attachments.filter((other) => other !== attachment);
  setAttachments(attachments.filter((other) => other !== attachment));
}

/** A type that the browser can't tell (which knows fewer than the server) is the server's to refuse. */
const isAccepted = (file) =>
  !config.accept ||
  (!file.type && file.name.includes(".")) ||
  config.accept.split(",").some((rule) => {
    const want = rule.trim().toLowerCase();
    if (want.startsWith(".")) return file.name.toLowerCase().endsWith(want);
    return want.endsWith("/*") ? file.type.startsWith(want.slice(0, -1)) : file.type === want;
  });

function attach(files) {
  for (const file of files) {
    if (Number(config.maxAttachments) && attachments.length >= Number(config.maxAttachments)) {
      return showError(new Refused(say("tooMany", { count: config.maxAttachments })));
    }
    if (Number(config.maxUploadBytes) && file.size > Number(config.maxUploadBytes)) {
      showError(new Refused(say("tooLarge", { name: file.name, size: size(Number(config.maxUploadBytes)) })));
    } else if (!isAccepted(file)) {
      showError(new Refused(say("wrongType", { name: file.name })));
    } else upload(file);
  }
}

async function thumbnail(file, frame) {
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

async function upload(file) {
  const picture = el("span", { class: "picture" }, icon("document"));
  const bar = el("progress", { max: 1, value: 0, "aria-label": say("uploading", { name: file.name }) });
  const state = el("small", { text: size(file.size) });
  const attachment = { file, controller: new AbortController() };
  const remove = iconButton("close", say("remove", { name: file.name }), () => {
    attachment.controller.abort();
    detach(attachment);
    if (attachment.id) call("attachments.delete", { attachment_id: attachment.id }).catch(() => {});
    focusComposer();
  });
  attachment.node = el(
    "li",
    { class: "upload" },
    picture,
    el("span", { class: "upload-text" }, el("bdi", { text: file.name }), state, bar),
    remove,
  );
  thumbnail(file, picture);
  setAttachments([...attachments, attachment]);
  try {
    attachment.answer = await transfer(file, bar, attachment.controller.signal);
    attachment.id = attachment.answer.id;
    attachment.node.classList.add("done");
    announce(say("uploaded", { name: file.name }));
  } catch (error) {
    if (error.name === "AbortError") return;
    detach(attachment);
    // A file that was refused will be refused again, but for one that came too soon.
    const mayRetry = !(error.status < 500) || error.status === 429;
    const said = new Refused(say("fileRefused", { name: file.name, reason: error.message }), error.status);
    said.waitMs = error.waitMs;
    showError(said, mayRetry && (() => upload(file)));
  }
  updateSend();
}

/** Both of ChatKit's ways: straight to a URL of the page's own, or to one that the server names. */
async function transfer(file, bar, signal) {
  if (config.uploadStrategy === "two_phase") {
    const type = file.type || "application/octet-stream";
    const { upload_descriptor: target, ...attachment } = await call("attachments.create", {
      name: file.name,
      size: file.size,
      mime_type: type,
    });
    await sendBytes(target.method, target.url, { "Content-Type": type, ...target.headers }, file, bar, signal);
    return attachment;
  }
  const body = new FormData();
  body.append("file", file);
  return JSON.parse(await sendBytes("POST", config.uploadUrl, { "X-CSRFToken": config.csrfToken }, body, bar, signal));
}

/** XMLHttpRequest, because fetch can't tell how far an upload is. */
function sendBytes(method, url, headers, body, bar, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", ({ loaded, total }) => (bar.value = total ? loaded / total : 0));
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
    request.addEventListener("error", () => reject(new Unreachable()));
    signal.addEventListener("abort", () => {
      request.abort();
      reject(new DOMException("", "AbortError"));
    });
    request.send(body);
  });
}

if (config.uploadUrl || config.uploadStrategy === "two_phase") {
  $("attach").hidden = false;
  $("file").accept = config.accept ?? "";
  $("attach").addEventListener("click", () => $("file").click());
  $("file").addEventListener("change", () => {
    attach($("file").files);
    $("file").value = "";
  });
  message.addEventListener("paste", (event) => {
    if (!event.clipboardData.files.length) return;
    event.preventDefault();
    attach(event.clipboardData.files);
  });
  let depth = 0;
  const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
  const hover = (change) => $("drop").toggleAttribute("hidden", (depth = Math.max(depth + change, 0)) === 0);
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

/* ---------------------------------------------------------------- rename and delete */

let chosen = null;
let opener = null;
// A press outside closes the menu before its click arrives: on the menu's own button that is all.
let pressed = null;
document.addEventListener(
  "pointerdown",
  () => (pressed = $("menu").matches(":popover-open") ? opener : null),
  { capture: true },
);

function openMenu(button, thread) {
  if (pressed === button) return void (pressed = null);
  chosen = thread;
  opener = button;
  const menu = $("menu");
  menu.showPopover();
  const { right, left, bottom } = button.getBoundingClientRect();
  // Beside a row it ends where the row ends; below the title it begins where its button does.
  const isRightward = (document.documentElement.dir === "rtl") !== (button.id === "thread-menu");
  menu.style.top = `${Math.min(bottom + 4, innerHeight - menu.offsetHeight - 8)}px`;
  menu.style.left = `${Math.max(8, Math.min(isRightward ? left : right - menu.offsetWidth, innerWidth - menu.offsetWidth - 8))}px`;
  button.setAttribute("aria-expanded", "true");
  menu.addEventListener("toggle", () => button.setAttribute("aria-expanded", "false"), { once: true });
  menu.addEventListener(
    "beforetoggle",
    (event) => event.newState === "closed" && menu.contains(document.activeElement) && button.focus(),
    { once: true },
  );
  menu.querySelector("button").focus();
}

$("menu").addEventListener("keydown", (event) => {
  if (event.key === "Tab") return $("menu").hidePopover();
  const items = [...$("menu").querySelectorAll("button")];
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  items.at((items.indexOf(document.activeElement) + step) % items.length).focus();
});
$("thread-menu").addEventListener("click", () => openMenu($("thread-menu"), view.thread));
$("menu-rename").addEventListener("click", () => {
  $("menu").hidePopover();
  $("new-title").value = chosen.title ?? "";
  $("rename-dialog").showModal();
  $("new-title").select();
});
$("menu-delete").addEventListener("click", () => {
  $("menu").hidePopover();
  $("delete-text").textContent = say("deleteAsk", { title: chosen.title || strings.untitled });
  $("delete-dialog").showModal();
});
for (const button of document.querySelectorAll("dialog [data-cancel]")) {
  button.addEventListener("click", () => button.closest("dialog").close());
}

$("rename-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const title = $("new-title").value.trim();
  if (!title) return;
  $("rename-dialog").close();
  try {
    const thread = await call("threads.update", { thread_id: chosen.id, title });
    threadList.put({ ...thread, items: undefined });
    if (view.thread?.id === thread.id) {
      view.thread = { ...view.thread, title: thread.title };
      drawThread();
    }
    announce(strings.renamed);
  } catch (error) {
    showError(error);
  }
});

$("delete-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  $("delete-dialog").close();
  const { id } = chosen;
  try {
    [...runs].find((run) => run.threadId === id)?.controller.abort();
    await call("threads.delete", { thread_id: id });
    threadList.drop(id);
    if (view.thread?.id === id) {
      history.replaceState(null, "", address(null));
      await open(null);
    }
    announce(strings.deleted);
  } catch (error) {
    showError(error);
  }
});

/* ---------------------------------------------------------------- drawer, keys, start */

/** On a phone the list of threads lies over the conversation. */
function drawer(isOpen) {
  $("chat").classList.toggle("drawer-open", isOpen);
  const isPhone = matchMedia("(max-width: 50rem)").matches;
  $("conversation").inert = isOpen && isPhone;
  $("threads").inert = !isOpen && isPhone;
  $("open-threads").setAttribute("aria-expanded", isOpen);
  // On a phone the keyboard would hide the list.
  if (isOpen) (matchMedia("(pointer: fine)").matches ? $("search") : $("close-threads")).focus();
}
matchMedia("(max-width: 50rem)").addEventListener("change", () => drawer(false));
$("open-threads").addEventListener("click", () => drawer(true));
$("scrim").addEventListener("click", () => drawer(false));
$("close-threads").addEventListener("click", () => {
  drawer(false);
  $("open-threads").focus();
});
$("new").addEventListener("click", (event) => follow(event, null));
addEventListener("popstate", () => {
  if (linked() !== shownId()) open(linked());
});
addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.defaultPrevented || event.isComposing || document.querySelector("dialog[open], :popover-open")) return;
  if ($("chat").classList.contains("drawer-open")) {
    drawer(false);
    $("open-threads").focus();
  } else if (event.target !== $("search") && runOf(view)) stop();
});

/* What has the focus may go: a button once it is pressed, a form once it is answered. The focus would
 * fall to the top of the page; it goes to the message that held it, or to the box. */
let focused = null;
addEventListener("focusin", ({ target }) => (focused = { target, item: target.closest(".item") }));
addEventListener("focusout", ({ target }) =>
  queueMicrotask(() => focused?.target === target && isThere(target) && (focused = null)),
);
const isThere = (node) => node?.isConnected && !node.closest("[hidden]");
new MutationObserver(() => {
  if (!focused || isThere(focused.target)) return;
  const { item } = focused;
  focused = null;
  if (isThere(item)) item.focus({ preventScroll: true });
  else focusComposer();
}).observe($("chat"), { childList: true, subtree: true, attributes: true, attributeFilter: ["hidden"] });

drawer(false);
grow();
threadList.reload().catch((error) => showError(error, refresh));
await open(linked());
document.documentElement.dataset.ready = "true";
