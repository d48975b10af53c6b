/** What was done with one person's data. */
import { html, useEffect, useState } from "../vendor/preact-htm.js";
import { moment, t } from "../words.js";
import { Busy, Failure } from "../parts/notices.js";
import { useWork } from "../parts/work.js";

/** @param {import("../screens.js").Shown} props */
export function Ledger({ session, rest: [id] }) {
  return html`
    <form class="row" onSubmit=${(/** @type {any} */ event) => {
      event.preventDefault();
      location.hash = `#/ledger/${encodeURIComponent(event.target.elements.id.value.trim())}`;
    }}>
      <label>${t("ledger.of")} <input name="id" value=${id ?? ""} required spellcheck="false" /></label>
      <button>${t("ledger.show")}</button>
    </form>
    ${id && html`<${Entries} session=${session} id=${id} />`}
  `;
}

/** @param {{session: import("../session.js").Session, id: string}} props */
function Entries({ session, id }) {
  const [cursor, setCursor] = useState("");
  const [checking, setChecking] = useState(false);
  const work = /** @type {import("../parts/work.js").Work<any>} */ (useWork());
  useEffect(() => {
    const path = `v1/subjects/${encodeURIComponent(id)}/ledger`;
    work.run((signal) => session.call("GET", path, { query: { cursor, check_chain: checking }, signal }));
  }, [cursor, checking]);
  const { answer } = work;
  return html`
    <${Busy} busy=${work.busy} /><${Failure} error=${work.failure} />
    ${answer && html`
      ${answer.chain
        ? html`<${Chain} chain=${answer.chain} />`
        : html`<button onClick=${() => setChecking(true)}>${t("ledger.check")}</button>`}
      <${Table} entries=${answer.entries} />
      ${answer.next_cursor && html`
        <button onClick=${() => setCursor(answer.next_cursor)}>${t("page.next")}</button>`}`}
  `;
}

/** @param {{chain: any}} props */
function Chain({ chain }) {
  const said = chain.whole ? t("ledger.whole") : t("ledger.broken", { sentence: chain.problems.join(" ") });
  return html`<p class=${`notice ${chain.whole ? "good" : "bad"}`}>${said} (${moment(chain.checked_at)})</p>`;
}

/** @param {{entries: any[]}} props */
function Table({ entries }) {
  if (!entries.length) return html`<p class="notice">${t("ledger.none")}</p>`;
  return html`
    <table>
      <thead><tr><th scope="col">${t("ledger.when")}</th><th scope="col">${t("ledger.what")}</th>
        <th scope="col">${t("ledger.consent")}</th></tr></thead>
      <tbody>${entries.map((it) => html`
        <tr><th scope="row">${moment(it.at)}</th><td>${it.operation}${it.purpose ? ` (${it.purpose})` : ""}</td>
          <td>${it.declaration}</td></tr>`)}</tbody>
    </table>
  `;
}
