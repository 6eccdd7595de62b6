import { DaemonError } from '#shared/client/errors.ts';
import { HostError } from '../../host/bridge.ts';

/**
 * What the daemon said about single fields, and the error itself when a part of it belongs to no field.
 * @param fieldOf name of the form's field for a path of the API, undefined when the form has none
 */
export function fieldErrors(
  error: unknown,
  fieldOf: (path: string) => string | undefined,
): { fields: Record<string, string>; rest: unknown } {
  const details = error instanceof DaemonError || error instanceof HostError ? error.details : [];
  const fields: Record<string, string> = {};
  let isComplete = details.length > 0;
  for (const { path, message } of details) {
    // an item of a list is shown at the field that holds the list
    const name = fieldOf(path.replace(/^body\./, '').replace(/\.\d+$/, ''));
    if (name === undefined) isComplete = false;
    else fields[name] ??= message;
  }
  return { fields, rest: isComplete ? undefined : error };
}
