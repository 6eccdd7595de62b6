import type { Commands } from './usage.ts';

/** Commands beside the daemon itself, loaded only when called. */
export const COMMANDS: Commands = {
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
  const command = first === undefined ? undefined : COMMANDS[first];
  if (command !== undefined) {
    const [{ runProgram }, loaded] = await Promise.all([import('./usage.ts'), command.load()]);
    process.exitCode = await runProgram(loaded.command().name(`streamhub ${first}`), rest);
    return;
  }
  if (first === undefined) return start({});
  if (first === COMPLETE) return (await import('./completion.ts')).printCandidates(COMMANDS, rest);
  const { runRoot } = await import('./program.ts');
  const found = await runRoot(COMMANDS, args);
  if (typeof found === 'number') process.exitCode = found;
  else await start(found);
}

/** @param flags by their names */
async function start(flags: Record<string, string | undefined>): Promise<void> {
  (await import('#daemon/platform/young-generation.ts')).holdYoungGeneration();
  const { runDaemon } = await import('#daemon/start/main.ts');
  await runDaemon(flags);
}
