import { lstat, readdir, readFile, rmdir, unlink } from 'node:fs/promises';
import path from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { EnvFileError, readEnvFile } from '#daemon/platform/env-file.ts';
import { listRollbackPoints, planConfiguration } from '#shared/contract/declared.ts';
import { writeAtomically } from '#shared/files/atomic-file.ts';
import { makeFolder } from '#shared/files/make-folder.ts';
import { MAX_DECLARED_BYTES, MAX_DECLARED_FILES } from '#shared/limits.ts';
import type { DeclaredFile, Plan, PlanBody } from '#shared/schema/declared.ts';
import { UsageError } from '../exit-codes.ts';
import { newCommand } from '../usage.ts';
import { withConnection, withOutput } from './command.ts';
import type { ConnectionOptions } from './connection.ts';
import type { Daemon } from './daemon.ts';
import { formatOf, note, type OutputOptions, print, printData, printText } from './output.ts';
import { plainText } from './table.ts';

/** What `plan` and `apply` have in common. */
export interface FolderOptions extends ConnectionOptions, OutputOptions {
  prune?: boolean;
  secrets?: string;
  /** True: the newest roll-back point. */
  rollback?: number | true;
}

/** Longest wait for a plan, which reads and compares everything. */
const PATIENCE_MS = 600_000;

/** A command that plans a folder or a roll-back point. */
export const folderCommand = (name: 'plan' | 'apply', description: string): Command =>
  withOutput(withConnection(withFolder(newCommand(name).description(description))));

/** Adds the arguments that say what is planned or applied. */
const withFolder = (command: Command): Command =>
  command
    .argument('[folder]', 'Folder that streamhub export wrote. Default: this one.', '.')
    .option('--prune', 'Also delete what the folder doesn’t have, of the kinds of which it has a file.')
    .option(
      '--secrets <file>',
      'File of lines NAME=value with the secrets that the folder refers to. Default: the environment.',
    )
    .option(
      '--rollback [id]',
      'In place of a folder: back to the state before an earlier apply, by default the last one.',
      pointNumber,
    );

/** @throws InvalidArgumentError */
export function pointNumber(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new InvalidArgumentError('It must be the number of a roll-back point.');
  return Number(text);
}

/** Paths that an export has written before: files at other places are never touched. */
const WRITTEN = /^(?:[a-z-]+\.yaml|apps\/[a-z0-9-]+\/(?:app|config)\.yaml)$/;

