/** One person: samples, verification, export, end. */
import { html, useEffect, useState } from "../vendor/preact-htm.js";
import { moment, t } from "../words.js";
import { Busy, Failure } from "../parts/notices.js";
import { Offer } from "../parts/offer.js";
import { Receipt } from "../parts/receipt.js";
import { Destroy } from "../parts/sureness.js";
import { useWork } from "../parts/work.js";
import { Samples } from "./samples.js";
import { Verify } from "./verify.js";

/** @typedef {import("../screens.js").Shown} Shown */

/** @param {Shown & {id: string}} props */
export function Person({ session, access, consent, id }) {
  const may = (/** @type {string} */ what) => access.permissions.includes(what);
  const [receipt, setReceipt] = useState("");
  const [changes, setChanges] = useState(0);
  const work = /** @type {import("../parts/work.js").Work<any>} */ (useWork());
  const removal = /** @type {import("../parts/work.js").Work<void>} */ (useWork());
  const { renew } = work;
  const path = `v1/subjects/${encodeURIComponent(id)}`;
  useEffect(() => {
    renew((signal) => session.call("GET", path, { signal }));
  }, [changes]);
  const destroy = () => removal.run(async (signal) => {
    setReceipt((await session.call("DELETE", path, { signal })).receipt);
  });
  const back = html`<p><a href="#/people">← ${t("people.title")}</a></p>`;
  if (receipt) return html`${back}<${Receipt} receipt=${receipt} name=${id} />`;
  if (!work.answer) return html`${back}<${Busy} busy=${work.busy} /><${Failure} error=${work.failure} />`;
  const given = { session, path, consent, may, onChange: () => setChanges(changes + 1) };
  return html`
    ${back}
    <${Facts} subject=${work.answer} />
    <${Samples} kind="faces" ...${given} />
    ${access.voices && html`<${Samples} kind="voices" ...${given} />`}
    ${may("verify") && html`<${Verify} ...${given} />`}
    <h2>${t("person.rights")}</h2>
    <div class="row">
      ${may("export") && html`<${Export} session=${session} path=${path} id=${id} />`}
      ${may("read") && html`<a class="button" href=${`#/ledger/${id}`}>${t("person.ledger")}</a>`}
      ${may("delete") && html`
        <${Destroy} words=${t("person.delete")} question=${t("person.sure")} onSure=${destroy} />`}
    </div>
    <${Failure} error=${removal.failure} />
  `;
}

/** @param {{subject: any}} props */
function Facts({ subject }) {
  return html`
    <section class="card"><dl>
      <dt>${t("people.external_id")}</dt><dd>${subject.external_id ?? "–"}</dd>
      <dt>${t("person.id")}</dt><dd><code>${subject.id}</code></dd>
      <dt>${t("person.collections")}</dt><dd>${subject.collections.join(", ") || "–"}</dd>
      <dt>${t("people.since")}</dt><dd>${moment(subject.created_at)}</dd>
    </dl></section>
  `;
}

/** @param {{session: Shown["session"], path: string, id: string}} props */
function Export({ session, path, id }) {
  const work = /** @type {import("../parts/work.js").Work<string>} */ (useWork());
  const get = () => work.run(async (signal) =>
    (await session.fetch("GET", `${path}/export`, { signal })).text());
  return html`
    ${work.answer
      ? html`<${Offer} text=${work.answer} type="application/json" name=${`${id}.json`} words=${t("person.export_save")} />`
      : html`<button onClick=${get} disabled=${work.busy}>${t("person.export")}</button>`}
    <${Failure} error=${work.failure} />
  `;
}
