import type { SettingValues } from '#daemon/platform/settings.ts';
import { hostInUrl } from '#shared/format.ts';
import { ManagedKeys, type Secrets } from './keys.ts';
import { redisUrlOf } from './plans.ts';
import { portsOfRunning } from './program.ts';

/**
 * How a program beside the daemon reaches the LiveKit that the daemon runs.
 * @param root `DATA_DIR/livekit`
 * @returns settings; undefined when none runs
 */
export function runningLivekit(
  root: string,
  secretsFile: Secrets,
): (Pick<SettingValues, 'livekitUrl' | 'livekitApiKey' | 'livekitApiSecret'> & { redisUrl?: string }) | undefined {
  const signal = portsOfRunning(root, 'livekit')?.find(({ name }) => name === 'signal');
  if (signal === undefined) return undefined;
  const secrets = new ManagedKeys(secretsFile).all();
  const host = signal.address === '*' ? '127.0.0.1' : signal.address;
  const redis = portsOfRunning(root, 'redis')?.[0]?.port;
  return {
    livekitUrl: `ws://${hostInUrl(host)}:${signal.port}`,
    livekitApiKey: secrets.apiKey,
    livekitApiSecret: secrets.apiSecret,
    ...(redis === undefined ? {} : { redisUrl: redisUrlOf({ secrets, port: () => redis }) }),
  };
}
