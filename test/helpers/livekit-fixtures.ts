import { readFile } from 'node:fs/promises';
import path from 'node:path';

const FOLDER = path.join(import.meta.dirname, '../fixtures/livekit');

/** Events of a real LiveKit (1.13, its own egress service), moved to an hour ago. */
export async function livekitFixture(name: string): Promise<{ event: string; egressInfo: any }[]> {
  const text = await readFile(path.join(FOLDER, `${name}.json`), 'utf8');
  const first = BigInt(/"startedAt": "(\d{19})"/.exec(text)?.[1] as string);
  const by = BigInt(Date.now() - 3_600_000) * 1_000_000n - first;
  const moved = text
    .replace(/"(-?)(\d{19})"/g, (_, sign: string, nano: string) => `"${sign}${BigInt(nano) + by}"`)
    .replace(/"createdAt": "(\d+)"/g, (_, at: string) => `"createdAt": "${BigInt(at) + by / 1_000_000_000n}"`);
  return (JSON.parse(moved) as { events: { body: never }[] }).events.map(({ body }) => body);
}
