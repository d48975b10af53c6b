/** Error rates that were measured on the operator's own data. */
import { html, useEffect } from "../vendor/preact-htm.js";
import { moment, number, t } from "../words.js";
import { Busy, Failure } from "../parts/notices.js";
import { Tree } from "../parts/tree.js";
import { useWork } from "../parts/work.js";

/** @typedef {import("../screens.js").Shown} Shown */

/** @param {Shown} props */
export function Evaluation({ session, rest: [name] }) {
  return name ? html`<${One} session=${session} name=${name} />` : html`<${All} session=${session} />`;
}

/** @param {{session: Shown["session"]}} props */
function All({ session }) {
  const work = /** @type {import("../parts/work.js").Work<any>} */ (useWork());
  useEffect(() => {
    work.run((signal) => session.call("GET", "v1/evaluations", { signal }));
  }, []);
  const found = work.answer?.evaluations;
  return html`
    <${Busy} busy=${work.busy} /><${Failure} error=${work.failure} />
    ${found && !found.length && html`<p class="notice">${t("evaluation.none")}</p>`}
    ${found?.map((/** @type {any} */ it) => html`
      <section class="card">
        <h2><a href=${`#/evaluation/${encodeURIComponent(it.name)}`}>${it.name}</a></h2>
        <p class="hint">${it.kind} · ${it.pack} · ${moment(it.at)}</p>
        <dl>${Object.entries(it.headline).map(([rate, value]) => html`
          <dt>${rate}</dt><dd>${number(100 * Number(value), 4)} %</dd>`)}</dl>
      </section>`)}
  `;
}

/** @param {{session: Shown["session"], name: string}} props */
function One({ session, name }) {
  const work = /** @type {import("../parts/work.js").Work<any>} */ (useWork());
  useEffect(() => {
    work.run((signal) => session.call("GET", `v1/evaluations/${encodeURIComponent(name)}`, { signal }));
  }, []);
  return html`
    <p><a href="#/evaluation">← ${t("evaluation.title")}</a></p>
    <h2>${name}</h2>
    <${Busy} busy=${work.busy} /><${Failure} error=${work.failure} />
    ${work.answer && html`<${Tree} value=${work.answer.result} />`}
  `;
}
