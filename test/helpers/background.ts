import { Background } from '#daemon/platform/background.ts';

/** Runs background work for a service under test; what fails is handed to `onWarning` or dropped. */
export const testBackground = (onWarning?: (data: object, message: string) => void): Background =>
  new Background({ log: { info() {}, warn: (data, message) => onWarning?.(data, message) } });
