import { type Static, Type } from 'typebox';
import Value from 'typebox/value';
import type { Snapshot } from '../ipc/connections.ts';
import { nullable } from '../schema/common.ts';
import type { ConditionId, Severity } from './conditions.ts';

const text = Type.String();

/** What the rules read of an open incident. Further keys are allowed: a picture may come from another version. */
const IncidentFinding = Type.Object({
  id: Type.Integer(),
  rule: text,
  condition: Type.Unsafe<ConditionId>(text),
  subject: Type.Object({ id: text, name: text }),
  severity: Type.Unsafe<Severity>(text),
  text,
  openedAt: text,
  recoveringSince: nullable(text),
  acknowledgedAt: nullable(text),
  silencedUntil: nullable(text),
  cause: nullable(Type.Integer()),
});
const IncidentFindings = Type.Array(IncidentFinding);

/** What is known of a daemon: its open incidents. Without them nothing is said. */
export interface Findings {
  readonly incidents?: Static<typeof IncidentFindings> | undefined;
}

const known = new WeakMap<Snapshot, Findings>();

/** What a daemon's last picture tells. A part that is missing or of another shape says nothing. */
export function findingsOf(snapshot: Snapshot): Findings {
  let findings = known.get(snapshot);
  if (findings === undefined) {
    const { incidents } = snapshot;
    findings = Value.Check(IncidentFindings, incidents) ? { incidents } : {};
    known.set(snapshot, findings);
  }
  return findings;
}
