import path from 'node:path';
import { canonicalUrl } from '#daemon/apps/storage/keys.ts';
import { localKey } from '#daemon/apps/storage/local-key.ts';
import { bucketOf, elsewhere, LOCAL_PLACE, type RecordedPlace } from '#daemon/apps/storage/location.ts';
import type { Egress } from '../livekit/egress.ts';
import { type Bucket, keyIn, type ObjectAddress, readAddress } from '../livekit/object-address.ts';

/** Where an egress put a file, as columns of its VOD. */
export interface ResultPlace {
  place: RecordedPlace;
  /** Key in the bucket; null for a file, and where the address doesn't tell. */
  file_key: string | null;
  s3_url: string | null;
  local_path: string | null;
  /** What the egress service put before the key that was asked for: its config can have a prefix. */
  prefix: string;
}

const NOT_S3: ReadonlySet<ObjectAddress['storage']> = new Set<ObjectAddress['storage']>(['azure', 'gcs', 'alioss']);

interface Wish {
  /** Where the app wanted it. */
  wanted: RecordedPlace;
  /** Where new objects of the app go. */
  current: RecordedPlace;
  /** Absolute folder of the app. */
  appDir: string;
}

/**
 * Where a result is. LiveKit's reported address decides, not the request: the egress service can have a default storage, a prefix
 * and a backup storage in its own config. What is in no bucket of the app is kept with its address only.
 */
export function resultPlace(
  file: { name: string; location: string | null },
  egress: Pick<Egress, 'bucket' | 'isInBackup'>,
  { wanted, current, appDir }: Wish,
): ResultPlace {
  const { name } = file;
  const location = file.location !== null && namesFile(file.location, name) ? file.location : null;
  const address = location === null ? undefined : readAddress(location);
  if (location !== null && address !== undefined) {
    for (const place of [wanted, current]) {
      const bucket = bucketOf(place);
      const found = bucket === null ? null : keyIn(location, bucket, name);
      if (bucket === null || found === null) continue;
      // the address of a key with a leading slash has one slash only
      const key = found === name.slice(1) ? name : found;
      return inBucket(place, bucket, key, name);
    }
    // an order to Azure, Google or Alibaba: the address names the bucket in another way
    const isWanted = egress.bucket === null && !egress.isInBackup && NOT_S3.has(address.storage);
    const key = isWanted && address.bucket === bucketOf(wanted)?.bucket && address.key?.endsWith(bare(name));
    if (key === true) {
      const { address: s3_url, key: file_key } = address;
      return { place: wanted, file_key, s3_url, local_path: null, prefix: prefixOf(file_key, name) };
    }
    return {
      place: elsewhere(address.bucket),
      file_key: address.key,
      s3_url: address.address,
      local_path: null,
      prefix: prefixOf(address.key, name),
    };
  }
  if (location !== null) return onDisk(location, appDir);
  if (egress.isInBackup) return { place: elsewhere(null), file_key: null, s3_url: null, local_path: null, prefix: '' };
  const bucket = bucketOf(wanted);
  if (bucket !== null) return inBucket(wanted, bucket, name, name);
  if (egress.bucket === null) return onDisk(name, appDir);
  return { ...inBucket(wanted, egress.bucket, name, name), place: elsewhere(egress.bucket.bucket) };
}

/** The app's own place when a request names its bucket. */
export function requestedPlace(bucket: Bucket, current: RecordedPlace): RecordedPlace {
  const own = bucketOf(current);
  return own !== null && keyIn(canonicalUrl(bucket, 'x'), own) === 'x' ? current : elsewhere(bucket.bucket);
}

/** An address of a single segment that isn't the file's name can't be the file's. */
function namesFile(location: string, name: string): boolean {
  if (location.endsWith(path.posix.basename(name))) return true;
  const url = readAddress(location);
  return url === undefined || url.storage !== 'unknown' || url.key !== null;
}

function inBucket(place: RecordedPlace, bucket: Bucket, key: string, name: string): ResultPlace {
  return { place, file_key: key, s3_url: canonicalUrl(bucket, key), local_path: null, prefix: prefixOf(key, name) };
}

/** A path on another machine, or outside the app's folder, is of no use and isn't kept. */
function onDisk(file: string, appDir: string): ResultPlace {
  const local_path = localKey(appDir, file);
  return {
    place: local_path === null ? elsewhere(null) : LOCAL_PLACE,
    file_key: null,
    s3_url: null,
    local_path,
    prefix: '',
  };
}

const bare = (name: string): string => name.replace(/^\//, '');

function prefixOf(key: string | null, name: string): string {
  const asked = bare(name);
  return key?.endsWith(asked) ? key.slice(0, -asked.length).replace(/^\/$/, '') : '';
}
