import { type Static, type TSchema, Type } from 'typebox';
import Value from 'typebox/value';
import type { Snapshot } from '../ipc/connections.ts';
import type { NodeHealth, NodeStatus } from '../schema/cluster.ts';
import { nullable } from '../schema/common.ts';

const text = Type.String();
const NodeFinding = Type.Object({
  id: text,
  name: text,
  status: Type.Unsafe<NodeStatus>(text),
  health: Type.Unsafe<NodeHealth>(text),
  created_at: text,
  last_seen_at: nullable(text),
  agent: nullable(Type.Object({ livekit: Type.Object({ state: text }) })),
  drain: nullable(Type.Object({ managed: Type.Boolean(), drained: Type.Boolean() })),
});

const JobFinding = Type.Object({
  id: Type.Integer(),
  title: text,
  error: nullable(Type.Object({ message: text })),
  updatedAt: text,
});

/** What the rules read of a daemon's answers. Further keys are allowed: a picture may come from another version. */
const PARTS = {
  stats: Type.Object({
    livekitReachable: Type.Boolean(),
    disk: nullable(Type.Object({ totalBytes: Type.Number(), freeBytes: Type.Number() })),
  }),
  /** Null: the caller may not see the settings. */
  livekit: nullable(Type.Object({ url: text, apiKeySet: Type.Boolean() })),
  nodes: Type.Array(NodeFinding),
  failedJobs: Type.Array(JobFinding),
  /** Jobs that failed and are tried again. */
  waitingJobs: Type.Array(Type.Object({ ...JobFinding.properties, attempts: Type.Integer() })),
  /** Checks of `GET /ready`. */
  checks: Type.Array(Type.Object({ name: text, ok: Type.Boolean(), detail: Type.Optional(text) })),
  apps: Type.Array(
    Type.Object({
      name: text,
      problems: Type.Optional(Type.Array(Type.Object({ code: text, message: text, since: text }))),
    }),
  ),
  warnings: Type.Array(Type.Object({ code: text, subject: text, message: text })),
  plugins: Type.Array(Type.Object({ id: text, title: text, state: text, reason: nullable(text), since: text })),
};
type Part = keyof typeof PARTS;

/** What is known of a daemon; a rule whose finding is absent says nothing. */
export type Findings = { readonly [P in Part]?: Static<(typeof PARTS)[P]> | undefined };

const known = new WeakMap<Snapshot, Findings>();

/** What a daemon's last picture tells. A part that is missing or of another shape says nothing. */
export function findingsOf(snapshot: Snapshot): Findings {
  let findings = known.get(snapshot);
  if (findings === undefined) {
    const parts = (Object.entries(PARTS) as [Part, TSchema][]).filter(([part, schema]) =>
      Value.Check(schema, snapshot[part]),
    );
    findings = Object.fromEntries(parts.map(([part]) => [part, snapshot[part]]));
    known.set(snapshot, findings);
  }
  return findings;
}
