/**
 * What is said to people: the template's strings, and times, sizes and numbers in their language.
 *
 * @typedef {ReturnType<typeof createText>} Text
 */

const KB = 1024; // bytes, as the server counts them in what it says

/**
 * The template's texts, by name; those with a count by name and number, as in "tooMany:2".
 *
 * @param {HTMLTemplateElement} template
 * @returns {Record<string, string>}
 */
export function readStrings(template) {
  const nodes = /** @type {NodeListOf<HTMLElement>} */ (template.content.querySelectorAll("[data-s]"));
  const name = (/** @type {DOMStringMap} */ { s, n }) => (n ? `${s}:${n}` : s);
  return Object.fromEntries([...nodes].map((node) => [name(node.dataset), node.textContent]));
}

/**
 * @param {Record<string, string>} strings
 * @param {string} [locale]
 */
export function createText(strings, locale) {
  const format = (/** @type {Intl.DateTimeFormatOptions} */ options) => new Intl.DateTimeFormat(locale, options);
  const clock = format({ hour: "numeric", minute: "2-digit" });
  const weekday = format({ weekday: "long" });
  const date = format({ day: "numeric", month: "short", year: "numeric" });
  const day = format({ day: "numeric", month: "short" });
  const long = format({ dateStyle: "full", timeStyle: "short" });
  const month = format({ month: "long", year: "numeric" });
  const plurals = new Intl.PluralRules(locale);

  /**
   * @param {string} key
   * @param {Record<string, any>} [values]
   */
  const say = (key, values = {}) => strings[key].replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");

  /**
   * A text with a count. The template has it for several numbers, one at least of each plural form.
   *
   * @param {string} key
   * @param {number} count
   */
  function sayCount(key, count) {
    const numbers = Object.keys(strings).flatMap((name) => (name.startsWith(`${key}:`) ? [name.split(":")[1]] : []));
    const form = plurals.select(count);
    const alike = numbers.find((digits) => plurals.select(Number(digits)) === form) ?? numbers.at(-1);
    return say(`${key}:${alike}`, { count: number(count) });
  }

  const midnight = (/** @type {Date} */ at) => new Date(at.getFullYear(), at.getMonth(), at.getDate()).getTime();
  const daysAgo = (/** @type {Date} */ at) => Math.round((midnight(new Date()) - midnight(at)) / 86400000);

  /** @param {string} iso */
  function shortDate(iso) {
    const at = new Date(iso);
    const age = daysAgo(at);
    if (age < 7) return (age < 1 ? clock : weekday).format(at);
    return (at.getFullYear() === new Date().getFullYear() ? day : date).format(at);
  }

  /** @param {string} iso */
  function dateAndTime(iso) {
    if (Number.isNaN(Date.parse(iso))) return "";
    const time = clock.format(new Date(iso));
    return daysAgo(new Date(iso)) < 1 ? time : `${shortDate(iso)}, ${time}`;
  }

  /** @param {string} iso */
  function dayName(iso) {
    const age = daysAgo(new Date(iso));
    return age < 1 ? strings.today : age === 1 ? strings.yesterday : date.format(new Date(iso));
  }

  /** The heading under which a thread of that time is listed. @param {string} iso */
  function period(iso) {
    const age = daysAgo(new Date(iso));
    return age < 2 ? dayName(iso) : age < 7 ? strings.week : month.format(new Date(iso));
  }

  const longDate = (/** @type {string} */ iso) => (Number.isNaN(Date.parse(iso)) ? "" : long.format(new Date(iso)));

  /** @param {number} value @param {Intl.NumberFormatOptions} [options] */
  const number = (value, options) => new Intl.NumberFormat(locale, options).format(value);

  /** @param {number} bytes */
  function size(bytes) {
    const [unit, divisor] = bytes < KB ? ["byte", 1] : bytes < KB ** 2 ? ["kilobyte", KB] : ["megabyte", KB ** 2];
    const options = { style: "unit", unit, maximumFractionDigits: bytes < 10 * KB ** 2 ? 1 : 0 };
    return number(bytes / Number(divisor), /** @type {any} */ (options));
  }

  const lowerCase = (/** @type {string} */ value) => value.toLocaleLowerCase(locale);

  return { strings, say, sayCount, shortDate, dateAndTime, dayName, period, longDate, number, size, lowerCase };
}

/** Markdown as the plain text that it says, on one line. @param {string} source */
export const plain = (source) =>
  source
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/[`*_#>~|]+/g, "")
    .replace(/\s+/g, " ")
    .trim();

/** The first words of a message. @param {{ content?: { text: string }[] } | undefined} item @param {number} limit */
export function excerpt(item, limit) {
  const said = (item?.content ?? []).map((part) => part.text).join(" ");
  const answer = said.replace(/^\s*<think>[\s\S]*?(<\/think>|$)/, ""); // reasoning
  return plain(answer.slice(0, limit * 4)).slice(0, limit);
}
