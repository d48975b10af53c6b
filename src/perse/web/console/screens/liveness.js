/** Is somebody really there? A session is opened, run on a phone or here, and followed to its end. */
import { html, useEffect, useState } from "../vendor/preact-htm.js";
import { number, t, tOr } from "../words.js";
import { ROOT } from "../session.js";
import { AGREED, ConsentFirst } from "../parts/consent.js";
import { Busy, Failure } from "../parts/notices.js";
import { Offer } from "../parts/offer.js";
import { QrCode } from "../parts/qr-code.js";
import { useWork } from "../parts/work.js";

/** @typedef {import("../screens.js").Shown} Shown */

const PATH = "v1/liveness/sessions";
const EVERY_MS = 1000;
const OVER = ["passed", "failed", "expired"];
/** @type {Record<string, string>} score -> what limits it */
const LIMITS = {
  pad: "pad",
  same_face: "same_face_cosine",
  relief: "relief",
  unbent_relief: "unbent_relief",
  longest_answer_s: "answer_s",
};
/** @type {Record<string, string>} */
const ALIKE = {
  repeated_frame: "frames",
  time_reversed: "frames",
  jump: "frames",
  too_few_frames: "few",
  face_not_recognisable: "few",
  not_compared: "not_assessable",
  lost: "fault",
  slowed_down: "too_slow",
};

/** @param {Shown} props */
export function Liveness(props) {
  const [opened, setOpened] = useState(/** @type {any} */ (null));
  if (!opened) return html`<${Opening} ...${props} onOpen=${setOpened} />`;
  return html`
    <${Followed} session=${props.session} opened=${opened} />
    <p><button onClick=${() => setOpened(null)}>${t("liveness.another")}</button></p>
  `;
}

/** @param {Shown & {onOpen: (opened: any) => void}} props */
function Opening({ session, access, consent, onOpen }) {
  const work = /** @type {import("../parts/work.js").Work<void>} */ (useWork());
  const open = (/** @type {any} */ event) => {
    event.preventDefault();
    const { kind, ttl, subject } = event.target.elements;
    const json = {
      kind: kind.value,
      ttl_s: Number(ttl.value),
      subject_id: subject?.value.trim() || undefined,
      ...AGREED,
    };
    work.run(async (signal) => onOpen(await session.call("POST", PATH, { json, signal })));
  };
  return html`
    <form class="card" onSubmit=${open}>
      <label>${t("liveness.kind")}
        <select name="kind">
          <option value="head_turns">${t("liveness.head_turns")}</option>
          <option value="passive">${t("liveness.passive")}</option>
        </select></label>
      <label>${t("liveness.ttl")}
        <input name="ttl" type="number" min="60" max="600" value="300" required /></label>
      ${access.permissions.includes("verify") && html`
        <label>${t("liveness.subject")} <input name="subject" spellcheck="false" /></label>`}
      <${ConsentFirst} waiting consent=${consent} />
      <button class="main" disabled=${!consent || work.busy}>${t("liveness.open")}</button>
      <${Failure} error=${work.failure} />
    </form>
  `;
}

/** @param {{session: Shown["session"], opened: any}} props */
function Followed({ session, opened }) {
  const work = /** @type {import("../parts/work.js").Work<any>} */ (useWork());
  const known = work.answer ?? opened;
  useEffect(() => {
    if (OVER.includes(known.state)) return undefined;
    const look = () => work.renew((signal) => session.call("GET", `${PATH}/${opened.session_id}`, { signal }));
    const next = setTimeout(look, EVERY_MS);
    return () => clearTimeout(next);
  }, [work.answer, work.failure]);
  return html`
    <${Failure} error=${work.failure} />
    ${known.state === "created" && html`<${Address} url=${new URL(opened.capture_url, ROOT).href} />`}
    <div aria-live="polite"><${State} known=${known} /></div>
  `;
}

/** @param {{url: string}} props */
function Address({ url }) {
  return html`
    <section class="card"><${QrCode} text=${url} words=${t("liveness.code")} />
      <p class="hint">${t("liveness.reach")}</p>
      <a class="button" href=${url} target="_blank" rel="noopener noreferrer">${t("liveness.here")}</a></section>
  `;
}

/** @param {{known: any}} props */
function State({ known }) {
  const { state, reasons = [], verdict } = known;
  const shade = { passed: "good", failed: "bad" }[/** @type {string} */ (state)] ?? "unsure";
  return html`
    <p class=${`outcome ${shade}`}>${t(`state.${state}`)}</p>
    <${Busy} busy=${state === "started"} />
    <ul>${reasons.map((/** @type {string} */ it) => html`<li>${tOr(`why.${ALIKE[it] ?? it}`, it)}</li>`)}</ul>
    ${verdict && html`<${Scores} known=${known} />
      <${Offer} text=${verdict} type="application/jose" name=${`${known.session_id}.jws`} words=${t("liveness.download")} />`}
  `;
}

/** @param {{known: any}} props */
function Scores({ known: { scores, limits } }) {
  return html`
    <table>
      <thead><tr><th scope="col">${t("metric")}</th><th scope="col" class="number">${t("value")}</th>
        <th scope="col" class="number">${t("limit")}</th></tr></thead>
      <tbody>${Object.entries(LIMITS).filter(([name]) => name in scores).map(([name, limit]) => html`
        <tr><th scope="row"><code>${name}</code></th><td class="number">${number(scores[name])}</td>
          <td class="number">${limit in limits ? number(limits[limit]) : ""}</td></tr>`)}</tbody>
    </table>
  `;
}
