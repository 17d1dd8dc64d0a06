/**
 * Draws one Mermaid diagram for the chat page, within a frame that has no origin (see diagram.html).
 *
 * It is no module: a frame without an origin may not load one.
 */
(() => {
  const { mermaid } = /** @type {any} */ (globalThis);

  /** @param {{ source: string, isDark: boolean }} asked */
  async function draw({ source, isDark }) {
    mermaid.initialize({
      startOnLoad: false,
      securityLevel: "strict",
      theme: isDark ? "dark" : "neutral",
      maxTextSize: 20_000,
      maxEdges: 300,
      suppressErrorRendering: true,
    });
    const { svg } = await mermaid.render("diagram", source);
    document.body.innerHTML = svg;
    for (const link of document.querySelectorAll("a")) {
      link.removeAttribute("href");
      link.removeAttributeNS("http://www.w3.org/1999/xlink", "href");
    }
    parent.postMessage({ height: document.body.scrollHeight }, "*");
  }

  addEventListener("message", ({ source, data }) => {
    if (source !== parent) return;
    draw(data).catch(() => parent.postMessage({ height: 0 }, "*"));
  });
  parent.postMessage("ready", "*");
})();
