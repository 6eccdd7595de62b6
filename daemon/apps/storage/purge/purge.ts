import { openDatabase } from '#daemon/platform/db/open.ts';
import type { BrokerClient } from '#daemon/plugins/broker-client.ts';
import { isRetryable, StorageError, type StorageErrorCode, withAnswer } from '#shared/plugin-sdk/storage-error.ts';
import type { DeleteFailure } from '#shared/plugin-sdk/storage-provider.ts';
import type { JobProgress } from '#shared/schema/jobs.ts';
import { placeId } from '../credentials.ts';
import { trimSlashes } from '../keys.ts';
import { LOCAL_PROVIDER, locationId, placeWords, recordedLocation, type StorageLocation } from '../location.ts';
import { openStorage } from '../open-client.ts';
import { asStorageError, type DeletableStorage, Deleter } from './deleter.ts';
import { removeLiveFolders } from './live-folders.ts';
import { ObjectRows } from './object-rows.ts';
import { findSharingApp } from './shared-prefix.ts';
import {
  FAILED_KEYS_KEPT,
  freshCheckpoint,
  type PurgeCheckpoint,
  type PurgeInput,
  type PurgeReport,
  REFUSALS_KEPT,
  type StorageRefusal,
} from './types.ts';

/** Number of keys in memory at a time; progress is saved after each such batch. */
const PAGE = 2000;
/** How long a sweep waits for a storage that does not answer. */
const FIRST_ANSWER_MS = 20_000;

/**
 * Deletes every object that the rows of an app name, wherever each was put, and then what is below `<prefix>/snapshots/`.
 * With `liveOnly` it deletes only what live HLS has left. After each page `report` gets a checkpoint; a later call with it
 * continues from there.
 */
export async function purge(
  input: PurgeInput,
  broker: BrokerClient,
  report: (report: PurgeReport) => void,
): Promise<PurgeCheckpoint> {
  const db = openDatabase(input.databaseFile, { readonly: true });
  const deleters = new Map<string, Deleter>();
  const deleterFor = (location: StorageLocation): Deleter => {
    const id = locationId(location);
    let deleter = deleters.get(id);
    if (deleter === undefined) deleters.set(id, (deleter = new Deleter(() => open(input, broker, location))));
    return deleter;
  };
  try {
    const rows = new ObjectRows(db, input.appFolder, input.vodId);
    const state = input.checkpoint ?? freshCheckpoint(input.liveOnly ? 0 : rows.count());
    if (input.liveOnly) {
      await removeLiveFolders(db, input.unrecorded, state, { deleterFor, isFolderKept: true });
      state.phase = 'done';
    }
    while (state.phase === 'objects') {
      await purgePage(input, state, rows, deleterFor);
      report({ checkpoint: state, progress: progressOf(state) });
    }
    if (state.phase === 'snapshots') {
      await removeLiveFolders(db, input.unrecorded, state, { deleterFor, isFolderKept: false });
      await sweep(input, state, deleterFor(input.current), report);
    }
    return state;
  } finally {
    db.close();
    for (const deleter of deleters.values()) await deleter.dispose();
  }
}

async function open(input: PurgeInput, broker: BrokerClient, location: StorageLocation): Promise<DeletableStorage> {
  const ref = input.providers[location.provider];
  if (ref === undefined)
    throw new StorageError('UNSUPPORTED', { detail: `The storage provider ${location.provider} is not installed.` });
  const { policy, appFolder } = input;
  const credentials = { ...(input.kept[placeId(location)] ?? input.credentials) };
  const access = { ref, location, credentials, policy, appFolder };
  const { client, maxDeleteBatch, capabilities } = await openStorage(access, broker);
  return { client, batch: maxDeleteBatch, capabilities };
}

/** One page of rows: every object of it is tried before the cursor moves on. */
async function purgePage(
  input: PurgeInput,
  state: PurgeCheckpoint,
  rows: ObjectRows,
  deleterFor: (location: StorageLocation) => Deleter,
): Promise<void> {
  const page = rows.page(state.cursor, PAGE);
  const groups = new Map<Deleter, string[]>();
  for (const { key, place } of page.objects) {
    const location = recordedLocation(place, input.unrecorded);
    if (input.leaveObjects && location.provider !== LOCAL_PROVIDER) {
      const where = placeWords(location);
      state.leftIn = { ...state.leftIn, [where]: (state.leftIn?.[where] ?? 0) + 1 };
      continue;
    }
    const deleter = deleterFor(location);
    const keys = groups.get(deleter);
    if (keys === undefined) groups.set(deleter, [key]);
    else keys.push(key);
  }
  for (const [deleter, keys] of groups) await deleteKeys(state, deleter, keys);
  if (!input.leaveObjects)
    countFailures(
      state,
      page.unreadable.map((key) => ({ key, code: 'ROW_UNREADABLE', message: 'The row cannot be read.' })),
    );
  if (page.elsewhere.length > 0) {
    const { count, addresses } = state.left ?? { count: 0, addresses: [] };
    const kept = [...addresses, ...page.elsewhere].slice(0, FAILED_KEYS_KEPT);
    state.left = { count: count + page.elsewhere.length, addresses: kept };
  }
  state.cursor = page.cursor;
  if (page.cursor.source === 'end')
    state.phase = input.vodId === undefined && !input.leaveObjects ? 'snapshots' : 'done';
}

/**
 * Sweeps what no row names: snapshots, then parts of unfinished uploads. The app's recordings are gone by now, so nothing
 * here fails the purge: what could not be swept is a warning.
 */
