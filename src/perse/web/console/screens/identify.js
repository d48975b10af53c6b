/** Who may this be, of all who are enrolled? */
import { html, useEffect, useState } from "../vendor/preact-htm.js";
import { number, t } from "../words.js";
import { CollectionChoice } from "../parts/collections.js";
import { AGREED, ConsentFirst } from "../parts/consent.js";
import { Busy, Failure } from "../parts/notices.js";
import { PictureInput } from "../parts/picture-input.js";
import { RecordingInput } from "../parts/recording-input.js";
import { useWork } from "../parts/work.js";

/** @typedef {import("../screens.js").Shown} Shown */
/** @typedef {"face" | "voice" | "fused"} Part */
/** @type {Part[]} */
const PARTS = ["fused", "face", "voice"];
const RATES = [0.05, 0.01, 0.001];

/** @param {Shown} props */
export function Identify({ session, access, consent }) {
  const [picture, setPicture] = useState(/** @type {Blob | null} */ (null));
  const [recording, setRecording] = useState(/** @type {Blob | null} */ (null));
  const [collection, setCollection] = useState("");
  const [fpir, setFpir] = useState(0.01);
  const work = /** @type {import("../parts/work.js").Work<any>} */ (useWork());
  useEffect(work.clear, [picture, recording, collection, fpir]);
  const search = () => work.run((signal) => {
    const form = {
      image_file: picture, audio_file: recording, collection, fpir, max_candidates: 20,
      ...AGREED,
    };
    return session.call("POST", "v1/identify", { form, signal });
  });
  return html`
    <div class="columns">
      <${PictureInput} label=${t("picture")} picture=${picture} onPicture=${setPicture} />
      <${RecordingInput} label=${t("recording")} recording=${recording} onRecording=${setRecording} />
    </div>
    <div class="row">
      ${access.permissions.includes("read") && html`
        <${CollectionChoice} session=${session} chosen=${collection} onChoice=${setCollection} />`}
      <label>${t("identify.fpir")}
        <select value=${fpir} onChange=${(/** @type {any} */ event) => setFpir(Number(event.target.value))}>
          ${RATES.map((rate) => html`<option value=${rate} selected=${rate === fpir}>${number(rate * 100, 1)} %</option>`)}
        </select></label>
      <button class="main" disabled=${!(picture || recording) || !consent || work.busy} onClick=${search}>
        ${t("identify.do")}</button>
    </div>
    <div aria-live="polite">
      <${ConsentFirst} waiting=${picture || recording} consent=${consent} />
      <${Busy} busy=${work.busy} /><${Failure} error=${work.failure} />
      ${work.answer && PARTS.filter((part) => work.answer[part]).map((part) => html`
        <${Found} part=${part} search=${work.answer[part]} />`)}
    </div>
  `;
}

/** @param {{part: Part, search: any}} props */
function Found({ part, search }) {
  const { candidates, threshold, subjects } = search;
  return html`
    <h2>${t(`verify.${part}`)}</h2>
    ${threshold.supported
      ? html`<p class="hint">${t("identify.searched", { subjects, rate: number(threshold.fpir * 100, 2) })}</p>`
      : html`<p class="notice">${t("identify.unsupported", { most: threshold.largest_supported })}</p>`}
    ${search.similarity_assessable === false && html`<p class="notice">${search.similarity_obstacle}</p>`}
    ${search.partial && html`<p class="notice">${t("identify.partial")}</p>`}
    ${candidates.length ? html`<${Candidates} candidates=${candidates} />` : !search.partial && html`<p class="outcome">${t("identify.nobody")}</p>`}
  `;
}

/** @param {{candidates: any[]}} props */
function Candidates({ candidates }) {
  return html`
    <p>${t("identify.hint")}</p>
    <table>
      <thead><tr><th scope="col">${t("people.person")}</th><th scope="col" class="number">${t("similarity")}</th></tr></thead>
      <tbody>${candidates.map((it) => html`
        <tr><th scope="row"><a href=${`#/people/${it.subject_id}`}>${it.external_id ?? it.subject_id}</a></th>
          <td class="number">${number(it.similarity)}</td></tr>`)}</tbody>
    </table>
  `;
}
