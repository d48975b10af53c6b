/** What the page says, in the language of who looks at it. */

/** @type {Record<string, string>} */
export const LANGUAGES = { en: "English", pt: "Português", es: "Español" };

/** @type {Record<string, string>} */
let spoken = {};

/** The first language of the browser that there are words in; English where there is none. */
export function preferredLanguage() {
  const wanted = navigator.languages.map((language) => language.slice(0, 2));
  return wanted.find((language) => language in LANGUAGES) ?? "en";
}

/**
 * Fetches the words of a language; what is drawn from then on is in it.
 * @param {string} language one of LANGUAGES
 */
export async function speak(language) {
  spoken = (await import(`./words/${language}.js`)).default;
  document.documentElement.lang = language;
}

/**
 * The words of a key, with `{name}` replaced by values.
 * @param {string} key
 * @param {Record<string, string | number>} [values]
 * @returns {string}
 */
export function t(key, values = {}) {
  const words = spoken[key] ?? key;
  return words.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

/**
 * The words of a key, or, where this language has none of its own, what the server says.
 * @param {string} key
 * @param {string} otherwise
 */
export function tOr(key, otherwise) {
  return spoken[key] ?? otherwise;
}

/**
 * A number as the reader writes it.
 * @param {number} value
 * @param {number} [digits] most behind the point
 */
export function number(value, digits = 2) {
  return value.toLocaleString(document.documentElement.lang, { maximumFractionDigits: digits });
}

/**
 * A moment as the reader writes it.
 * @param {string} text RFC 3339
 */
export function moment(text) {
  const shown = { dateStyle: "medium", timeStyle: "medium" };
  return new Date(text).toLocaleString(document.documentElement.lang, /** @type {any} */ (shown));
}
