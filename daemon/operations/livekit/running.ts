import path from 'node:path';
import type { SettingValues } from '#daemon/platform/settings.ts';
import { managedPair, managedRedisPassword } from './keys.ts';
import { redisUrlOf } from './plans.ts';
import { portsOfRunning } from './program.ts';

/**
 * How a program beside the daemon reaches the LiveKit that the daemon runs.
 * @param secret reads one of `data/secrets.json`
 * @returns settings; undefined when none runs
 */
export function runningLivekit(
  dataDir: string,
  secret: (name: string) => string | undefined,
): (Pick<SettingValues, 'livekitUrl' | 'livekitApiKey' | 'livekitApiSecret'> & { redisUrl?: string }) | undefined {
  const root = path.join(dataDir, 'livekit');
  const signal = portsOfRunning(root, 'livekit')?.find(({ name }) => name === 'signal');
  if (signal === undefined) return undefined;
  const [livekitApiKey, livekitApiSecret] = managedPair(secret);
  const host = signal.address === '*' ? '127.0.0.1' : signal.address;
  const livekitUrl = `ws://${host.includes(':') ? `[${host}]` : host}:${signal.port}`;
  const redis = portsOfRunning(root, 'redis')?.[0]?.port;
  return {
    ...{ livekitUrl, livekitApiKey, livekitApiSecret },
    ...(redis === undefined ? {} : { redisUrl: redisUrlOf(managedRedisPassword(secret), redis) }),
  };
}
