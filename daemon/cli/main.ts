import type { Command } from 'commander';
import { SETTINGS } from '#daemon/platform/settings-table.ts';
import { VERSION } from '#daemon/platform/version.ts';

/** A command: one with `command()` is made of commander's definitions, one with `run` reads its arguments itself. */
type Loaded = { run(args: string[]): Promise<number>; HELP?: string } | { command(): Command };

/** Commands beside the daemon itself, loaded only when called. */
export const COMMANDS: Record<string, { summary: string; load: () => Promise<Loaded> }> = {
  connect: {
    summary: 'Sign in to a daemon, and use it for the next commands.',
    load: () => import('./remote/connect.ts'),
  },
  contexts: {
    summary: 'List, choose and remove the daemons that you connected to.',
    load: () => import('./remote/contexts-command.ts'),
  },
  open: { summary: 'Open the web console, or the page of an app.', load: () => import('./remote/open.ts') },
  apps: { summary: 'List, create and delete apps.', load: () => import('./remote/apps.ts') },
  config: { summary: 'Read, edit and revert the config of an app.', load: () => import('./remote/config.ts') },
  export: {
    summary: 'Write the configuration of a daemon as a folder of YAML.',
    load: () => import('./remote/export.ts'),
  },
  plan: {
    summary: 'Show what a configuration folder would change on a daemon.',
    load: () => import('./remote/plan.ts'),
  },
  apply: {
    summary: 'Make the changes of a configuration folder on a daemon.',
    load: () => import('./remote/apply.ts'),
  },
  presets: { summary: 'List, preview and apply presets.', load: () => import('./remote/presets.ts') },
  storage: { summary: 'Show, set and test the storage of an app.', load: () => import('./remote/storage.ts') },
  rooms: { summary: 'List and change rooms and their participants.', load: () => import('./remote/rooms.ts') },
  streams: { summary: 'List, record and end streams.', load: () => import('./remote/streams.ts') },
  recordings: { summary: 'List, download and delete recordings.', load: () => import('./remote/recordings.ts') },
  ingests: { summary: 'List and change ingests.', load: () => import('./remote/ingests.ts') },
  'join-token': {
    summary: 'Make a token that lets someone join a room.',
    load: () => import('./remote/join-token.ts'),
  },
  tokens: { summary: 'List, create and revoke API tokens.', load: () => import('./remote/tokens.ts') },
  people: { summary: 'List, invite and remove people.', load: () => import('./remote/people.ts') },
  nodes: { summary: 'List and change the nodes of the cluster.', load: () => import('./remote/nodes.ts') },
  drain: { summary: 'Empty a node.', load: () => import('./remote/drain.ts') },
  logs: { summary: 'Search and follow the log.', load: () => import('./remote/logs.ts') },
  events: { summary: 'Follow the events.', load: () => import('./remote/events.ts') },
  jobs: { summary: 'List, wait for, cancel and retry jobs.', load: () => import('./remote/jobs.ts') },
  api: { summary: 'Send any request to the API, and print the answer.', load: () => import('./remote/api.ts') },
  completion: {
    summary: 'Print the script that completes commands in bash, zsh or fish.',
    load: () => import('./completion.ts'),
  },
  plugin: { summary: 'Create, check, pack, add and manage plugins.', load: () => import('./plugin.ts') },
  doctor: {
    summary: 'Check the installation, and say what is wrong and what you can do.',
    load: () => import('./doctor.ts'),
  },
  backup: {
    summary: 'Make a backup of a running daemon, or list and verify backups.',
    load: () => import('./backup.ts'),
  },
  restore: { summary: 'Restore a backup into a data directory.', load: () => import('./restore.ts') },
  rollback: {
    summary: 'Bring back the data as it was before the last upgrade.',
    load: () => import('./rollback.ts'),
  },
  admin: {
    summary: 'Reset a password or create an API token, for an operator who lost access.',
    load: () => import('./admin.ts'),
  },
  edge: { summary: 'Join this machine to a cluster, or run its agent.', load: () => import('./edge.ts') },
  uninstall: {
    summary: 'List what a removal deletes and keeps, and remove StreamHub.',
    load: () => import('./uninstall.ts'),
  },
};

