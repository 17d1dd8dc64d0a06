/**
 * Puts OpenAI's own chat component on the page, wherever {% chatkit %} stands.
 *
 * The component comes from OpenAI's CDN; where that can't be reached, the tag's own sentence with
 * a link to the built-in page is shown instead.
 */

const PATIENCE = 15000; // milliseconds until we say that it isn't there

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
  // The hooks of the built-in page, so that a site's tools work with either.
  options.onClientTool = ({ name, params }) => {
    let answer = { error: `Unknown tool ${name}` };
    const respondWith = (value) => (answer = value);
    document.dispatchEvent(new CustomEvent("chatstore:tool", { detail: { name, arguments: params, respondWith } }));
    return answer;
  };

  const patience = setTimeout(isMissing, PATIENCE, true);
  const element = document.createElement("openai-chatkit");
  element.addEventListener("chatkit.ready", () => {
    clearTimeout(patience);
    isMissing(false);
  });
  customElements.whenDefined("openai-chatkit").then(() => {
    frame.append(element);
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
