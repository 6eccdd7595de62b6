import { existsSync } from 'node:fs';

const PLACES = [
  process.env['CHROMIUM'],
  // the same engine without a window's parts: half the processor time of a page
  '/usr/bin/chromium-headless-shell',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** A Chromium of this machine. */
export const CHROMIUM: string | undefined = PLACES.find((place) => place !== undefined && existsSync(place));

/** How the tests start it. */
export const CHROMIUM_ARGS: string[] = [
  // in a container as root
  '--no-sandbox',
  '--disable-dev-shm-usage',
  // without a GPU another process would imitate one
  '--disable-gpu',
  '--in-process-gpu',
  // a page of a test ends before what its optimised code costs is earned back: a fifth of its processor time
  '--js-flags=--no-maglev,--no-turbofan',
];
