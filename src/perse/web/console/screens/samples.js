/** The faces or the voices that are kept of a person. */
import { html, useEffect, useState } from "../vendor/preact-htm.js";
import { moment, number, t } from "../words.js";
import { AGREED, ConsentFirst } from "../parts/consent.js";
import { Busy, Failure } from "../parts/notices.js";
import { PictureInput } from "../parts/picture-input.js";
import { Receipt } from "../parts/receipt.js";
import { RecordingInput } from "../parts/recording-input.js";
import { Destroy } from "../parts/sureness.js";
import { useWork } from "../parts/work.js";

/**
 * What the parts of a person's screen are given.
 * @typedef {object} Given
 * @property {import("../session.js").Session} session
 * @property {string} path of the subject
 * @property {boolean} consent
 * @property {(permission: string) => boolean} may
 * @property {() => void} onChange
 */

const KINDS = { faces: "image_file", voices: "audio_file" };

/** @param {Given & {kind: "faces" | "voices"}} props */
export function Samples({ kind, session, path, consent, may, onChange }) {
  const [receipt, setReceipt] = useState({ text: "", name: "" });
  const listed = /** @type {import("../parts/work.js").Work<any>} */ (useWork());
  const change = /** @type {import("../parts/work.js").Work<void>} */ (useWork());
  const list = () => listed.renew((signal) => session.call("GET", `${path}/${kind}`, { signal }));
  useEffect(() => { list(); }, []);
  const changed = async (/** @type {Promise<any>} */ work, /** @type {string} */ key) => {
    const answer = await work;
    setReceipt({ text: answer[key] ?? "", name: answer.id ?? kind });
    list();
    onChange();
  };
  const destroy = (/** @type {string} */ id) => change.run((signal) =>
    changed(session.call("DELETE", `${path}/${kind}/${id}`, { signal }), "receipt"));
  const add = (/** @type {Blob} */ sample) => change.run((signal) => {
    const form = { [KINDS[kind]]: sample, ...AGREED };
    return changed(session.call("POST", `${path}/${kind}`, { form, signal }), "displaced_receipt");
  });
  const samples = listed.answer?.[kind] ?? [];
  return html`
    <h2>${t(`people.${kind}`)}</h2>
    <${Failure} error=${listed.failure} />
    ${listed.answer?.guidance && html`<p class="hint">${t("samples.more_speech", {
      seconds: number(listed.answer.net_speech_wanted - listed.answer.net_speech_total, 1) })}</p>`}
    ${samples.map((/** @type {any} */ sample) => html`
      <${Sample} key=${sample.id} sample=${sample} onDestroy=${may("delete") && destroy} />`)}
    ${receipt.text && html`<${Receipt} receipt=${receipt.text} name=${receipt.name} />`}
    ${may("enrol") && html`<${Adding} kind=${kind} consent=${consent} busy=${change.busy} onSample=${add}
      open=${kind === "faces" && listed.answer && !samples.length} />`}
    <${Busy} busy=${change.busy} /><${Failure} error=${change.failure} />
  `;
}

/** @param {{sample: any, onDestroy: ((id: string) => void) | false}} props */
function Sample({ sample, onDestroy }) {
  const quality = Object.entries(sample.quality).map(
    ([metric, value]) => `${t(`metric.${metric}`)} ${number(Number(value))}`);
  return html`
    <div class="card row">
      <div><strong>${moment(sample.created_at)}</strong> · ${sample.model}
        <p class="hint">${quality.join(" · ")}</p></div>
      ${onDestroy && html`<${Destroy} words=${t("samples.delete")} question=${t("samples.sure")}
        onSure=${() => onDestroy(sample.id)} />`}
    </div>
  `;
}

/**
 * @typedef {object} AddingProps
 * @property {"faces" | "voices"} kind
 * @property {boolean} consent
 * @property {boolean} busy
 * @property {boolean} open from the start
 * @property {(sample: Blob) => void} onSample
 */

/** @param {AddingProps} props */
function Adding({ kind, consent, busy, open, onSample }) {
  const [sample, setSample] = useState(/** @type {Blob | null} */ (null));
  const label = t(`samples.add_${kind}`);
  const add = () => {
    onSample(/** @type {Blob} */ (sample));
    setSample(null);
  };
  return html`
    <details class="card" open=${open}><summary>${label}</summary>
      ${kind === "faces"
        ? html`<${PictureInput} label=${label} picture=${sample} onPicture=${setSample} />`
        : html`<${RecordingInput} label=${label} recording=${sample} onRecording=${setSample} />`}
      <${ConsentFirst} waiting=${sample} consent=${consent} />
      <button class="main" disabled=${!sample || !consent || busy} onClick=${add}>${t("samples.keep")}</button>
    </details>
  `;
}
