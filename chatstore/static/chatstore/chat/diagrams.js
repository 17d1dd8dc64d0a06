/**
 * Diagrams, drawn on request by Mermaid in a frame of their own. It is sandboxed, of no origin, and
 * served with a policy of its own: Mermaid needs inline styles, and draws what a model has written.
 */

const LONGEST = 20_000; // characters
const LONGEST_WAIT_MS = 20_000;
const HIGHEST = 2000; // pixels

/**
 * @param {object} options
 * @param {import("./dom.js").Dom} options.dom
 * @param {Record<string, string>} options.strings
 * @param {string} options.url of the frame
 * @param {() => boolean} options.isDark
 */
export function createDiagrams({ dom, strings, url, isDark }) {
  const { el } = dom;
  const window = dom.document.defaultView;

  /** @param {string} source @param {(why: string | null) => void} onEnd null: it is drawn */
  function drawFrame(source, onEnd) {
    const frame = el("iframe", { class: "diagram", sandbox: "allow-scripts", title: strings.diagram, src: url });
    const end = (/** @type {string | null} */ why) => {
      clearTimeout(timer);
      window.removeEventListener("message", listen);
      onEnd(why);
    };
    const timer = setTimeout(() => end(strings.diagramUndrawable), LONGEST_WAIT_MS);
    /** @param {MessageEvent} event */
    function listen({ source: sender, data }) {
      if (sender !== frame.contentWindow) return;
      if (data === "ready") {
        frame.contentWindow.postMessage({ source, isDark: isDark() }, "*"); // it has no origin
        return;
      }
      const isDrawn = data?.height > 0;
      if (isDrawn) frame.style.height = `${Math.min(data.height, HIGHEST)}px`;
      end(isDrawn ? null : strings.diagramUndrawable);
    }
    window.addEventListener("message", listen);
    return frame;
  }

  /**
   * A button that shows the diagram in place of the code, and the code again.
   *
   * @param {string} source
   * @param {HTMLElement} block of code
   */
  return (source, block) => {
    if (source.length > LONGEST) return el("span", { text: strings.diagramTooLong });
    /** @type {HTMLIFrameElement | null} */
    let frame = null;
    /** @param {boolean} isShown */
    function show(isShown) {
      block.classList.toggle("as-diagram", isShown);
      button.textContent = isShown ? strings.showCode : strings.drawDiagram;
    }
    const toggle = () => {
      if (!frame) {
        button.disabled = true;
        frame = drawFrame(source, (message) => {
          button.disabled = false;
          if (!message) return;
          frame.remove();
          show(false);
          button.replaceWith(el("span", { role: "status", text: message }));
        });
        block.append(frame);
      }
      show(!block.classList.contains("as-diagram"));
    };
    const button = el("button", { type: "button", class: "button small", text: strings.drawDiagram, onclick: toggle });
    return button;
  };
}
