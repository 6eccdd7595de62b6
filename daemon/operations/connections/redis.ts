import { type RedisReply, redisReply, signInToRedis } from '#daemon/platform/net/redis.ts';
import { addressOf, openSocket, resolveHost, tryAddress } from './network.ts';
import { type Step, StepFailure } from './steps.ts';

export interface RedisSettings {
  /** The one that LiveKit uses here. */
  redisUrl: string;
  /** The one that joining nodes are told; wins when set. */
  clusterRedisUrl: string;
}

/** The daemon itself keeps nothing in Redis: it asks whether LiveKit's nodes will find theirs. */
export function redisSteps(settings: RedisSettings): Step[] {
  const isOfCluster = settings.clusterRedisUrl.trim() !== '';
  const variable = isOfCluster ? 'STREAMHUB_CLUSTER_REDIS_URL' : 'REDIS_URL';
  const url = new URL(isOfCluster ? settings.clusterRedisUrl : settings.redisUrl);
  const address = addressOf(url.href, { plain: 6379, secure: 6379 });
  const hasPassword = url.password !== '';
  const ping = async (): Promise<RedisReply> => {
    const socket = await openSocket(address, variable);
    try {
      await signInToRedis(socket, url.href);
      return await redisReply(socket, ['PING']);
    } catch (error) {
      return error as Error;
    } finally {
      socket.destroy();
    }
  };
  return [
    { id: 'settings', run: () => `Uses the address in ${variable}.` },
    { id: 'resolve', run: () => resolveHost(address, variable) },
    { id: 'connect', run: () => tryAddress(address, variable) },
    {
      id: 'signIn',
      async run() {
        const answer = await ping();
        if (answer === 'PONG') return hasPassword ? 'The password is accepted.' : 'It doesn’t require a password.';
        if (answer instanceof Error && /^(NOAUTH|WRONGPASS|NOPERM|ERR (invalid password|AUTH))/.test(answer.message)) {
          const what = hasPassword ? 'It rejects the user or the password.' : 'It requires a password.';
          throw new StepFailure(what, `Add them to ${variable}: redis://user:password@host:port.`);
        }
        throw new StepFailure('The server at this address is not Redis.', `Correct the host and port in ${variable}.`);
      },
    },
  ];
}
