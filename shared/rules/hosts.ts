/** Loopback, and the unspecified address, which reaches the machine that asks; as `URL.hostname` writes them. */
const ONLY_HERE =
  /^(?:(?:[^.]+\.)*localhost\.?|127\.[\d.]+|0\.0\.0\.0|\[::1?\]|\[::ffff:(?:7f[\da-f]{2}:[\da-f]{1,4}|0:0)\])$/;

/** Does a link to this address open only on the machine that it names? */
export const isOnlyHere = ({ hostname }: URL): boolean => ONLY_HERE.test(hostname);
