import { existsSync } from 'node:fs';
import path from 'node:path';
import { type Command, Option } from 'commander';
import {
  EDGE_COMMANDS,
  type EdgeCommandName,
  UsageError as EdgeUsageError,
  type Flag,
  type Flags,
} from '#daemon/edge/options.ts';
import { BUNDLED_EDGE } from '#daemon/platform/paths.ts';
import { VERSION } from '#daemon/platform/version.ts';
import { ExitWith, UsageError } from './exit-codes.ts';
import { group, newCommand } from './usage.ts';

/** `streamhub edge …`: the edge agent's commands, from an installed daemon. */
export function command(): Command {
  const names = Object.keys(EDGE_COMMANDS) as EdgeCommandName[];
  const program = group(
    'edge',
    'Join this machine to a cluster, or run its agent',
    names.filter((name) => !isInternal(name)).map(edgeCommand),
    false,
  ).version(VERSION, '--version', 'Print the version.');
  for (const name of names.filter(isInternal)) program.addCommand(edgeCommand(name), { hidden: true });
  return program;
}

const isInternal = (name: EdgeCommandName): boolean => !('summary' in EDGE_COMMANDS[name]);

function edgeCommand(name: EdgeCommandName): Command {
  const { flags, ...rest } = EDGE_COMMANDS[name];
  const made = newCommand(name).description('summary' in rest ? rest.summary : '');
  for (const [flag, definition] of Object.entries(flags)) made.addOption(optionOf(flag, definition));
  return made.action(async () => {
    const given = Object.fromEntries(
      made.options.map((option) => [option.name(), made.getOptionValue(option.attributeName())]),
    );
    await run(name, given);
  });
}

function optionOf(flag: string, { type, value, text }: Flag): Option {
  const option = new Option(type === 'boolean' ? `--${flag}` : `--${flag} <${value ?? 'text'}>`, text);
  // `--no-proxy LIST` is not the opposite of `--proxy URL`
  option.negate = false;
  return text === undefined ? option.hideHelp() : option;
}

async function run(name: EdgeCommandName, flags: Flags): Promise<void> {
  const file = path.join(BUNDLED_EDGE, 'streamhub-edge.mjs');
  const { runEdge } = await import('#daemon/edge/command.ts');
  // the agent continues when the reader of its output leaves
  if (name === 'run') process.stdout.removeAllListeners('error');
  try {
    throw new ExitWith(await runEdge(name, flags, existsSync(file) ? file : null));
  } catch (error) {
    throw error instanceof EdgeUsageError ? new UsageError(error.message) : error;
  }
}
