/** The start of the console: the language of the browser, then the page. */
import { html, render } from "./vendor/preact-htm.js";
import { App } from "./app.js";
import { preferredLanguage, speak } from "./words.js";

await speak(preferredLanguage());
const place = /** @type {Element} */ (document.getElementById("console"));
render(html`<${App} />`, place);
