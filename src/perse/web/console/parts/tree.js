/** Whatever JSON holds, to be read: objects as lists, lists of alike objects as tables. */
import { html } from "../vendor/preact-htm.js";
import { number } from "../words.js";

const DIGITS = 6;

/** @param {{value: any}} props */
export function Tree({ value }) {
  if (typeof value === "number") return number(value, DIGITS);
  if (value === null || typeof value !== "object") return String(value);
  if (!Array.isArray(value)) return html`<${Fields} fields=${value} />`;
  if (value.every(isFlat)) return html`<${Rows} rows=${value} />`;
  return value.every((it) => typeof it !== "object")
    ? value.map((it) => (typeof it === "number" ? number(it, DIGITS) : it)).join(" – ")
    : value.map((it) => html`<div class="card"><${Tree} value=${it} /></div>`);
}

/** @param {{fields: Record<string, any>}} props */
function Fields({ fields }) {
  return html`<dl>${Object.entries(fields).map(([name, value]) => html`
    <dt>${name}</dt><dd><${Tree} value=${value} /></dd>`)}</dl>`;
}

/** @param {{rows: Record<string, any>[]}} props */
function Rows({ rows }) {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  if (!rows.length) return "–";
  return html`
    <div class="scroll" tabindex="0" role="region" aria-label=${names.join(", ")}><table>
      <thead><tr>${names.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
      <tbody>${rows.map((row) => html`
        <tr>${names.map((name) => html`<td>${name in row ? html`<${Tree} value=${row[name]} />` : ""}</td>`)}</tr>`)}</tbody>
    </table></div>
  `;
}

/**
 * Whether a table's row can show it: no objects inside.
 * @param {any} value
 */
function isFlat(value) {
  const isObject = value !== null && typeof value === "object" && !Array.isArray(value);
  return isObject && Object.values(value).every((it) => it === null || typeof it !== "object" || isList(it));
}

/** @param {any} value */
function isList(value) {
  return Array.isArray(value) && value.every((it) => typeof it !== "object");
}
