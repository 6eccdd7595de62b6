import type { Log } from '#daemon/platform/log.ts';
import { ApiError } from '#shared/errors.ts';
import { PLUGIN_PROBLEMS, type PluginProblem, pluginProblem } from '#shared/plugin-sdk/problems.ts';
import { withoutPaths } from './process.ts';
import type { Fault } from './wire/connection.ts';

/** Writes what a plugin did wrong in a call. An error that its code threw is one error line with its stack. */
export function logFault(
  log: Log<'warn' | 'error'>,
  fields: { plugin: string; app?: string },
  fault: Fault,
  folder: string,
): void {
  const { kind, reason } = fault;
  if (kind !== 'threw') {
    log.warn({ ...fields, reason }, 'a plugin misbehaves');
    return;
  }
  const stack = withoutPaths(fault.stack, folder);
  const err = Object.assign(new Error(reason), { name: 'PluginError', stack });
  log.error({ ...fields, code: 'PLUGIN_FAILED', err }, `The plugin ${fields.plugin} failed: ${reason}`);
}

/** A plugin's process ended before its code was loaded; why, in words. */
export class LoadProblem extends Error {}

/** The reason in the words that authors know. */
export function faultOf(error: Error): PluginProblem {
  if (error instanceof ApiError)
    return pluginProblem(error.code === 'TASK_TIMEOUT' ? 'CODE_TIMEOUT' : 'CODE_MEMORY', { detail: error.message });
  if (!(error instanceof LoadProblem)) return pluginProblem('CODE_ENDED', { detail: 'the worker' });
  const detail = error.message;
  if (/^(?:it|describing itself) took longer than [\d.]+ s/.test(detail))
    return pluginProblem('CODE_TIMEOUT', { detail });
  if (/^it used more memory/.test(detail)) return pluginProblem('CODE_MEMORY', { detail });
  const ended = /^its code ended (the process.*)/.exec(detail)?.[1];
  if (ended !== undefined) return pluginProblem('CODE_ENDED', { detail: ended });
  const isWithoutExport = detail === PLUGIN_PROBLEMS.CODE_NO_EXPORT.text;
  return pluginProblem(isWithoutExport ? 'CODE_NO_EXPORT' : 'CODE_THROWS', { detail });
}

/** A time or memory limit, or a worker that went away; not a full queue or the daemon's own stop. */
export function isPluginsFault(error: unknown): boolean {
  if (error instanceof ApiError) return error.code === 'TASK_TIMEOUT' || error.code === 'TASK_FAILED';
  return (error as Error).name !== 'AbortError';
}
