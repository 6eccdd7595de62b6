import { parseArgs } from 'node:util';
import { SETTINGS } from '#daemon/platform/settings-table.ts';
import { VERSION } from '#daemon/platform/version.ts';

/** Commands beside the daemon itself, loaded only when called. Each module exports `run(args): Promise<number>`. */
const COMMANDS: Record<string, { summary: string; load: () => Promise<{ run(args: string[]): Promise<number> }> }> = {
  admin: {
    summary: 'Reset a password or make an API token, for an operator who lost access.',
    load: () => import('./admin.ts'),
  },
  edge: {
    summary: 'Make this machine a node of a cluster, or run its agent.',
    load: () => import('./edge.ts'),
  },
  plugin: {
    summary: 'Make, check, pack and add plugins.',
    load: () => import('./plugin.ts'),
  },
};

/** Entry of the `streamhub` command. Without a command it starts the daemon. */
export async function main(args: string[]): Promise<void> {
  const [first, ...rest] = args;
  const command = first === undefined ? undefined : COMMANDS[first];
  if (command !== undefined) {
    process.exitCode = await (await command.load()).run(rest);
    return;
  }
  const flags = readFlags(first === 'start' ? rest : args);
  if (flags === undefined) return;
  const { runDaemon } = await import('#daemon/start/main.ts');
  await runDaemon(flags);
}

function readFlags(args: string[]): Record<string, string | undefined> | undefined {
  const named = Object.values(SETTINGS).flatMap((s) => ('flag' in s && s.flag && s.type !== 'flag' ? [s.flag] : []));
  const options = Object.fromEntries([...named, 'env-file'].map((name) => [name, { type: 'string' as const }]));
  try {
    const { values } = parseArgs({
      args,
      options: {
        ...options,
        help: { type: 'boolean', short: 'h' },
        version: { type: 'boolean', short: 'v' },
        safe: { type: 'boolean' },
      },
    });
    if (values['help']) {
      process.stdout.write(help());
      return undefined;
    }
    if (values['version']) {
      process.stdout.write(`${VERSION}\n`);
      return undefined;
    }
    const { safe, ...texts } = values as Record<string, string | boolean | undefined>;
    return { ...(texts as Record<string, string | undefined>), ...(safe === true ? { safe: 'true' } : {}) };
  } catch (error) {
    process.stderr.write(`streamhub: ${(error as Error).message}\nTry streamhub --help.\n`);
    process.exitCode = 2;
    return undefined;
  }
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
  --version, --help

Every setting is also an environment variable (docs/settings.md); flags win over the environment, the environment over the file.
`;
}
