import { randomBytes } from 'node:crypto';
import { readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { putInPlace, type StagedFile, stageFile, writeAtomically } from '#shared/files/atomic-file.ts';
import { makeFolder } from '#shared/files/make-folder.ts';
import { ifMissing } from './file-errors.ts';

interface Intent {
  files: {
    file: string;
    /** The new content, until it is in place. */
    next: string;
    /** A copy of the old content; null if there was no such file. */
    previous: string | null;
    /** What the file looked like before. If it differs, someone edited it after the kill. */
    stamp: string;
  }[];
}

const UNDO = '.undo.json';

/**
 * Changes of several files, all or none, even if the process is killed in between. The intent is on the disk before the first
 * file changes. `recover()` finishes what a kill interrupted, or undoes what had already failed.
 */
export class FileJournal {
  readonly #folder: string;
  /** Files of changes that could not be finished yet. */
  readonly #unfinished = new Set<string>();

  /** @param folder for the intents; made when it is needed */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * Puts staged files in place together.
   * @throws the system's error; all files are then as they were
   */
  async commit(staged: readonly StagedFile[]): Promise<void> {
    if (staged.length < 2) {
      for (const one of staged) await one.commit();
      return;
    }
    const copies: StagedFile[] = [];
    const intent: Intent = { files: [] };
    const file = path.join(this.#folder, `${randomBytes(6).toString('hex')}.json`);
    try {
      for (const { file: target, temporary } of staged) {
        const content = await readFile(target).catch(ifMissing(null));
        const copy =
          content === null ? null : await stageFile(target, content, { mode: (await stat(target)).mode & 0o777 });
        if (copy !== null) copies.push(copy);
        intent.files.push({
          file: target,
          next: temporary,
          previous: copy?.temporary ?? null,
          stamp: await stampOf(target),
        });
      }
      await makeFolder(this.#folder);
      await writeAtomically(file, JSON.stringify(intent));
    } catch (error) {
      await Promise.allSettled([...copies, ...staged].map((one) => one.discard()));
      throw error;
    }
    try {
      for (const { next, file: target } of intent.files) await putInPlace(next, target);
    } catch (error) {
      const undo = file.replace(/\.json$/, UNDO);
      await rename(file, undo);
      await finishUndo(intent);
      await rm(undo, { force: true });
      throw error;
    }
    // the change is made: what cannot be tidied up now is tidied up at the next start
    await rm(file, { force: true }).catch(() => {});
    await Promise.allSettled(copies.map((copy) => copy.discard()));
  }

  /**
   * Finishes or undoes what a kill interrupted. Call it before the files are read.
   * @returns the files of each change, or the error that still keeps it from being finished
   */
  async recover(): Promise<{ files: string[]; error?: unknown }[]> {
    const names = (await readdir(this.#folder).catch(() => [])).filter(
      (name) => name.endsWith('.json') && !name.startsWith('.'),
    );
    const outcome: { files: string[]; error?: unknown }[] = [];
    for (const name of names) {
      const place = path.join(this.#folder, name);
      let files: string[] = [];
      try {
        const intent = JSON.parse(await readFile(place, 'utf8')) as Intent;
        files = intent.files.map(({ file }) => file);
        await (name.endsWith(UNDO) ? finishUndo(intent) : finish(intent));
        await rm(place, { force: true });
        outcome.push({ files });
      } catch (error) {
        for (const file of files) this.#unfinished.add(file);
        outcome.push({ files, error });
      }
    }
    return outcome;
  }

  /** Does a file belong to a change that the next start must finish? Then the temporary files beside it are needed. */
  isUnfinished(file: string): boolean {
    return this.#unfinished.has(file);
  }
}

async function finish({ files }: Intent): Promise<void> {
  for (const { file, next, previous, stamp } of files) {
    if ((await stampOf(file)) === stamp) await putInPlace(next, file).catch(ifMissing(undefined));
    // in place already, or edited by a person since then, who knows better
    else await rm(next, { force: true });
    if (previous !== null) await rm(previous, { force: true });
  }
}

async function finishUndo({ files }: Intent): Promise<void> {
  for (const { file, next, previous } of files) {
    const isChanged = (await stampOf(next)) === '';
    if (isChanged && previous !== null) await putInPlace(previous, file).catch(ifMissing(undefined));
    else if (isChanged) await rm(file, { force: true });
    await rm(next, { force: true });
    if (previous !== null) await rm(previous, { force: true });
  }
}

/** Differs once a file is replaced or written; empty if there is none. */
async function stampOf(file: string): Promise<string> {
  const facts = await stat(file, { bigint: true }).catch(ifMissing(null));
  return facts === null ? '' : `${facts.ino}-${facts.size}-${facts.mtimeNs}`;
}
