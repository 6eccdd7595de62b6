import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { hostOf } from '#shared/plugin-sdk/network-error.ts';

/** What Redis answers: a text, a number, nothing, a list; an Error where it refuses. */
export type RedisReply = string | number | null | Error | RedisReply[];

/** An answer to what we ask is small; something else answers with more. */
const LONGEST = 64 * 1024;

/**
 * Asks a Redis server and hangs up. The daemon keeps nothing in Redis, so this is all it needs of a client.
 * @param url `redis://` or `rediss://`, with user and password
 * @returns one reply a command
 * @throws Error when it cannot be reached, refuses the sign-in, or takes longer than `limitMs`
 */
export async function askRedis(
  url: string,
  commands: readonly (readonly string[])[],
  limitMs = 1500,
): Promise<RedisReply[]> {
  const { protocol, port } = new URL(url);
  const target = { host: hostOf(url), port: Number(port || 6379) };
  const socket =
    protocol === 'rediss:'
      ? connectTls({ ...target, servername: isIP(target.host) ? '' : target.host })
      : connectTcp(target);
  AbortSignal.timeout(limitMs).addEventListener('abort', () => socket.destroy(new Error('no answer in time')));
  try {
    await signInToRedis(socket, url);
    const replies: RedisReply[] = [];
    for (const command of commands) replies.push(await redisReply(socket, command));
    return replies;
  } finally {
    socket.destroy();
  }
}

/** Signs in with the user and password of the address, if it has a password. @throws Error when Redis refuses them */
export async function signInToRedis(socket: Socket, url: string): Promise<void> {
  const { username, password } = new URL(url);
  if (password === '') return;
  const words = [username, password].filter((word) => word !== '').map(decodeURIComponent);
  const welcome = await redisReply(socket, ['AUTH', ...words]);
  if (welcome instanceof Error) throw welcome;
}

/**
 * The reply to one command, in RESP2 (https://redis.io/docs/latest/develop/reference/protocol-spec/).
 * @throws Error when the connection ends, or what answers is not Redis
 */
export function redisReply(socket: Socket, command: readonly string[]): Promise<RedisReply> {
  const words = command.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('');
  return new Promise((resolve, reject) => {
    let text = '';
    const stop = (): void => {
      socket.off('data', hear).off('error', fail).off('close', fail);
    };
    const fail = (error?: Error | boolean): void => {
      stop();
      reject(error instanceof Error ? error : new Error('the connection ended'));
    };
    const hear = (chunk: Buffer): void => {
      text += chunk.toString('latin1');
      const read = readReply(text, 0);
      if (read === undefined && text.length <= LONGEST && /^[-+:$*]/.test(text)) return;
      stop();
      if (read === undefined) reject(new Error('what answers is not Redis'));
      else resolve(read.reply);
    };
    socket.on('data', hear).once('error', fail).once('close', fail);
    socket.write(`*${command.length}\r\n${words}`);
  });
}

/** The reply that begins at `at`; undefined = more of it has to come. */
function readReply(text: string, at: number): { reply: RedisReply; end: number } | undefined {
  const lineEnd = text.indexOf('\r\n', at);
  if (lineEnd < 0) return undefined;
  const line = text.slice(at + 1, lineEnd);
  const next = lineEnd + 2;
  const size = Number(line);
  switch (text.charAt(at)) {
    case '+':
      return { reply: line, end: next };
    case '-':
      return { reply: new Error(line), end: next };
    case ':':
      return { reply: size, end: next };
    case '$': {
      if (size < 0) return { reply: null, end: next };
      const end = next + size;
      return text.length < end + 2 ? undefined : { reply: text.slice(next, end), end: end + 2 };
    }
    case '*': {
      const list: RedisReply[] = [];
      let end = next;
      while (list.length < size) {
        const item = readReply(text, end);
        if (item === undefined) return undefined;
        list.push(item.reply);
        end = item.end;
      }
      return { reply: list, end };
    }
    default:
      return undefined;
  }
}
