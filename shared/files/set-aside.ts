import { copyFileSync, renameSync } from 'node:fs';
import { isOwnMount } from './atomic-file.ts';

/** An instant in a file's name: `20260630T184500123Z`. */
export const fileStamp = (at = new Date()): string => at.toISOString().replace(/[-:.]/g, '');

/**
 * Moves a file that cannot be used out of the way, under a name that says why and when, so that nothing overwrites it.
 * @returns the new path; tell the operator
 */
export function setAside(file: string, why: 'damaged' | 'unreadable', at = new Date()): string {
  const keptAs = `${file}.${why}-${fileStamp(at)}`;
  try {
    renameSync(file, keptAs);
  } catch (error) {
    if (!isOwnMount(error)) throw error;
    copyFileSync(file, keptAs);
  }
  return keptAs;
}
