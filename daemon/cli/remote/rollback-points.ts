import { listRollbackPoints } from '#shared/contract/declared.ts';
import type { Daemon } from './daemon.ts';

/** Id of the newest roll-back point. */
export async function newestPoint(daemon: Daemon): Promise<number | undefined> {
  const { data } = await daemon.call(listRollbackPoints);
  return data[0]?.id;
}
