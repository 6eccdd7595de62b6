/** Why a daemon can't listen: the desktop starts it on another port then, and knows the reason by these words. */
export const portInUse = (port: number | string, host: string): string =>
  `port ${port} on ${host} is in use; choose another with --port or PORT`;

/** Does a daemon's output say that? */
export const saysPortInUse = (output: string): boolean => /port \d+ .* is in use/.test(output);