/** What the scripts of `streamhub completion` call. */
const COMPLETE = '__complete';

/** Entry of the `streamhub` command. Without a command it starts the daemon. */
export async function main(args: string[]): Promise<void> {
  const [first, ...rest] = args;
  if (first === COMPLETE) return (await import('./completion.ts')).printCandidates(COMMANDS, rest);
  const command = first === undefined ? undefined : COMMANDS[first];
  if (command !== undefined) {
    process.exitCode = await runLoaded(first as string, await command.load(), rest);
    return;
  }
  if (first !== undefined && first !== 'start' && !first.startsWith('-')) {
    process.exitCode = await unknownCommand(first);
    return;
  }
  const flags = await readFlags(first === 'start' ? rest : args);
  if (flags === undefined) return;
  const { runDaemon } = await import('#daemon/start/main.ts');
  await runDaemon(flags);
}

async function unknownCommand(name: string): Promise<number> {
  const [{ nearest }, { EXIT }] = await Promise.all([import('#shared/nearest.ts'), import('./exit-codes.ts')]);
  const near = nearest(name, ['start', ...Object.keys(COMMANDS)]);
  const hint = near === undefined ? '' : ` Did you mean ${near}?`;
  process.stderr.write(`streamhub: there is no command ${name}.${hint}\nTry streamhub --help.\n`);
  return EXIT.usage.code;
}

async function runLoaded(name: string, loaded: Loaded, args: string[]): Promise<number> {
  if ('run' in loaded) return loaded.run(args);
  const { runProgram } = await import('./usage.ts');
  return runProgram(loaded.command().name(`streamhub ${name}`), args);
}

/** The daemon's flags by name, or undefined where the command ends here: after help, the version or wrong usage. */
async function readFlags(args: string[]): Promise<Record<string, string | undefined> | undefined> {
  if (args.length === 0) return {};
  const { commandWithHelp, usageExitCode } = await import('./usage.ts');
  const program = commandWithHelp('streamhub', help())
    .version(VERSION, '-v, --version')
    .showHelpAfterError('Try streamhub --help.')
    .allowExcessArguments(false)
    .option('--env-file <file>')
    .option('--safe')
    .option('--with-livekit');
  for (const setting of Object.values(SETTINGS)) {
    if ('flag' in setting && setting.flag && setting.type !== 'flag') program.option(`--${setting.flag} <value>`);
  }
  try {
    program.parse(args, { from: 'user' });
  } catch (error) {
    const code = usageExitCode(error);
    if (code === undefined) throw error;
    process.exitCode = code;
    return undefined;
  }
  const given = program.options.map(
    (option) => [option.name(), program.getOptionValue(option.attributeName())] as const,
  );
  const flags = Object.fromEntries(
    given.filter(([, value]) => value !== undefined).map(([name, value]) => [name, String(value)]),
  );
  return flags['with-livekit'] === undefined ? flags : { 'livekit-mode': 'managed', ...flags };
}

function help(): string {
  const flags = Object.values(SETTINGS)
    .filter((s) => 'flag' in s && s.flag && s.type !== 'flag')
    .map((s) => `  --${'flag' in s ? s.flag : ''} ${s.type === 'int' ? 'N' : 'TEXT'}`.padEnd(24) + s.doc);
  const commands = Object.entries(COMMANDS).map(([name, c]) => `  ${name}`.padEnd(24) + c.summary);
  return `streamhub ${VERSION}: control plane for self-hosted LiveKit streaming servers

streamhub [start] [flags]   start the daemon
${commands.length > 0 ? `${commands.join('\n')}\n` : ''}
${flags.join('\n')}
  --env-file FILE         Read settings from FILE (default: <DATA_DIR>/streamhub.env).
  --safe                  Start without third-party plugins.
  --with-livekit          Also run LiveKit on this machine, as --livekit-mode managed does.
  --version, --help

Every setting is also an environment variable (docs/settings.md); flags take precedence over the environment, and the environment over the file.
`;
}
