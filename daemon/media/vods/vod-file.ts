import { LOCAL_PROVIDER } from '#daemon/apps/storage/location.ts';
import type { VodRecord, VodVariantRecord } from './repository.ts';

/** Is it a row of a ladder that was made, and not of a recording in segments? */
export const isLadder = ({ extra_json }: VodVariantRecord): boolean => /"ladder":\s*true/.test(extra_json ?? '');

/** Is the recording in the app's folder? A copy that stayed there after a move doesn't count. */
export const isLocal = (vod: VodRecord): boolean =>
  vod.storage_provider === LOCAL_PROVIDER || (vod.storage_bucket === null && vod.local_path !== null);

/** Key of its one file or of its playlist, at its place. @param variants are only read if the row doesn't name the file */
export function fileOf(vod: VodRecord, variants: () => readonly VodVariantRecord[]): string | null {
  const named = isLocal(vod) ? (vod.local_path ?? vod.file_key) : vod.file_key;
  return named ?? variants().find((variant) => variant.kind === 'master' && !isLadder(variant))?.file_key ?? null;
}
