import { run } from 'node:test';

/**
 * Node's `run()` of one file in its own process, which must end when its tests have: what lives on for as long as a test may
 * take fails the file.
 * @param {import('node:test').RunOptions & {files: [string], timeout: number}} options
 * @returns {import('node:test').TestsStream}
 */
export function runFile(options) {
  const [file] = options.files;
  const end = new AbortController();
  const events = run({ ...options, signal: end.signal });
  let open = 0;
  let watch;
  const see =
    (change) =>
    ({ name }) => {
      if (name === file) return;
      open += change;
      clearTimeout(watch);
      if (open === 0)
        watch = setTimeout(() => end.abort(new Error('its process did not end after its tests')), options.timeout);
    };
  return events
    .on('test:dequeue', see(1))
    .on('test:complete', see(-1))
    .on('end', () => clearTimeout(watch));
}
