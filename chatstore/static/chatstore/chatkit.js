/**
 * Puts OpenAI's own chat component on the page, wherever {% chatkit %} stands.
 *
 * The component comes from OpenAI's CDN; where that can't be reached, the tag's own sentence with
 * a link to the built-in page is shown instead.
 */

const PATIENCE = 15000; // milliseconds until we say that it isn't there

/** The events of the component: on the page around it too, as those of the built-in page are. */
const EVENTS = [
  "ready",
  "error",
  "effect",
  "deeplink",
  "response.start",
  "response.end",
  "history.open",
  "history.close",
  "thread.change",
  "thread.load.start",
  "thread.load.end",
  "tool.change",
  "log",
];

/** Ask the page's own scripts, as the built-in page does; undefined where none answers. */
function hook(name, detail) {
  let answer;
  const respondWith = (value) => {
    answer = value;
  };
  document.dispatchEvent(new CustomEvent(`chatstore:${name}`, { detail: { ...detail, respondWith } }));
  return answer;
}

/** The hooks of the built-in page, so that a site's scripts work with either client. */
function addHooks(options, entitiesUrl) {
  options.onClientTool = ({ name, params }) =>
    hook("tool", { name, arguments: params }) ?? { error: `Unknown tool ${name}` };
  options.widgets = {
    ...options.widgets,
    async onAction(action, item) {
      await hook("action", { action, item });
    },
  };
  options.commands = options.commands && {
    ...options.commands,
    onSearch: async (query) => (await hook("command-search", { query })) ?? [],
    onSelect: async (command) => hook("command", { command }),
  };
  options.entities = {
    ...options.entities,
    onClick: (entity) => hook("entity", { entity }),
    async onTagSearch(query) {
      const answer = await hook("entity-search", { query });
      if (answer || !entitiesUrl) return answer ?? [];
      return (await ask(`${entitiesUrl}?${new URLSearchParams({ q: query })}`)).data;
    },
    async onRequestPreview(entity) {
      const answer = await hook("entity-preview", { entity });
      if (answer || !entitiesUrl) return answer ?? { preview: null };
      const headers = { "Content-Type": "application/json" };
      return ask(entitiesUrl, { method: "POST", headers, body: JSON.stringify({ entity }) });
    },
  };

  async function ask(url, init) {
    const response = await options.api.fetch(url, init);
    if (!response.ok) throw new Error(`${response.status} of ${url}`);
    return response.json();
  }
}

/** Let the component's events reach `document`, if they don't by themselves. */
function bubble(element) {
  for (const name of EVENTS) {
    element.addEventListener(`chatkit.${name}`, (event) => {
      if (name === "effect") hook("effect", event.detail);
      if (event.bubbles) return;
      element.parentElement.dispatchEvent(new CustomEvent(event.type, { bubbles: true, detail: event.detail }));
    });
  }
}

function embed(frame) {
  const options = JSON.parse(document.getElementById(frame.dataset.options).textContent);
  const missing = frame.querySelector(".chatkit-missing");
  const loading = frame.querySelector(".chatkit-loading");
  const isMissing = (value) => {
    missing.hidden = !value;
    loading.hidden = true;
  };
  loading.hidden = false;

  /** Uploads pass through here too, and may go to another host: that one must not see the token. */
  options.api.fetch = (input, init = {}) => {
    const request = input instanceof Request ? input : null;
    const url = new URL(request?.url ?? input, document.baseURI);
    if (url.origin !== location.origin) return fetch(input, init);
    const headers = new Headers(init.headers ?? request?.headers);
    headers.set("X-CSRFToken", frame.dataset.csrfToken);
    return fetch(input, { ...init, headers, credentials: "same-origin" });
  };

  options.theme ??= matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  addHooks(options, frame.dataset.entitiesUrl);

  const patience = setTimeout(isMissing, PATIENCE, true);
  const element = document.createElement("openai-chatkit");
  element.addEventListener("chatkit.ready", () => {
    clearTimeout(patience);
    isMissing(false);
    document.dispatchEvent(new CustomEvent("chatstore:ready", { detail: { chat: element } }));
  });
  customElements.whenDefined("openai-chatkit").then(() => {
    frame.append(element);
    bubble(element);
    element.setOptions(options);
    frame.dispatchEvent(new CustomEvent("chatstore:chatkit", { bubbles: true, detail: { element, options } }));
  });

  if (!document.querySelector(`script[src="${CSS.escape(frame.dataset.src)}"]`)) {
    const script = document.createElement("script");
    script.src = frame.dataset.src;
    script.addEventListener("error", () => isMissing(true));
    document.head.append(script);
  }
}

document.querySelectorAll("[data-chatkit]").forEach(embed);
