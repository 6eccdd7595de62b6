import { existsSync } from 'node:fs';
import path from 'node:path';
import { BUNDLED_EDGE } from '#daemon/platform/paths.ts';
import { edgeCommand } from '../edge/command.ts';

/** `streamhub edge …`: the edge agent's commands, from an installed daemon. */
export function run(args: string[]): Promise<number> {
  const file = path.join(BUNDLED_EDGE, 'streamhub-edge.mjs');
  return edgeCommand(args, existsSync(file) ? file : null);
}
