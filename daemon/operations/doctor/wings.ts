import type { AppEntry } from '#daemon/apps/registry/registry.ts';
import type { StorageService } from '#daemon/apps/storage/service.ts';
import type { NodeEntry } from '#daemon/cluster/node.ts';
import { VERSION } from '#daemon/platform/version.ts';
import { ApiError } from '#shared/errors.ts';
import type { ConditionId } from '#shared/rules/conditions.ts';
import { type JudgedNode, nodeSentence, nodeState } from '#shared/rules/nodes.ts';
import type { Incident } from '#shared/schema/alerts.ts';
import type { InstallationWarning } from '#shared/schema/settings.ts';
import type { ReadyCheck } from '#shared/schema/stats.ts';
import { type Check, failed, fine, skipped, warning, warningCheck } from './check.ts';
import { asFinding } from './media.ts';

export interface WingDeps {
  readyChecks(): Promise<readonly ReadyCheck[]>;
  warnings(): readonly InstallationWarning[];
  apps: { entries(): Iterable<AppEntry> };
  /** Whether the app keeps its recordings on this machine. */
  isLocal(app: string): Promise<boolean>;
  storage: Pick<StorageService, 'test'>;
  nodes: { all(): Iterable<NodeEntry>; judge(node: NodeEntry): JudgedNode };
  /** Open ones. */
  incidents(): readonly Incident[];
}

/** Storages that are tried; each takes a second or more. */
const MAX_STORAGES = 30;
const MAX_LISTED = 100;
/** Incidents that a separate check says better. */
const CHECKED: ReadonlySet<ConditionId> = new Set([
  'livekit-away',
  'redis-away',
  'not-ready',
  'node-away',
  'node-livekit-failed',
  'node-old-keys',
  'node-duplicated',
  'disk-low',
  'memory-low',
  'certificate-ending',
  'clocks-apart',
  'storage-away',
  'installation-warning',
] satisfies ConditionId[]);

/** What the wings of the daemon know: readiness, warnings, storages of apps, nodes, and open incidents. */
export async function wingChecks(deps: WingDeps): Promise<Check[]> {
  return [
    { id: 'ready', group: 'files', title: 'Readiness', run: () => readiness(deps) },
    ...deps
      .warnings()
      .slice(0, MAX_LISTED)
      .map((one) => warningCheck('Installation', one)),
    ...(await storageChecks(deps)),
    ...nodeChecks(deps),
    ...deps
      .incidents()
      .filter(({ condition }) => !CHECKED.has(condition))
      .slice(0, MAX_LISTED)
      .map(
        ({ condition, subject, severity, text, openedAt }): Check => ({
          id: condition,
          group: 'alerts',
          subject: subject.name,
          title: 'Open incident',
          run: () => ({
            state: severity === 'critical' ? 'failed' : 'warning',
            message: `${text} (since ${openedAt}).`,
          }),
        }),
      ),
  ];
}

async function readiness({ readyChecks }: WingDeps) {
  const wrong = (await readyChecks()).filter(({ ok }) => !ok);
  return wrong.length === 0
    ? fine('The daemon is ready.')
    : failed(
        `The daemon is not ready. ${wrong.map(({ name, detail = 'failed' }) => `${name}: ${detail}`).join('; ')}.`,
        'Check the disk of the data folder and its rights, then the daemon’s log.',
      );
}

async function storageChecks({ apps, isLocal, storage }: WingDeps): Promise<Check[]> {
  const checks: Check[] = [];
  for (const { name, deleting } of apps.entries()) {
    if (deleting || (await isLocal(name).catch(() => true))) continue;
    const check = { id: 'storage', group: 'storage', subject: name, title: 'Storage' } as const;
    if (checks.length >= MAX_STORAGES) {
      checks.push({
        ...check,
        run: () => skipped(`Only ${MAX_STORAGES} storages are tried. Test this one in the app.`),
      });
      if (checks.length > MAX_STORAGES + MAX_LISTED) break;
      continue;
    }
    checks.push({
      ...check,
      run: async () => {
        try {
          const { steps } = await storage.test(name, {}, false);
          const mild = steps.find(({ state }) => state === 'warning');
          const finding = asFinding(
            { steps: steps.filter(({ state }) => state === 'failed') as never },
            'Objects are written, read and deleted.',
          );
          return finding.state === 'ok' && mild !== undefined
            ? warning(mild.message, mild.cure ?? 'Test the storage in the app.')
            : finding;
        } catch (error) {
          if (!(error instanceof ApiError)) throw error;
          return failed(error.message, error.hint ?? 'Test the storage in the app.');
        }
      },
    });
  }
  return checks;
}

function nodeChecks({ nodes }: WingDeps): Check[] {
  const all = [...nodes.all()].filter(({ agent }) => agent !== null);
  return all.slice(0, MAX_LISTED).map(
    (node): Check => ({
      id: 'node',
      group: 'nodes',
      subject: node.name,
      title: 'Node',
      run: () => {
        const state = nodeState(nodes.judge(node));
        if (state.urgency !== null) {
          const message = `${nodeSentence(node.name, state)}.`;
          const cure = `On the node: systemctl status streamhub-edge, and journalctl -u streamhub-edge.`;
          return state.urgency === 'danger' ? failed(message, cure) : warning(message, cure);
        }
        const version = node.agent?.version;
        return version === undefined || version === VERSION
          ? fine('It reports.')
          : warning(`Its agent has version ${version}, the daemon ${VERSION}.`, 'Run the join command on it again.');
      },
    }),
  );
}
