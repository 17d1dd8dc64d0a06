/** Which addresses of an answer may be linked to, and which may be fetched. */

/** @param {any} value @param {string} base @returns {URL | null} */
function parse(value, base) {
  try {
    return typeof value === "string" ? new URL(value, base) : null;
  } catch {
    return null;
  }
}

/**
 * An address that a person may follow: on the web, by mail, or a path of this site; else null.
 *
 * A browser reads `/\host` and `//host` as another site's address, so a path is judged by where it
 * leads and not by how it begins.
 *
 * @param {any} value
 * @param {string} base the page's own address
 */
export function linkAddress(value, base) {
  const url = parse(value, base);
  if (!url || !/^(https?|mailto):$/.test(url.protocol)) return null;
  if (/^(https?|mailto):/i.test(value)) return value;
  return value.startsWith("/") && url.origin === new URL(base).origin ? value : null;
}

/**
 * Whether a picture may be fetched by itself: from this site, from a domain that the thread allows,
 * or from the address itself (`data:`). A picture's address is a way to carry a conversation out.
 *
 * @param {any} value
 * @param {string} base the page's own address
 * @param {string[]} [domains] the thread's `allowed_image_domains`
 */
export function mayShowImage(value, base, domains = []) {
  const url = parse(value, base);
  if (!url) return false;
  if (url.origin === new URL(base).origin || /^data:image\//i.test(url.href)) return true;
  return (
    url.protocol === "https:" && domains.some((name) => url.hostname === name || url.hostname.endsWith(`.${name}`))
  );
}
