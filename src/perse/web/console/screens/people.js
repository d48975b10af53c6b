/** Who is enrolled: found, made, looked at, destroyed. */
import { html, useEffect, useState } from "../vendor/preact-htm.js";
import { moment, t } from "../words.js";
import { CollectionChoice } from "../parts/collections.js";
import { Busy, Failure } from "../parts/notices.js";
import { useWork } from "../parts/work.js";
import { Person } from "./person.js";

/** @typedef {import("../screens.js").Shown} Shown */

const PAGE = 50;

/** @param {Shown} props */
export function People(props) {
  const [id] = props.rest;
  return id ? html`<${Person} ...${props} id=${id} />` : html`<${List} ...${props} />`;
}

/** @param {Shown} props */
function List({ session, access }) {
  const [asked, setAsked] = useState(/** @type {{external_id?: string, collection?: string}} */ ({}));
  const [pages, setPages] = useState(/** @type {string[]} */ ([""]));
  const work = /** @type {import("../parts/work.js").Work<any>} */ (useWork());
  const cursor = pages[pages.length - 1];
  const { run } = work;
  useEffect(() => {
    const query = { ...asked, cursor, limit: PAGE };
    run((signal) => session.call("GET", "v1/subjects", { query, signal }));
  }, [asked, cursor]);
  const ask = (/** @type {object} */ change) => {
    setPages([""]);
    setAsked({ ...asked, ...change });
  };
  return html`
    ${access.permissions.includes("enrol") && html`<${NewPerson} session=${session} />`}
    <form class="row" role="search" onSubmit=${(/** @type {any} */ event) => {
      event.preventDefault();
      ask({ external_id: event.target.elements.name.value });
    }}>
      <label>${t("people.external_id")} <input name="name" type="search" /></label>
      <${CollectionChoice} session=${session} chosen=${asked.collection ?? ""} onChoice=${(/** @type {string} */ collection) => ask({ collection })} />
      <button>${t("people.search")}</button>
    </form>
    <${Busy} busy=${work.busy} /><${Failure} error=${work.failure} />
    ${work.answer && html`<${Table} subjects=${work.answer.subjects} />`}
    <div class="row">
      ${pages.length > 1 && html`<button onClick=${() => setPages(pages.slice(0, -1))}>${t("page.back")}</button>`}
      ${work.answer?.next_cursor && html`
        <button onClick=${() => setPages([...pages, work.answer.next_cursor])}>${t("page.next")}</button>`}
    </div>
  `;
}

/** @param {{subjects: any[]}} props */
function Table({ subjects }) {
  if (!subjects.length) return html`<p class="notice">${t("people.none")}</p>`;
  return html`
    <div class="scroll" tabindex="0" role="region" aria-label=${t("people.title")}><table>
      <thead><tr><th scope="col">${t("people.person")}</th><th scope="col" class="number">${t("people.faces")}</th>
        <th scope="col" class="number">${t("people.voices")}</th><th scope="col">${t("people.since")}</th></tr></thead>
      <tbody>${subjects.map((subject) => html`
        <tr><th scope="row"><a href=${`#/people/${subject.id}`}>${subject.external_id ?? subject.id}</a></th>
          <td class="number">${subject.faces}</td><td class="number">${subject.voices}</td>
          <td>${moment(subject.created_at)}</td></tr>`)}</tbody>
    </table></div>
  `;
}

/** @param {{session: Shown["session"]}} props */
function NewPerson({ session }) {
  const work = /** @type {import("../parts/work.js").Work<void>} */ (useWork());
  // The same until somebody is made: asking once more, when no answer came, makes nobody twice.
  const [key] = useState(() => crypto.getRandomValues(new Uint32Array(4)).join("-"));
  const make = (/** @type {any} */ event) => {
    event.preventDefault();
    const { name } = event.target.elements;
    const json = name.value.trim() ? { external_id: name.value.trim() } : {};
    const headers = { "Idempotency-Key": key };
    work.run(async (signal) => {
      const made = await session.call("POST", "v1/subjects", { json, headers, signal });
      location.hash = `#/people/${made.id}`;
    });
  };
  return html`
    <form class="card" onSubmit=${make}>
      <h2>${t("people.new")}</h2>
      <div class="row"><label>${t("people.new_name")} <input name="name" maxlength="200" /></label>
        <button class="main" disabled=${work.busy}>${t("people.make")}</button></div>
      <${Failure} error=${work.failure} />
    </form>
  `;
}
