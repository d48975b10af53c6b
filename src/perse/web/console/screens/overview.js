/** How this installation is. */
import { html, useEffect } from "../vendor/preact-htm.js";
import { number, t } from "../words.js";
import { Busy, Failure } from "../parts/notices.js";
import { useWork } from "../parts/work.js";

const EVERY_MS = 5000;

/** @param {import("../screens.js").Shown} props */
export function Overview({ session }) {
  const work = /** @type {import("../parts/work.js").Work<any>} */ (useWork());
  useEffect(() => {
    let left = false;
    const look = async () => {
      await work.renew((signal) => session.call("GET", "v1/status", { signal }));
      if (!left) later = setTimeout(look, EVERY_MS);
    };
    let later = setTimeout(look, 0);
    return () => {
      left = true;
      clearTimeout(later);
    };
  }, []);
  const status = work.answer;
  return html`
    <${Failure} error=${work.failure} />
    ${status ? html`<${State} status=${status} />` : html`<${Busy} busy=${work.busy} />`}
  `;
}

/** @param {{status: any}} props */
function State({ status }) {
  return html`
    <div class="columns">
      <section class="card"><h2>${t("overview.state")}</h2>
        <p class=${`outcome ${status.ready ? "good" : "unsure"}`}>${t(status.ready ? "overview.ready" : "overview.not_ready")}</p>
        <dl>
          <dt>${t("overview.version")}</dt><dd>${status.version}</dd>
          <dt>${t("overview.uptime")}</dt><dd>${duration(status.uptime_s)}</dd>
          <dt>${t("overview.pack")}</dt><dd>${status.pack}</dd>
        </dl></section>
      <section class="card"><h2>${t("overview.load")}</h2>
        <dl>
          <dt>${t("overview.workers")}</dt><dd>${status.load.busy} / ${status.load.workers}</dd>
          <dt>${t("overview.waiting")}</dt><dd>${status.load.waiting}</dd>
        </dl>
        <h3>${t("overview.answers")}</h3>
        <dl>${Object.entries({ ...status.answers, ...status.errors }).map(([code, count]) => html`
          <dt>${code}</dt><dd>${number(Number(count))}</dd>`)}</dl></section>
    </div>
    <h2>${t("overview.checks")}</h2>
    <${Findings} findings=${status.findings} />
    <h2>${t("overview.networks")}</h2>
    <${Networks} networks=${status.networks} />
  `;
}

/** @param {{findings: any[]}} props */
function Findings({ findings }) {
  return html`<table><tbody>${findings.map(({ name, state, sentence }) => html`
    <tr><th scope="row">${name}</th>
      <td><span class=${state === "ok" ? "mark-good" : "mark-bad"}>${t(`overview.check_${state}`)}</span></td>
      <td>${sentence}</td></tr>`)}</tbody></table>`;
}

/** @param {{networks: any[]}} props */
function Networks({ networks }) {
  return html`
    <table>
      <thead><tr><th scope="col">${t("overview.role")}</th><th scope="col">${t("overview.network")}</th>
        <th scope="col">${t("overview.licence")}</th><th scope="col">${t("overview.origin")}</th></tr></thead>
      <tbody>${networks.map((it) => html`
        <tr><th scope="row">${it.role}</th><td>${it.name}</td><td>${it.licence.weights}</td><td class="break">${it.origin}</td></tr>`)}</tbody>
    </table>
  `;
}

/** @param {number} seconds */
function duration(seconds) {
  const minutes = Math.floor(seconds / 60);
  const [days, hours] = [Math.floor(minutes / 1440), Math.floor(minutes / 60) % 24];
  return days ? `${days} d ${hours} h` : hours ? `${hours} h ${minutes % 60} min` : `${minutes} min`;
}
