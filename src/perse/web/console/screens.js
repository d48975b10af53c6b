/** Which screens there are, and who sees them. */
import { Compare } from "./screens/compare.js";
import { Detect } from "./screens/detect.js";
import { Evaluation } from "./screens/evaluation.js";
import { Identify } from "./screens/identify.js";
import { Ledger } from "./screens/ledger.js";
import { Liveness } from "./screens/liveness.js";
import { Overview } from "./screens/overview.js";
import { People } from "./screens/people.js";
import { Voice } from "./screens/voice.js";

/**
 * What `GET /v1/access` answers.
 * @typedef {object} Access
 * @property {string[]} permissions
 * @property {boolean} voices whether voices are compared here
 */
/**
 * What every screen is given.
 * @typedef {object} Shown
 * @property {import("./session.js").Session} session
 * @property {Access} access
 * @property {boolean} consent whether whoever is seen or heard has agreed
 * @property {string[]} rest what the address says beyond the screen
 */
/**
 * @typedef {object} Screen
 * @property {string} name
 * @property {(shown: Shown) => unknown} show
 * @property {(access: Access) => boolean} shown
 * @property {(rest: string[]) => boolean} biometric whether pictures or recordings are sent from it
 */

/**
 * @param {string} permission
 * @returns {(access: Access) => boolean}
 */
const may = (permission) => (access) => access.permissions.includes(permission);

const always = () => true;
const never = () => false;

/** @type {Screen[]} */
export const SCREENS = [
  { name: "overview", show: Overview, shown: may("operate"), biometric: never },
  { name: "detect", show: Detect, shown: may("faces"), biometric: always },
  { name: "compare", show: Compare, shown: may("faces"), biometric: always },
  { name: "voice", show: Voice, shown: (access) => access.voices && may("voices")(access), biometric: always },
  { name: "liveness", show: Liveness, shown: may("liveness"), biometric: always },
  { name: "people", show: People, shown: may("read"), biometric: (rest) => rest.length > 0 },
  { name: "identify", show: Identify, shown: may("identify"), biometric: always },
  { name: "evaluation", show: Evaluation, shown: may("operate"), biometric: never },
  { name: "ledger", show: Ledger, shown: may("read"), biometric: never },
];