async function sweep(
  input: PurgeInput,
  state: PurgeCheckpoint,
  deleter: Deleter,
  report: (report: PurgeReport) => void,
): Promise<void> {
  const prefix = trimSlashes(input.prefix);
  const { bucket } = input.current.settings;
  // files in the app's folder go with it
  const isLocal = input.current.provider === LOCAL_PROVIDER;
  const isConfigured = !isLocal && bucket !== '' && !(await deleter.lacksCredentials());
  // objects that rows name are left as it is: then the purge has failed, and will be tried again
  if (isConfigured && deleter.broken === undefined) {
    if (prefix === '') {
      state.warnings.push('Snapshots without a row were left: with an empty prefix they may belong to others.');
    } else if (await sweepSnapshots(input, state, deleter, { bucket, prefix, report })) {
      await abortUploads(input, state, deleter, { bucket, prefix });
    }
  }
  state.phase = 'done';
  report({ checkpoint: state, progress: progressOf(state) });
}

/** @returns whether the storage answered */
async function sweepSnapshots(
  input: PurgeInput,
  state: PurgeCheckpoint,
  deleter: Deleter,
  { bucket, prefix, report }: { bucket: string; prefix: string; report: (report: PurgeReport) => void },
): Promise<boolean> {
  const folder = `${prefix}/snapshots/`;
  const question = { app: input.app, bucket, prefix, folders: input.configFolders };
  const sharer = await findSharingApp({ ...question, below: 'snapshots/' });
  if (sharer !== undefined) {
    state.warnings.push(
      `Snapshots without a row were left: another app, or an archived one, uses or used the prefix ${prefix} of the same bucket.`,
    );
    return true;
  }
  const warn = (words: string, error: StorageError) =>
    state.warnings.push(`Snapshots without a row ${words}. ${withAnswer(error.message, error.answer)}`);
  const limit = AbortSignal.timeout(FIRST_ANSWER_MS);
  let refused = 0;
  let first: DeleteFailure | undefined;
  try {
    const { client } = await deleter.storage();
    // only the first answer has a time limit: a long listing has none
    for await (const _page of client.list({ prefix: folder, pageSize: 1, signal: limit })) break;
    for await (const page of client.list({ prefix: folder, startAfter: state.startAfter ?? undefined })) {
      const keys = page.map((object) => object.key).filter((key) => key.startsWith(folder));
      const { deleted, failed, versionsKept } = await deleter.delete(keys);
      state.deleted += deleted;
      state.versionsKept += versionsKept;
      refused += failed.length;
      first ??= failed[0];
      state.startAfter = keys.at(-1) ?? state.startAfter;
      report({ checkpoint: state, progress: progressOf(state) });
    }
    if (first !== undefined) {
      const error = new StorageError(first.code as StorageErrorCode, first);
      warn(`stay: ${refused} below ${folder} could not be deleted`, error);
    }
    return true;
  } catch (error) {
    const thrown = asStorageError(error);
    const known = thrown.code === 'ABORTED' ? new StorageError('TIMEOUT') : thrown;
    warn(`were not searched: ${folder} of the bucket ${bucket} could not be listed`, known);
    return !isRetryable(known.code);
  }
}

/**
 * Removes what uploads that broke off have left below the prefix: no listing shows such parts, and they take space. Parts
 * aren't objects, so a failed search for them is only a warning.
 */
async function abortUploads(
  input: PurgeInput,
  state: PurgeCheckpoint,
  deleter: Deleter,
  { bucket, prefix }: { bucket: string; prefix: string },
): Promise<void> {
  try {
    const { client, capabilities } = await deleter.storage();
    if (!capabilities.multipart || client.abortUploads === undefined) return;
    const sharer = await findSharingApp({ app: input.app, bucket, prefix, below: '', folders: input.configFolders });
    if (sharer === undefined) await client.abortUploads(`${prefix}/`);
    else {
      state.warnings.push(
        `Unfinished uploads were not searched: another app, or an archived one, may have some under the prefix ${prefix} of the same bucket.`,
      );
    }
  } catch (error) {
    const { message, answer } = asStorageError(error);
    state.warnings.push(
      `Unfinished uploads under ${prefix}/ could not be removed and take up space. ${withAnswer(message, answer)}`,
    );
  }
}

async function deleteKeys(state: PurgeCheckpoint, deleter: Deleter, keys: readonly string[]): Promise<void> {
  if (keys.length === 0) return;
  const { deleted, failed, versionsKept } = await deleter.delete(keys);
  state.deleted += deleted;
  state.versionsKept += versionsKept;
  countFailures(state, failed);
}

function countFailures(state: PurgeCheckpoint, failures: readonly DeleteFailure[]): void {
  state.failed += failures.length;
  for (const failure of failures) {
    const { key, code } = failure;
    state.reasons[code] = (state.reasons[code] ?? 0) + 1;
    noteRefusal((state.refusals ??= []), failure);
    if (state.failedKeys.length < FAILED_KEYS_KEPT) state.failedKeys.push({ key, code });
  }
}

/** Counts refusals by the storage's reason, and names the first request of each. */
function noteRefusal(refusals: StorageRefusal[], { code, native, status, requestId }: DeleteFailure): void {
  const known = refusals.find((entry) => entry.code === code && entry.native === native && entry.status === status);
  if (known !== undefined) known.count += 1;
  else if (refusals.length < REFUSALS_KEPT)
    refusals.push({ code, ...new StorageError('FAILED', { native, status, requestId }).answer, count: 1 });
}

function progressOf(state: PurgeCheckpoint): JobProgress {
  const done = state.deleted + state.failed;
  const total = state.phase === 'done' ? done : Math.max(state.total, done);
  return {
    phase: state.phase === 'snapshots' ? 'snapshots' : 'objects',
    done,
    total,
    failed: state.failed,
    unit: 'objects',
  };
}
