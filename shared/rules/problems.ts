import type { Connection } from '../ipc/connections.ts';
import { CONDITIONS, type Condition, type Place } from './conditions.ts';
import { CONNECTION_CONDITIONS, connectionSentence } from './connections.ts';
import type { Findings } from './findings.ts';
import type { Urgency } from './nodes.ts';

/** Something that needs a person: in words, with the page where it is repaired and the name of that step. */
export interface Problem {
  /** Stable while the problem lasts, unique within its daemon. */
  id: string;
  urgency: Urgency;
  text: string;
  since?: string | undefined;
  /** `path` is below the daemon's own pages of the console. */
  action?: Place;
}

/** More incidents of one rule than this are told in one line. */
const LISTED = 3;

type Incident = NonNullable<Findings['incidents']>[number];

/**
 * Everything that needs a person, the most urgent first: the connection, and the daemon's open incidents. Pure: the same findings
 * give the same problems, so that tray, status bar, overview and the list of all daemons agree.
 */
export function problemsOf(state: Connection['state'], { incidents = [] }: Findings): Problem[] {
  return [...connectionProblems(state), ...incidentProblems(incidents)].sort(
    (a, b) => Number(a.urgency === 'warn') - Number(b.urgency === 'warn'),
  );
}

function connectionProblems(state: Connection['state']): Problem[] {
  const { urgency } = CONNECTION_CONDITIONS[state.status];
  if (urgency === null) return [];
  const isSignIn = state.status === 'signed-out' || state.status === 'locked';
  return [
    {
      id: 'connection',
      urgency,
      text: connectionSentence(state),
      since: state.since,
      ...(isSignIn ? { action: { label: 'Sign in', path: '/' } } : {}),
    },
  ];
}

/** Beginning of the id of the problem that the console shows as a banner, too. */
export const NOT_READY = 'not-ready';

/** What nobody works on, is not silent, and doesn't follow from another incident. The worst and oldest come first. */
function incidentProblems(incidents: readonly Incident[]): Problem[] {
  const byRule = new Map<string, Incident[]>();
  for (const incident of incidents) {
    const { recoveringSince, acknowledgedAt, silencedUntil, cause, rule } = incident;
    if (recoveringSince !== null || acknowledgedAt !== null || silencedUntil !== null || cause !== null) continue;
    const list = byRule.get(rule);
    if (list === undefined) byRule.set(rule, [incident]);
    else list.push(incident);
  }
  return [...byRule].flatMap(([rule, list]) => {
    const sorted = list.toSorted(
      (a, b) => Number(urgencyOf(a) === 'warn') - Number(urgencyOf(b) === 'warn') || a.id - b.id,
    );
    return sorted.length > LISTED ? [together(rule, sorted)] : sorted.map(alone);
  });
}

const urgencyOf = ({ severity }: Incident): Urgency => (severity === 'critical' ? 'danger' : 'warn');

/** A newer daemon may know further conditions. */
const knownCondition = ({ condition }: Incident): Condition | undefined =>
  Object.hasOwn(CONDITIONS, condition) ? CONDITIONS[condition] : undefined;

/** Where an incident is repaired; undefined for someone who can only ask an administrator. */
export function placeOf(incident: Pick<Incident, 'condition' | 'subject' | 'text'>): Place | undefined {
  const condition = knownCondition(incident as Incident);
  return incident.text === condition?.teamText ? undefined : condition?.place?.(incident.subject.id);
}

function alone(incident: Incident): Problem {
  const action = placeOf(incident);
  return {
    id: `${incident.rule}:${incident.subject.id}`,
    urgency: urgencyOf(incident),
    text: incident.text,
    since: incident.openedAt,
    ...(action === undefined ? {} : { action }),
  };
}

function together(rule: string, incidents: readonly Incident[]): Problem {
  const [first, second] = incidents as [Incident, Incident];
  const what = knownCondition(first)?.many ?? 'incidents';
  return {
    id: rule,
    urgency: urgencyOf(first),
    text: `${incidents.length} ${what}: ${first.subject.name}, ${second.subject.name} and ${incidents.length - 2} more`,
    since: first.openedAt,
    action: { label: 'Show incidents', path: '/alerts', search: { condition: first.condition } },
  };
}
