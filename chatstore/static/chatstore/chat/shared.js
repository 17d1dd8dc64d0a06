/**
 * The page of a shared conversation: read-only, for whoever has the link. It draws items as the chat
 * page does, without pictures and without anything to press that would need the conversation itself.
 *
 * Like main.js it loads the modules by the template's URLs.
 */

/** @type {Record<string, string>} */
const urls = {};
for (const link of document.querySelectorAll("link[data-module]")) {
  urls[/** @type {HTMLElement} */ (link).dataset.module] = /** @type {HTMLLinkElement} */ (link).href;
}
const loaded = await Promise.all(Object.entries(urls).map(async ([name, url]) => [name, await import(url)]));
const modules = /** @type {any} */ (Object.fromEntries(loaded));

const page = document.getElementById("shared");
if (page.dataset.itemsUrl) start();

function start() {
  const dom = modules.dom.createDom(document);
  const { $ } = dom;
  const strings = modules.text.readStrings($("strings"));
  const text = modules.text.createText(strings, document.documentElement.lang || undefined);
  const { draw } = modules.shared_items.createSharedItems(modules, {
    dom,
    text,
    load: modules.library.loaders($("later").dataset),
  });
  /** @type {string | null} */
  let after = null;

  async function more() {
    $("shared-more").hidden = true;
    const query = after ? `?after=${encodeURIComponent(after)}` : "";
    const options = /** @type {const} */ ({ credentials: "omit", referrerPolicy: "no-referrer" });
    try {
      const response = await fetch(page.dataset.itemsUrl + query, options);
      if (!response.ok) throw new Error(strings.failed);
      const answer = await response.json();
      $("items").append(...(await Promise.all(answer.data.map(draw))));
      after = answer.after;
      $("shared-more").hidden = !answer.has_more;
      $("shared-problem").textContent = "";
    } catch {
      $("shared-problem").textContent = strings.failed;
      $("shared-more").hidden = false;
    }
    document.documentElement.dataset.ready = "true";
  }

  $("shared-more").addEventListener("click", more);
  more();
}

export {};
