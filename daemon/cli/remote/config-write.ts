import type { Static } from 'typebox';
import { takesEffect } from '#daemon/apps/config/takes-effect.ts';
import { DaemonError } from '#shared/client/errors.ts';
import { parseConfig } from '#shared/config/parse.ts';
import { changedKeys } from '#shared/config/values.ts';
import * as ops from '#shared/contract/config.ts';
import type { ValidateResult } from '#shared/schema/config.ts';
import { confirm } from '../ask.ts';
import type { CommonOptions } from './command.ts';
import type { Daemon } from './daemon.ts';
import { showDiff } from './diff.ts';
import { formatOf, note, print, printData } from './output.ts';

const WRITE_MS = 60_000;

/** A text beside the config that it would replace. */
export interface Review {
  yaml: string;
  /** Of the config that was compared. */
  etag: string;
  result: Static<typeof ValidateResult>;
  /** Dotted keys whose values would change. */
  keys: string[];
}

/** Compares a text with the current config, and lets the daemon check it. Writes nothing. */
export async function review(daemon: Daemon, app: string, yaml: string): Promise<Review> {
  const params = { name: app };
  const { data: current } = await daemon.call(ops.getRawConfig, { params });
  const { data: result } = await daemon.call(ops.validateConfig, { params, body: { yaml } }, { timeout: WRITE_MS });
  const [before, after] = [parseConfig(current.yaml).value, parseConfig(yaml).value];
  return { yaml, etag: current.etag, result, keys: after === null ? [] : changedKeys(before ?? {}, after) };
}

/** Problems of a text as `file:line:column: severity: key message`. */
export const reportOf = (diagnostics: Static<typeof ValidateResult>['diagnostics'], file: string): string[] =>
  diagnostics
    .filter(({ severity }) => severity !== 'info')
    .map(({ severity, line, column, path, message }) =>
      [`${file}:${line}:${column}: ${severity}:`, ...(path === '' ? [] : [path]), message].join(' '),
    );

/** Shows the changes, when they take effect, and what is wrong, on standard error. */
export function showReview({ result, keys }: Review, file: string, { withDiff = true } = {}): void {
  if (withDiff && result.changed) showDiff(result.diff);
  for (const line of reportOf(result.diagnostics, file)) note(line);
  if (!result.valid) note('The config is not valid.');
  else if (result.changed) for (const line of planOf(keys)) note(line);
}

/** When the changed keys take effect. */
function planOf(keys: readonly string[]): string[] {
  if (keys.length === 0) return ['No value changes: only comments, order or layout do.'];
  const { hot, reopen, next } = takesEffect(keys);
  const known = new Set([...hot, ...reopen, ...next]);
  const lines: [string, readonly string[]][] = [
    ['Takes effect immediately', hot],
    ['Takes effect when the connection was opened again, right after saving', reopen],
    ['Applies to the next stream or recording', next],
    ['Not read by StreamHub', keys.filter((key) => !known.has(key))],
  ];
  return lines.filter(([, some]) => some.length > 0).map(([text, some]) => `${text}: ${some.join(', ')}`);
}

interface WriteOptions extends CommonOptions {
  confirmPublic?: boolean;
  ifMatch?: string;
}

/** Saves what was reviewed, if the config is still the one that was compared. @param ts it is this backup @throws DaemonError */
export async function write(
  daemon: Daemon,
  app: string,
  { yaml, etag }: Review,
  options: WriteOptions,
  ts?: string,
): Promise<void> {
  const headers = { 'if-match': options.ifMatch ?? etag };
  const send = async (confirmPublic: boolean) => {
    const agreed = confirmPublic ? { confirmPublic } : {};
    return ts === undefined
      ? daemon.call(
          ops.putRawConfig,
          { params: { name: app }, headers, body: { yaml, ...agreed } },
          { timeout: WRITE_MS },
        )
      : daemon.call(ops.revertConfig, { params: { name: app, ts }, headers, body: agreed }, { timeout: WRITE_MS });
  };
  const { data } = await send(options.confirmPublic === true).catch(async (error: unknown) => {
    if (!(error instanceof DaemonError) || error.code !== 'STORAGE_PUBLIC_UNCONFIRMED') throw error;
    note(error.message);
    const question = 'Make the recordings public? (Without a terminal: --confirm-public)';
    if (!(await confirm(question, options.confirmPublic))) throw error;
    return send(true);
  });
  if (formatOf(options) !== 'table') return printData(data, options);
  for (const warning of data.warnings) note(`streamhub: warning: ${warning}`);
  print(data.reloaded ? `Saved the config of ${app}. It is active.` : `Saved the config of ${app}. It is not active.`);
}
