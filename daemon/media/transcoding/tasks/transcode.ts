import type { MessagePort } from 'node:worker_threads';
import { type OpenStorage, openStorage, type StorageAccess } from '#daemon/apps/storage/open-client.ts';
import { Deleter } from '#daemon/apps/storage/purge/deleter.ts';
import { withPlugins } from '#daemon/plugins/broker-client.ts';
import { StorageError, withAnswer } from '#shared/plugin-sdk/storage-error.ts';
import type { JobProgress } from '#shared/schema/jobs.ts';
import { NoSpace, UnusableSource } from '../failures.ts';
import { type GatherInput, gatherLadder } from '../gather.ts';
import { LadderMaker } from '../make-ladder.ts';
import { ProgramError } from '../program.ts';
import { uploadFiles } from '../upload.ts';
import type { Made, MadeFile, TranscodingInput } from '../work.ts';

/** One step of a job. */
export type TranscodingStep =
  | { kind: 'make'; input: TranscodingInput }
  /** Puts what was made into the storage, each below `base`. */
  | { kind: 'upload'; folder: string; files: readonly MadeFile[]; base: string }
  /** Puts a master playlist over what egress workers have made. */
  | { kind: 'gather'; input: GatherInput }
  /** Deletes objects that a job has put there and no longer wants. */
  | { kind: 'remove'; keys: readonly string[] };

export interface TranscodingTask {
  step: TranscodingStep;
  access: StorageAccess;
  /** Gets a `JobProgress` now and then; a message from the other side ends the work. */
  port: MessagePort;
  /** The way to the storage provider's plugin. */
  plugins: MessagePort;
}

export type TranscodingFailure = { problem: 'source' | 'ffmpeg' | 'space' | 'storage'; reason: string };
export type TranscodingOutput = { made: Made } | { done: true } | { stopped: true } | TranscodingFailure;

/** Makes a ladder, or brings it to its storage. Its own folder has all that a later call needs to continue. */
export default async function transcode({ step, access, port, plugins }: TranscodingTask): Promise<TranscodingOutput> {
  const stop = new AbortController();
  port.once('message', () => stop.abort());
  const report = (progress: JobProgress) => port.postMessage(progress);
  const { signal } = stop;
  try {
    return await withPlugins(plugins, async (broker) => {
      if (step.kind === 'remove') return removeObjects(() => openStorage(access, broker), step.keys);
      let opened: Promise<OpenStorage> | undefined;
      const open = async () => (await (opened ??= openStorage(access, broker))).client;
      try {
        if (step.kind === 'make') return { made: await new LadderMaker(step.input, { open, report, signal }).make() };
        if (step.kind === 'gather') return { made: await gatherLadder(await open(), step.input, signal) };
        await uploadFiles(await open(), step, { report, signal });
        return { done: true };
      } finally {
        (await opened?.catch(() => undefined))?.client.dispose();
      }
    });
  } catch (error) {
    if (signal.aborted) return { stopped: true };
    return failureOf(error);
  } finally {
    port.close();
  }
}

async function removeObjects(open: () => Promise<OpenStorage>, keys: readonly string[]): Promise<TranscodingOutput> {
  const deleter = new Deleter(async () => {
    const { client, maxDeleteBatch: batch, capabilities } = await open();
    return { client, batch: capabilities.bulkDelete ? batch : 1, capabilities };
  });
  try {
    const { failed } = await deleter.delete(keys);
    const [first] = failed;
    return first === undefined ? { done: true } : { problem: 'storage', reason: first.message };
  } finally {
    await deleter.dispose();
  }
}

function failureOf(error: unknown): TranscodingFailure {
  if (error instanceof UnusableSource) return { problem: 'source', reason: error.message };
  if (error instanceof ProgramError) return { problem: 'ffmpeg', reason: error.message };
  if (error instanceof NoSpace || (error as NodeJS.ErrnoException).code === 'ENOSPC')
    return { problem: 'space', reason: error instanceof NoSpace ? String(error.neededBytes) : '0' };
  if (error instanceof StorageError) {
    const problem = error.code === 'OBJECT_MISSING' ? 'source' : 'storage';
    return { problem, reason: `${withAnswer(error.message, error.answer)} ${error.cure}` };
  }
  throw error;
}
