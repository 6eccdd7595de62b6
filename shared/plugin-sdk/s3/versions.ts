import type { DeleteMarkerEntry, ObjectVersion } from '@aws-sdk/client-s3';
import { ListingLimit } from '../listing-limit.ts';
import type { StorageError } from '../storage-error.ts';
import { type Bucket, deleteInBulk, isAboutBulk } from './bulk-delete.ts';
import { translateS3Error } from './errors.ts';

/** The same call may succeed a moment later; after any other error the versions stay. */
const isPassing = ({ code, retryable }: StorageError): boolean => retryable || code === 'ABORTED';

type Entry = Pick<ObjectVersion & DeleteMarkerEntry, 'Key' | 'VersionId'>;

/**
 * Removes every version and delete marker of some keys. Versions are listed in order of their keys, from one wanted key to
 * the next, so that neither a folder of other objects is read nor each key asked for by itself.
 * @param isBulk whether the server deletes many in one request
 * @returns how many keys still have versions: the right to list or delete them is missing, or a lock holds them
 * @throws StorageError when the storage cannot be reached or the call was aborted
 */
export async function removeVersions(
  where: Bucket,
  keys: readonly string[],
  isBulk: boolean,
  signal: AbortSignal | undefined,
): Promise<number> {
  const kept = new Set<string>();
  try {
    let before: Entry[] = [];
    for await (const page of versionsOf(where, keys, signal)) {
      // the listing continues after a version that still exists: so a page is deleted once the next one has been read
      await removeEntries(where, before, isBulk, kept, signal);
      before = page;
    }
    await removeEntries(where, before, isBulk, kept, signal);
  } catch (error) {
    const known = translateS3Error(error);
    if (isPassing(known)) throw known;
    return keys.length;
  }
  return kept.size;
}

/** All versions and delete markers of the keys, page by page. */
async function* versionsOf(
  { sdk, client, bucket }: Bucket,
  keys: readonly string[],
  abortSignal: AbortSignal | undefined,
): AsyncGenerator<Entry[]> {
  const wanted = [...keys].sort(byBytes);
  const set = new Set(wanted);
  const Prefix = sharedStart(wanted[0] as string, wanted.at(-1) as string);
  let at = 0;
  const limit = new ListingLimit();
  let from: { KeyMarker?: string; VersionIdMarker?: string } = { KeyMarker: justBefore(wanted[0] as string) };
  for (;;) {
    const command = new sdk.ListObjectVersionsCommand({ Bucket: bucket, Prefix, ...from });
    const page = await client.send(command, { abortSignal });
    const entries: Entry[] = [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])];
    yield entries.filter(({ Key }) => Key !== undefined && set.has(Key));
    const { IsTruncated, NextKeyMarker: next, NextVersionIdMarker } = page;
    if (!IsTruncated || next === undefined) return;
    while (at < wanted.length && byBytes(wanted[at] as string, next) < 0) at++;
    const key = wanted[at];
    if (key === undefined) return;
    const leap = justBefore(key);
    from =
      leap !== undefined && byBytes(leap, next) > 0
        ? { KeyMarker: leap }
        : { KeyMarker: next, VersionIdMarker: NextVersionIdMarker };
    limit.add({ next: JSON.stringify(from), count: entries.length });
  }
}

async function removeEntries(
  where: Bucket,
  entries: readonly Entry[],
  isBulk: boolean,
  kept: Set<string>,
  abortSignal: AbortSignal | undefined,
): Promise<void> {
  for (let start = 0; start < entries.length; start += 1000) {
    const part = entries.slice(start, start + 1000);
    if (!isBulk || !(await removeInBulk(where, part, kept, abortSignal)))
      await removeSingly(where, part, kept, abortSignal);
  }
}

/** @returns false if the storage refuses bulk requests for versions */
async function removeInBulk(
  where: Bucket,
  entries: readonly Entry[],
  kept: Set<string>,
  abortSignal: AbortSignal | undefined,
): Promise<boolean> {
  try {
    const objects = entries.map(({ Key = '', VersionId }) => ({ Key, VersionId }));
    for (const { Key = '' } of (await deleteInBulk(where, objects, abortSignal)).Errors ?? []) kept.add(Key);
    return true;
  } catch (error) {
    const known = translateS3Error(error);
    if (!isAboutBulk(known)) throw known;
    return false;
  }
}

async function removeSingly(
  { sdk, client, bucket }: Bucket,
  entries: readonly Entry[],
  kept: Set<string>,
  abortSignal: AbortSignal | undefined,
): Promise<void> {
  for (const { Key = '', VersionId } of entries) {
    try {
      await client.send(new sdk.DeleteObjectCommand({ Bucket: bucket, Key, VersionId }), { abortSignal });
    } catch (error) {
      const known = translateS3Error(error);
      if (isPassing(known)) throw known;
      if (known.code !== 'OBJECT_MISSING') kept.add(Key);
    }
  }
}

const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** A text that sorts before the key, with next to nothing in between; undefined for the very start. */
const justBefore = (key: string): string | undefined => [...key].slice(0, -1).join('') || undefined;

/** What two texts begin with; what sorts between them begins with it too. */
function sharedStart(first: string, last: string): string {
  const signs = [...first];
  const others = [...last];
  const end = signs.findIndex((sign, index) => sign !== others[index]);
  return (end < 0 ? signs : signs.slice(0, end)).join('');
}
