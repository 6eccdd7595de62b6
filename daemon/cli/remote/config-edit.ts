import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { DaemonError } from '#shared/client/errors.ts';
import { getRawConfig } from '#shared/contract/config.ts';
import { ask, isInteractive } from '../ask.ts';
import { EXIT, ExitWith, UsageError } from '../exit-codes.ts';
import type { CommonOptions } from './command.ts';
import { review, showReview, write } from './config-write.ts';
import { type Daemon, withDaemon } from './daemon.ts';
import { note } from './output.ts';

interface EditOptions extends CommonOptions {
  confirmPublic?: boolean;
}

/**
 * Lets a person edit the config in their editor, shows the changes and when they take effect, asks, and saves with
 * If-Match. Whenever the text isn't saved, it is kept and its place is said.
 */
export async function edit(app: string, options: EditOptions): Promise<void> {
  const editor = editorOf(process.env);
  await withDaemon(options, async (daemon) => {
    const { data: raw } = await daemon.call(getRawConfig, { params: { name: app } });
    if (raw.hidden !== null || raw.masked) throw new Error(raw.hidden ?? 'You may read this config, but not write it.');
    if (raw.writeProblem !== null) throw new Error(`${raw.writeProblem.message} ${raw.writeProblem.hint}`);
    const folder = await mkdtemp(path.join(os.tmpdir(), 'streamhub-'));
    const file = path.join(folder, `${app}.yaml`);
    await writeFile(file, raw.yaml, { mode: 0o600 });
    let isDone = false;
    try {
      isDone = await editUntilSaved(daemon, app, { raw, file, editor, options });
    } finally {
      if (isDone) await rm(folder, { recursive: true, force: true });
      else note(`Your text is kept in ${file}`);
    }
  });
}

interface Work {
  raw: { yaml: string; etag: string };
  file: string;
  editor: string;
  options: EditOptions;
}

/** @returns whether nothing needs to be kept */
async function editUntilSaved(daemon: Daemon, app: string, { raw, file, editor, options }: Work): Promise<boolean> {
  for (;;) {
    await runEditor(editor, file);
    const yaml = await readFile(file, 'utf8');
    if (yaml === raw.yaml) {
      note('Nothing was changed.');
      return true;
    }
    // compared with the text that was edited: a config that was changed since then is refused when saving
    const found = { ...(await review(daemon, app, yaml)), etag: raw.etag };
    showReview(found, file);
    const answer = await next(app, found.result.valid, options.yes);
    if (answer === 'edit') continue;
    if (answer === 'stop') {
      note('Nothing was changed.');
      if (!found.result.valid) throw new ExitWith(EXIT.failed.code);
      return false;
    }
    try {
      await write(daemon, app, found, options);
      return true;
    } catch (error) {
      if (error instanceof DaemonError && error.code === 'PRECONDITION_FAILED')
        note(
          `streamhub: the config of ${app} was changed while you edited it. Compare with: streamhub config diff ${app} ${file}`,
        );
      throw error;
    }
  }
}

async function next(app: string, isValid: boolean, yes: boolean | undefined): Promise<'save' | 'edit' | 'stop'> {
  if (isValid && yes) return 'save';
  if (!isInteractive()) {
    if (!isValid) return 'stop';
    throw new UsageError(`Save the config of ${app}? There is no terminal to ask on: add --yes to agree.`);
  }
  const question = isValid ? `Save the config of ${app}? [y]es, [e]dit again, [N]o: ` : 'Edit again? [Y/n] ';
  const answer = (await ask(question)).trim().toLowerCase();
  if (isValid) return /^y(?:es)?$/.test(answer) ? 'save' : /^e(?:dit)?$/.test(answer) ? 'edit' : 'stop';
  return /^n(?:o)?$/.test(answer) ? 'stop' : 'edit';
}

/** As git does: $VISUAL, else $EDITOR, which may have arguments. */
function editorOf({ VISUAL, EDITOR }: NodeJS.ProcessEnv): string {
  const chosen = VISUAL || EDITOR;
  if (chosen) return chosen;
  if (!isInteractive()) throw new UsageError('Set $EDITOR: there is no terminal for the usual editor.');
  return process.platform === 'win32' ? 'notepad' : 'vi';
}

async function runEditor(editor: string, file: string): Promise<void> {
  const child =
    process.platform === 'win32'
      ? spawn(`${editor} "${file}"`, { shell: true, stdio: 'inherit' })
      : spawn('/bin/sh', ['-c', `${editor} "$@"`, editor, file], { stdio: 'inherit' });
  // Ctrl-C belongs to the editor
  const ignore = (): void => {};
  process.on('SIGINT', ignore);
  try {
    const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
    if (code !== 0) throw new Error(`The editor ended with ${code ?? signal}: ${editor}`);
  } finally {
    process.off('SIGINT', ignore);
  }
}
