import { refusalOf } from '#shared/access.ts';
import { whoAmI } from '#shared/contract/auth.ts';
import type { Operation, ResultOf } from '#shared/contract/operation.ts';
import { useRead, useReadOf } from './query.ts';

export type Me = ResultOf<typeof whoAmI>['data'];

/** Who the daemon at hand takes us for; undefined until it has said so. */
export function useMe(): Me | undefined {
  return useRead(whoAmI, undefined, { staleTime: 60_000 }).data?.data;
}

export function useMeOf(connectionId: string, enabled = true): Me | undefined {
  return useReadOf(connectionId, whoAmI, undefined, { staleTime: 60_000, enabled }).data?.data;
}

/** What is missing for the operation, in words; undefined when it is allowed or not yet known. The daemon decides in the end. */
export function lackFor(op: Operation, me: Me | undefined): string | undefined {
  return me === undefined ? undefined : refusalOf(op, me)?.lack;
}

/** Props of a control that starts the operation: off for those who can't, with what is missing. */
export function useGuard(op: Operation): { disabled: boolean; title?: string } {
  const lack = useLack(op);
  return lack === undefined ? { disabled: false } : { disabled: true, title: `Needs ${lack}.` };
}

/** Asks `lackFor` with the signed-in person of the daemon at hand. */
export function useLack(op: Operation): string | undefined {
  return lackFor(op, useMe());
}
