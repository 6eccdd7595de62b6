import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { sendWebhook } from '#test/helpers/livekit-webhook.ts';

const FOLDER = path.join(import.meta.dirname, '../fixtures/livekit');
const SHIFT_SECONDS = /"(createdAt|creationTime|joinedAt)": "(\d{10})"/g;
const SHIFT_MILLISECONDS = /"(creationTimeMs|joinedAtMs)": "(\d{13})"/g;

/** An event as LiveKit sent it. */
export interface LivekitEvent {
  id: string;
  event: string;
  egressInfo?: any;
  ingressInfo?: any;
  participant?: any;
}

/** Events of a real LiveKit (1.13, its egress and ingress services), moved to an hour ago. */
export async function livekitFixture(name: string): Promise<LivekitEvent[]> {
  const text = await readFile(path.join(FOLDER, `${name}.json`), 'utf8');
  const first = BigInt(/"startedAt": "(\d{19})"/.exec(text)?.[1] as string);
  const by = BigInt(Date.now() - 3_600_000) * 1_000_000n - first;
  const moved = text
    .replace(/"(-?)(\d{19})"/g, (_, sign: string, nano: string) => `"${sign}${BigInt(nano) + by}"`)
    .replace(SHIFT_SECONDS, (_, key: string, at: string) => `"${key}": "${BigInt(at) + by / 1_000_000_000n}"`)
    .replace(SHIFT_MILLISECONDS, (_, key: string, at: string) => `"${key}": "${BigInt(at) + by / 1_000_000n}"`);
  return (JSON.parse(moved) as { events: { body: LivekitEvent }[] }).events.map(({ body }) => body);
}

/**
 * Sends events to a daemon, one after the other.
 * @param order indexes of the events: in any order, one left out is lost, one given twice is doubled
 * @returns the statuses of the answers
 */
export async function replay(
  url: string,
  events: readonly LivekitEvent[],
  order: readonly number[] = events.keys().toArray(),
): Promise<number[]> {
  const statuses: number[] = [];
  for (const index of order) statuses.push((await sendWebhook(url, events[index]!)).status);
  return statuses;
}

/** Orders of so many events: reversed, each doubled, every second lost, and shuffled by a seed. */
export function upsets(count: number, seed = 1): Record<'reversed' | 'doubled' | 'lost' | 'shuffled', number[]> {
  const straight = Array.from({ length: count }, (_, index) => index);
  let state = seed;
  const random = () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
  return {
    reversed: straight.toReversed(),
    doubled: straight.flatMap((index) => [index, index]),
    lost: straight.filter((index) => index % 2 === 1),
    shuffled: straight
      .map((index) => ({ index, by: random() }))
      .sort((a, b) => a.by - b.by)
      .map(({ index }) => index),
  };
}
