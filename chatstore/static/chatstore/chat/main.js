/**
 * The built-in chat page: loads the modules, and starts it; page.js gives each what it needs.
 *
 * The page speaks the ChatKit protocol and nothing else, so it works with any ChatKit server. Markup
 * that never changes and all text for people are in chat.html, where gettext reaches them; so is the
 * configuration, in data attributes, so that nothing is inline and a strict
 * Content-Security-Policy holds.
 *
 * No module imports another: hashed file names (ManifestStaticFilesStorage) are known to the
 * template only. It names each module's URL in a link, and each module exports functions that take
 * what they need.
 */

/** @type {Record<string, string>} */
const urls = {};
for (const link of document.querySelectorAll("link[data-module]")) {
  urls[/** @type {HTMLElement} */ (link).dataset.module] = /** @type {HTMLLinkElement} */ (link).href;
}
const modules = Object.fromEntries(
  await Promise.all(Object.entries(urls).map(async ([name, url]) => [name, await import(url)])),
);
modules.page.startPage(modules);

export {};
