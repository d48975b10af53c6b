/** One piece of work at a time, of which a screen shows how it goes. */
import { useCallback, useEffect, useRef, useState } from "../vendor/preact-htm.js";

/**
 * @template T
 * @typedef {object} Work
 * @property {T | null} answer
 * @property {unknown} failure
 * @property {boolean} busy
 * @property {(work: (signal: AbortSignal) => Promise<T>) => Promise<void>} run gives up what runs,
 *   and forgets what was answered
 * @property {(work: (signal: AbortSignal) => Promise<T>) => Promise<void>} renew the same, but what was
 *   answered is shown until there is more
 * @property {() => void} clear gives up what runs, forgets what was answered
 */

/**
 * Work that ends with the screen.
 * @template T
 * @returns {Work<T>}
 */
export function useWork() {
  const [state, setState] = useState(
    /** @type {{answer: T | null, failure: unknown, busy: boolean}} */
    ({ answer: null, failure: null, busy: false }),
  );
  const running = useRef(new AbortController());
  const restart = useCallback(() => {
    running.current.abort();
    running.current = new AbortController();
    return running.current.signal;
  }, []);
  const renew = useCallback(async (/** @type {(signal: AbortSignal) => Promise<T>} */ work) => {
    const signal = restart();
    setState((was) => ({ ...was, failure: null, busy: true }));
    try {
      const answer = await work(signal);
      if (!signal.aborted) setState({ answer, failure: null, busy: false });
    } catch (failure) {
      if (!signal.aborted) setState({ answer: null, failure, busy: false });
    }
  }, []);
  const clear = useCallback(() => {
    restart();
    setState({ answer: null, failure: null, busy: false });
  }, []);
  const run = useCallback((/** @type {(signal: AbortSignal) => Promise<T>} */ work) => {
    clear();
    return renew(work);
  }, []);
  useEffect(() => () => running.current.abort(), []);
  return { ...state, run, renew, clear };
}
