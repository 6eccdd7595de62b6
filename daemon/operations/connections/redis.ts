import type { Socket } from 'node:net';
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
  const user = decodeURIComponent(url.username);
  const password = decodeURIComponent(url.password);
  const ping = async (): Promise<string> => {
    const socket = await openSocket(address, variable);
    try {
      if (password !== '') {
        const welcome = await answerTo(socket, user === '' ? ['AUTH', password] : ['AUTH', user, password]);
        if (welcome.startsWith('-')) return welcome;
      }
      return await answerTo(socket, ['PING']);
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
        if (answer === '+PONG') return password === '' ? 'It doesn’t require a password.' : 'The password is accepted.';
        if (/^-(NOAUTH|WRONGPASS|NOPERM|ERR (invalid password|AUTH))/.test(answer)) {
          const what = password === '' ? 'It requires a password.' : 'It rejects the user or the password.';
          throw new StepFailure(what, `Add them to ${variable}: redis://user:password@host:port.`);
        }
        throw new StepFailure('The server at this address is not Redis.', `Correct the host and port in ${variable}.`);
      },
    },
  ];
}

/** First line of the answer to one command, in Redis's own protocol (RESP2, https://redis.io/docs/latest/develop/reference/protocol-spec/). */
function answerTo(socket: Socket, command: readonly string[]): Promise<string> {
  const words = command.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('');
  return new Promise((resolve) => {
    let text = '';
    const end = (line: string) => {
      socket.off('data', hear);
      resolve(line);
    };
    const hear = (chunk: Buffer) => {
      text += chunk.toString('latin1');
      const [line, ...rest] = text.split('\r\n');
      if (rest.length > 0 || text.length > 512) end(line ?? '');
    };
    socket.on('data', hear);
    socket.once('close', () => end(''));
    socket.write(`*${command.length}\r\n${words}`);
  });
}
