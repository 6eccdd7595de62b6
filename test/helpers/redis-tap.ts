import { once } from 'node:events';
import net from 'node:net';

/** One message that LiveKit's parts sent each other over Redis. */
export interface TappedMessage {
  channel: string;
  payload: Buffer;
}

/** Listens to everything that is published on a Redis; closed with the test. */
export async function tapRedis(
  t: { after(fn: () => unknown): void },
  url: string,
  onMessage: (message: TappedMessage) => void,
): Promise<void> {
  const { hostname, port } = new URL(url);
  const socket = net.connect(Number(port), hostname);
  t.after(() => socket.destroy());
  await once(socket, 'connect');
  let rest: Buffer = Buffer.alloc(0);
  let tapped: () => void;
  const ready = new Promise<void>((resolve) => {
    tapped = resolve;
  });
  socket.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    for (let reply = readReply(rest); reply !== undefined; reply = readReply(rest)) {
      rest = rest.subarray(reply.length);
      const [kind, , channel, payload] = reply.parts;
      if (String(kind) === 'psubscribe') tapped();
      if (channel !== undefined && payload !== undefined) onMessage({ channel: String(channel), payload });
    }
  });
  socket.write('*2\r\n$10\r\nPSUBSCRIBE\r\n$1\r\n*\r\n');
  await ready;
}

/** A whole array of Redis' protocol at the beginning of the bytes, or undefined. */
function readReply(bytes: Buffer): { parts: Buffer[]; length: number } | undefined {
  const parts: Buffer[] = [];
  let at = 0;
  const line = (): string | undefined => {
    const end = bytes.indexOf('\r\n', at);
    if (end < 0) return undefined;
    const text = bytes.toString('latin1', at, end);
    at = end + 2;
    return text;
  };
  const count = line();
  if (count === undefined) return undefined;
  for (let left = Number(count.slice(1)); left > 0; left--) {
    const head = line();
    if (head === undefined) return undefined;
    if (!head.startsWith('$')) continue;
    const size = Number(head.slice(1));
    if (bytes.length < at + size + 2) return undefined;
    parts.push(bytes.subarray(at, at + size));
    at += size + 2;
  }
  return { parts, length: at };
}

/** Length-delimited fields of a protobuf message by number, the last of each. */
export function protobufFields(bytes: Buffer): Map<number, Buffer> {
  const fields = new Map<number, Buffer>();
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++] as number;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const kind = tag & 7;
    if (kind === 0) varint();
    else if (kind === 1) at += 8;
    else if (kind === 5) at += 4;
    else {
      const size = varint();
      fields.set(tag >> 3, bytes.subarray(at, at + size));
      at += size;
    }
  }
  return fields;
}

/** Sends one command; for what LiveKit keeps in its Redis. */
export async function redisCommand(url: string, ...parts: (string | Uint8Array)[]): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = net.connect(Number(port), hostname);
  await once(socket, 'connect');
  socket.write(`*${parts.length}\r\n`);
  for (const part of parts) {
    const bytes = Buffer.from(part as Uint8Array);
    socket.write(Buffer.concat([Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n')]));
  }
  const [reply] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return reply.toString('latin1').trim();
}