/** All YAML files of a folder, by path. @throws UsageError for a folder that can't be one */
async function readFolder(folder: string): Promise<DeclaredFile[]> {
  const files: DeclaredFile[] = [];
  let size = 0;
  const read = async (inside: string): Promise<void> => {
    const entries = await readdir(path.join(folder, inside), { withFileTypes: true });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const place = inside === '' ? entry.name : `${inside}/${entry.name}`;
      if (entry.name.startsWith('.') || entry.name === 'node_modules') continue;
      if (entry.isDirectory()) await read(place);
      else if (entry.isFile() && /\.ya?ml$/.test(entry.name)) {
        if (files.length === MAX_DECLARED_FILES)
          throw new UsageError(`${folder} has more than ${MAX_DECLARED_FILES} YAML files.`);
        size += (await lstat(path.join(folder, place))).size;
        if (size > MAX_DECLARED_BYTES) throw new UsageError(`The YAML files of ${folder} are larger than 8 MiB.`);
        files.push({ path: place, text: await readFile(path.join(folder, place), 'utf8') });
      }
    }
  };
  await read('').catch((error: NodeJS.ErrnoException) => {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${folder} can’t be read: ${error.message}`);
  });
  if (files.length === 0) throw new UsageError(`${folder} has no YAML files. streamhub export ${folder} writes them.`);
  return files;
}

/** Writes an export, and removes files of an earlier one that it doesn't have. @returns how many files changed and went */
export async function writeFolder(
  folder: string,
  files: readonly DeclaredFile[],
): Promise<{ written: number; removed: number }> {
  await makeFolder(folder, 0o777);
  const before = new Map((await readFolder(folder).catch(() => [])).map(({ path: place, text }) => [place, text]));
  let written = 0;
  let removed = 0;
  for (const { path: place, text } of files) {
    if (!WRITTEN.test(place)) throw new Error(`the daemon sent a file with the path ${place}`);
    if (before.get(place) === text) continue;
    const file = path.join(folder, place);
    await makeFolder(path.dirname(file), 0o777);
    await writeAtomically(file, text, { mode: 0o644 });
    written += 1;
  }
  const names = new Set(files.map(({ path: place }) => place));
  for (const place of before.keys()) {
    if (names.has(place) || !place.startsWith('apps/') || !WRITTEN.test(place)) continue;
    await unlink(path.join(folder, place));
    await rmdir(path.dirname(path.join(folder, place))).catch(() => {});
    removed += 1;
  }
  return { written, removed };
}

/** The plan of a request. */
export async function planOf(daemon: Daemon, body: PlanBody): Promise<Plan> {
  const { data } = await daemon.call(planConfiguration, { body }, { timeout: PATIENCE_MS });
  return data;
}

/** The request that the options mean. @throws UsageError */
export async function requestOf(
  daemon: Daemon,
  folder: string,
  { prune, secrets, rollback }: FolderOptions,
): Promise<PlanBody> {
  if (rollback !== undefined) {
    const rollbackPoint = rollback === true ? (await daemon.call(listRollbackPoints)).data[0]?.id : rollback;
    if (rollbackPoint === undefined) throw new UsageError('There is no roll-back point yet.');
    return { rollbackPoint };
  }
  const files = await readFolder(folder);
  const names = new Set(
    files.flatMap(({ text }) =>
      [...text.matchAll(/\$\{secret:([A-Z][A-Z0-9_]*)\}/g)].map(([, name]) => name as string),
    ),
  );
  const values = secrets === undefined ? process.env : secretsOf(secrets);
  const given = [...names].flatMap((name) => (values[name] ? [[name, values[name]] as const] : []));
  return { files, secrets: Object.fromEntries(given), ...(prune ? { prune } : {}) };
}

function secretsOf(file: string): Record<string, string | undefined> {
  try {
    const { values, remarks, isShared } = readEnvFile(file, true);
    for (const remark of remarks) note(`streamhub: ${file}: ${remark}`);
    if (isShared) note(`streamhub: ${file} can be read by others. Run chmod 600 ${file}`);
    return values;
  } catch (error) {
    if (error instanceof EnvFileError) throw new UsageError(`${file} ${error.message}`);
    throw error;
  }
}

const SIGNS = { create: '+', change: '~', delete: '-' } as const;
const COLOURS = { '+': '\u001b[32m', '-': '\u001b[31m', '~': '\u001b[33m' } as const;

/** A plan for people: each change with its diff, then a sum. */
export async function printPlan(plan: Plan, options: OutputOptions): Promise<void> {
  if (formatOf(options) !== 'table') return printData(formatOf(options) === 'csv' ? plan.changes : plan, options);
  const { changes, kept, unresolved } = plan;
  const isColoured = process.stdout.isTTY && !process.env['NO_COLOR'];
  const line = (text: string) => {
    const colour = isColoured ? COLOURS[text.trimStart()[0] as keyof typeof COLOURS] : undefined;
    printText(colour === undefined ? plainText(text) : `${colour}${plainText(text)}\u001b[0m`);
  };
  for (const { action, kind, name, diff, warnings } of changes) {
    line(`${SIGNS[action]} ${kind} ${name}`);
    for (const text of diff.split('\n')) if (text !== '') line(`    ${text}`);
    for (const text of warnings) print(`    ! ${text}`);
  }
  const count = (wanted: string) => changes.filter(({ action }) => action === wanted).length;
  if (kept.length > 0)
    print(`Left alone without --prune: ${kept.map(({ kind, name }) => `${kind} ${name}`).join(', ')}.`);
  if (unresolved.length > 0) print(`Secrets without a value, here and on the daemon: ${unresolved.join(', ')}.`);
  print(
    changes.length === 0
      ? 'Nothing to change.'
      : `Plan: ${count('create')} to create, ${count('change')} to change, ${count('delete')} to delete.`,
  );
}
