import { setTimeout as wait } from 'node:timers/promises';
import { type Command, InvalidArgumentError } from 'commander';
import type { Static } from 'typebox';
import { getNode, updateNode } from '#shared/contract/cluster.ts';
import type { ClusterNode } from '#shared/schema/cluster.ts';
import { confirm } from '../ask.ts';
import { EXIT, ExitWith } from '../exit-codes.ts';
import { type CommonOptions, remoteCommand } from './command.ts';
import { type Daemon, withDaemon } from './daemon.ts';
import { nodeId } from './nodes.ts';
import { formatOf, note, print, printData } from './output.ts';
import { Progress } from './progress.ts';

type Node = Static<typeof ClusterNode>;

const LOOK_MS = 1000;
const UNITS: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400 };

interface DrainOptions extends CommonOptions {
  wait?: boolean;
  timeout?: number;
  endRoomsAfter?: number;
}

/** `streamhub drain NODE` */
export const command = (): Command =>
  remoteCommand('drain', 'Empty a node: no new rooms, and LiveKit stops after the last participant left')
    .argument('<node>', 'Id or name of the node.')
    .option('--wait', 'Wait until the node is drained, and show what it waits for.')
    .option(
      '--timeout <time>',
      'With --wait: give up after this time, such as 30m. The node continues to drain.',
      seconds,
    )
    .option('--end-rooms-after <time>', 'End the remaining rooms after this time. 0s: now.', seconds)
    .option('-y, --yes', 'Agree that participants are disconnected when rooms are ended.')
    .action(drain);

function seconds(text: string): number {
  const [, amount, unit] = /^(\d+)(s|m|h|d)$/.exec(text) ?? [];
  if (amount === undefined || unit === undefined)
    throw new InvalidArgumentError('It must be a time such as 90s, 30m or 2h.');
  return Number(amount) * (UNITS[unit] ?? 1);
}

async function drain(given: string, options: DrainOptions): Promise<void> {
  const { endRoomsAfter } = options;
  if (
    endRoomsAfter !== undefined &&
    !(await confirm(`End the rooms that are left on ${given}? Their participants are disconnected.`, options.yes))
  )
    return note('Nothing was changed.');
  await withDaemon(options, async (daemon) => {
    const id = await nodeId(daemon, given);
    const body = {
      status: 'draining' as const,
      ...(endRoomsAfter === undefined ? {} : { drain: { endRoomsAfterSeconds: endRoomsAfter, confirm: true } }),
    };
    const { data } = await daemon.call(updateNode, { params: { id }, body });
    const node = options.wait ? await drained(daemon, data, options.timeout) : data;
    if (formatOf(options) !== 'table') return printData(node, options);
    print(
      node.drain?.drained
        ? `${node.name} is drained.`
        : `${node.name} is draining. ${node.drain?.note ?? ''}`.trimEnd(),
    );
  });
}

async function drained(daemon: Daemon, first: Node, timeout: number | undefined): Promise<Node> {
  const progress = new Progress();
  const ends = timeout === undefined ? Infinity : Date.now() + timeout * 1000;
  try {
    for (let node = first; ; { data: node } = await daemon.call(getNode, { params: { id: node.id } })) {
      if (node.status !== 'draining') {
        progress.clear();
        note(`streamhub: ${node.name} is no longer draining: its status is ${node.status}.`);
        throw new ExitWith(EXIT.failed.code);
      }
      // without an agent only the status changes, and nothing tells when the node is empty
      if (node.drain === null || node.drain.drained || !node.drain.managed) return node;
      if (Date.now() >= ends) {
        progress.clear();
        note(`streamhub: ${node.name} isn’t drained yet. ${node.drain.note}`);
        throw new ExitWith(EXIT.failed.code);
      }
      progress.show(`${node.name}: ${node.drain.note}`);
      await wait(LOOK_MS, undefined, { signal: daemon.signal }).catch(() => daemon.signal.throwIfAborted());
    }
  } finally {
    progress.clear();
  }
}
