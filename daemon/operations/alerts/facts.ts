import type { ConditionId } from '#shared/rules/conditions.ts';

/** Something that is wrong now, or a value that rules compare with their limit. */
export interface Fact {
  condition: ConditionId;
  /** Stable while it lasts, unique within its condition. */
  subject: string;
  /** The subject, for people. */
  name: string;
  /** What is wrong, in one sentence without a full stop. */
  text: string;
  /** The app that it is about. */
  app?: { id: number; name: string; tenantId: string };
  tenantId?: string | null;
  /** Of a condition with a threshold. */
  value?: number;
  /** It is a warning, even if its rule is critical. */
  isMild?: boolean;
  /** Of something that happens: milliseconds since 1970 until it is over. */
  keptUntil?: number;
}

/** Where facts come from. */
export interface FactSource {
  /** For the log. */
  name: string;
  conditions: readonly ConditionId[];
  /** What is wrong now; undefined = not known at the moment, so that open incidents stay as they are. */
  read(): Fact[] | undefined | Promise<Fact[] | undefined>;
  /** Seconds between two readings; each time unless given. */
  everySeconds?: number;
  /** Seconds after the start until it is known what of the last run is well again. */
  settleSeconds?: number;
  /** The same, where it is known. */
  isSettled?(): boolean;
}
