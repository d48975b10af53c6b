/** What is said of a recording. */
import { html } from "../vendor/preact-htm.js";
import { Verdicts } from "./verdicts.js";

/** @param {{recording: any, name: string}} props ``recording``: as `v1/voice/inspect` answers */
export function RecordingVerdicts({ recording, name }) {
  const { verdicts, voice_metrics: values, default_thresholds: limits } = recording;
  const rows = Object.keys(verdicts)
    .filter((metric) => metric in values)
    .map((metric) => ({ metric, value: values[metric], limit: limits[metric], verdict: verdicts[metric] }));
  return html`<${Verdicts} name=${name} rows=${rows} />`;
}
