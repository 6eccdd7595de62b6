import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { LiveKit } from '#daemon/media/livekit/client.ts';
import { LiveKitError } from '#daemon/media/livekit/errors.ts';
import type { WebhookService } from '#daemon/media/webhooks/service.ts';
import { LIVEKIT_WORKS } from '#daemon/operations/connections/livekit.ts';
import { plural, sentence } from '#shared/format.ts';
import { CONDITIONS, type Threshold } from '#shared/rules/conditions.ts';
import type { ConnectionName, ConnectionTest } from '#shared/schema/connections.ts';
import type { ManagedProgram } from '#shared/schema/livekit.ts';
import { type Check, type Finding, failed, fine, skipped, warning } from './check.ts';

export interface MediaDeps {
  livekit: Pick<LiveKit, 'isConfigured' | 'state' | 'clockDifference' | 'workers' | 'rooms'>;
  webhooks: Pick<WebhookService, 'expect' | 'counts'>;
  /** What LiveKit’s config has to name. */
  webhookUrl(): string;
  test(connection: ConnectionName): Promise<ConnectionTest>;
  /** Nobody set an address for Redis. */
  isRedisUnset(): boolean;
  isMailUnset(): boolean;
  /** Of the LiveKit that the daemon runs itself. */
  programs(): Promise<readonly ManagedProgram[]>;
}

type Worker = 'egress' | 'ingress';

/** Why a service that the daemon should run doesn't run, and what helps; undefined = others run it, or nothing is known. */
type LackOf = (service: Worker) => Promise<{ why: string; cure: string | null } | undefined>;

/** Milliseconds that a webhook may take. */
const WEBHOOK_MS = 6000;
/** Seconds from which tokens and webhooks may be refused; as the alert’s default. */
const CLOCK_S = (CONDITIONS['clocks-apart'].threshold as Threshold).default;

/** LiveKit with its webhooks and clock; Redis and mail. */
export function mediaChecks(deps: MediaDeps): Check[] {
  const { livekit, test } = deps;
  return [
    {
      id: 'livekit',
      group: 'livekit',
      title: 'LiveKit',
      run: async () => asFinding(await test('livekit'), LIVEKIT_WORKS),
    },
    {
      id: 'livekit-webhooks',
      group: 'livekit',
      title: 'Webhooks from LiveKit',
      run: () => (livekit.isConfigured ? webhooksArrive(deps) : skipped('LiveKit is not connected.')),
    },
    ...workerChecks(livekit, async (service) => {
      const found = (await deps.programs()).find(({ program }) => program === service);
      return found && found.problem !== null ? { why: found.problem, cure: found.cure } : undefined;
    }),
    { id: 'livekit-clock', group: 'livekit', title: 'LiveKit’s clock', run: () => clock(livekit.clockDifference?.ms) },
    {
      id: 'redis',
      group: 'services',
      title: 'Redis',
      run: async () =>
        deps.isRedisUnset()
          ? skipped('REDIS_URL is not set. It is needed for further nodes, recordings and ingests.')
          : asFinding(await test('redis'), 'Redis responds.'),
    },
    {
      id: 'mail',
      group: 'services',
      title: 'Mail server',
      run: async () =>
        deps.isMailUnset()
          ? skipped('STREAMHUB_SMTP_HOST is not set. Links are shown instead of sent.')
          : asFinding(await test('mail'), 'The mail server responds.'),
    },
  ];
}

/** What the steps of a connection test come to. */
export function asFinding({ steps }: Pick<ConnectionTest, 'steps'>, success: string): Finding {
  const bad = steps.find(({ state }) => state === 'failed');
  if (bad !== undefined) return failed(bad.message, bad.cure ?? 'Check the daemon’s log.');
  const missing = steps.find(({ state }) => state === 'skipped');
  if (missing !== undefined)
    return warning(missing.message, 'Start LiveKit with Redis, and egress and ingress beside it.');
  return fine(success);
}

/** Opens a room for a moment. LiveKit must tell of it. */
async function webhooksArrive({ livekit, webhooks, webhookUrl }: MediaDeps): Promise<Finding> {
  if (livekit.state.status === 'unreachable') return skipped('LiveKit isn’t responding.');
  const name = `streamhub-check-${randomBytes(9).toString('base64url')}`;
  const rejected = webhooks.counts.rejected;
  const arrived = webhooks.expect(name).then(() => true);
  const started = performance.now();
  try {
    await livekit.rooms.create({ name, emptyTimeout: 10, departureTimeout: 1 });
  } catch (error) {
    if (!(error instanceof LiveKitError)) throw error;
    return failed(`LiveKit opens no room: ${error.message}.`, 'Check LiveKit’s log.');
  }
  const stop = new AbortController();
  try {
    const late = wait(WEBHOOK_MS, false, { signal: stop.signal, ref: false });
    if (await Promise.race([arrived, late]))
      return fine(`A webhook took ${Math.round(performance.now() - started)} ms.`);
    return webhooks.counts.rejected > rejected
      ? failed(
          'A webhook arrived, but its signature is wrong.',
          'Set webhook.api_key in LiveKit’s config to the API key of this daemon, and compare both secrets.',
        )
      : failed(
          `LiveKit opened a room, but no webhook arrived within ${WEBHOOK_MS / 1000} s.`,
          `Add ${webhookUrl()} to webhook.urls in LiveKit’s config, and set webhook.api_key to the daemon’s API key. LiveKit must be able to reach this address.`,
        );
  } finally {
    stop.abort();
    await livekit.rooms.end(name).catch(() => {});
  }
}

type Workers = Pick<LiveKit, 'isConfigured' | 'workers'>;

/** Whether there is somebody who carries out the orders. */
export function workerChecks(livekit: Workers, lackOf: LackOf): Check[] {
  const check = (id: Worker, title: string, what: string): Check => ({
    id,
    group: 'livekit',
    title,
    run: () => workers(livekit, lackOf, id, what),
  });
  return [
    check('egress', 'Recording service', 'Recordings and live HLS'),
    check('ingress', 'Ingest service', 'RTMP and WHIP ingests'),
  ];
}

async function workers(livekit: Workers, lackOf: LackOf, service: Worker, what: string): Promise<Finding> {
  if (!livekit.isConfigured) return skipped('LiveKit is not connected.');
  const count = await livekit.workers.count(service);
  if (count) return fine(`${plural(count, 'service')} connected.`);
  const lack = await lackOf(service);
  if (lack === undefined && count === undefined) return skipped('REDIS_URL is not LiveKit’s Redis, or can’t be asked.');
  const { why, cure } = lack ?? { why: `No ${service} service is connected.`, cure: null };
  return warning(
    `${sentence(why)} ${what} don’t work.`,
    cure ?? `Start LiveKit’s ${service} with the same Redis and keys.`,
  );
}

function clock(ms: number | undefined): Finding {
  if (ms === undefined) return skipped('LiveKit has not told its time yet.');
  const seconds = Math.round(ms / 1000);
  if (Math.abs(seconds) < CLOCK_S) return fine('Both clocks agree.');
  return failed(
    `LiveKit’s clock is ${Math.abs(seconds)} s ${seconds > 0 ? 'ahead of' : 'behind'} the daemon’s.`,
    'Synchronize the clocks of both machines with NTP.',
  );
}
