import { type Command, Option } from 'commander';
import type { Operation } from '#shared/contract/operation.ts';
import * as ops from '#shared/contract/plugins.ts';
import type { PluginFromUrl } from '#shared/schema/plugins.ts';
import { EXIT, ExitWith, UsageError } from './exit-codes.ts';
import { readNamed } from './named-file.ts';
import { KINDS, type Kind, scaffoldPlugin } from './plugin/scaffold.ts';
import { type CommonOptions, operationCommand, remoteCommand } from './remote/command.ts';
import { withDaemon } from './remote/daemon.ts';
import { formatOf, print, printData, printText } from './remote/output.ts';
import { type LocalOptions, withLocal } from './settings.ts';
import { group, newCommand } from './usage.ts';

const PLACE = ['<place>', 'Folder, packed plugin (.tgz) or preset file.'] as const;
const ID = ['<id>', 'Id of the plugin.'] as const;
const SOURCE = ['<source>', 'Packed plugin (.tgz) or preset file, or its https address with --sha256.'] as const;
const SHA256 = ['--sha256 <sum>', 'SHA-256 of the file, as streamhub plugin pack prints it.'] as const;
const COLUMNS = ['id', 'version', 'state', 'reason'];

/** The daemon runs the code of a plugin before it accepts it. */
const PATIENCE_MS = 240_000;

/** `streamhub plugin …`: what authors and operators do with plugins. */
export const command = (): Command =>
  group(
    'plugin',
    'Create, check, pack and add plugins, and manage those of a daemon. See docs/plugins.md for the guide',
    [
      newCommand('new')
        .description('Create a plugin in a new folder. It passes its check and its tests as it is.')
        .argument('<name>', 'Id of the plugin: lowercase letters, digits, dashes.')
        .addOption(new Option('--kind <kind>', 'What it adds.').choices(KINDS).default('preset'))
        .option('--typescript', 'Write the code in TypeScript, which StreamHub runs directly.')
        .option('--dir <folder>', 'Where to create the folder.', '.')
        .action(create),
      newCommand('check')
        .description('Verify a plugin exactly as the daemon does, and run its code once with the same isolation.')
        .argument(...PLACE)
        .option('--json', 'Print the result as JSON.')
        .action(check),
      newCommand('pack')
        .description(
          'Check a plugin and write it to one .tgz file, always the same bytes, with the SHA-256 of its files.',
        )
        .argument('<folder>', 'Folder of the plugin.')
        .option('--out <folder>', 'Where to write it.', '.')
        .action(pack),
      withLocal(
        newCommand('add')
          .description(
            'Check a plugin and copy it to the folder of a daemon on this machine. It replaces a plugin with the same id. For a running daemon, here or elsewhere, use install.',
          )
          .argument(...PLACE),
      ).action(add),
      withLocal(remoteCommand('install', 'Install a plugin on a running daemon, and use it without a restart'))
        .argument(...SOURCE)
        .option(...SHA256)
        .action(install),
      operationCommand('list', ops.listPlugins, {
        summary: 'List the plugins of a running daemon',
        columns: COLUMNS,
        adds: withLocal,
      }),
      operationCommand('reload', ops.reloadPlugins, {
        summary: 'Load what was added to or changed in the plugin folder of a running daemon',
        columns: COLUMNS,
        adds: withLocal,
        timeout: PATIENCE_MS,
      }),
      withLocal(remoteCommand('update', 'Replace a plugin of a running daemon with another version'))
        .argument(...ID)
        .argument(...SOURCE)
        .option(...SHA256)
        .option('--force', 'Also if apps use a storage provider that will be gone.')
        .action(update),
      managing('enable', ops.enablePlugin, 'Enable a plugin of a running daemon', 'Enabled'),
      managing('disable', ops.disablePlugin, 'Disable a plugin of a running daemon', 'Disabled'),
      managing(
        'rollback',
        ops.rollBackPlugin,
        'Bring back the version of a plugin before its last update',
        'Rolled back',
      ),
      managing('remove', ops.removePlugin, 'Remove a plugin from a running daemon', 'Removed'),
    ],
    false,
  ).hook('preAction', () => {
    // npm runs its scripts in the package's folder; paths are meant from where the person is
    if (process.env['npm_lifecycle_event'] === 'start' && process.env['INIT_CWD'])
      process.chdir(process.env['INIT_CWD']);
  });

/** A change of a plugin that a daemon has. @param did for the line after it */
const managing = (name: string, op: Operation, summary: string, did: string): Command =>
  operationCommand(name, op, {
    summary,
    done: ({ id }) => `${did} ${id}.`,
    adds: withLocal,
    timeout: PATIENCE_MS,
  });

interface NewOptions {
  kind: Kind;
  typescript?: boolean;
  dir: string;
}

async function create(name: string, { typescript: isTyped = false, ...options }: NewOptions): Promise<void> {
  const made = await scaffoldPlugin({ ...options, name, isTyped });
  print(`Created ${made.folder}:`);
  for (const file of made.files) print(`  ${file}`);
  print(`Next: cd ${made.folder}; npm test; streamhub plugin check .`);
}

async function check(place: string, { json }: { json?: boolean }): Promise<void> {
  const { checkPlugin, reportOf } = await import('./plugin/check.ts');
  const result = await checkPlugin(place);
  printText(json ? JSON.stringify(result, null, 2) : reportOf(result));
  if (!result.ok) throw new ExitWith(EXIT.failed.code);
}

async function pack(folder: string, { out }: { out: string }): Promise<void> {
  const packed = await (await import('./plugin/pack.ts')).packPlugin(folder, out);
  print(`${packed.file}  ${packed.files} files, ${packed.bytes} bytes`);
  print(`sha256 ${packed.sha256}`);
}

async function add(place: string, options: LocalOptions): Promise<void> {
  const added = await (await import('./plugin/add.ts')).addPlugin(place, options);
  print(`${added.replaced ? 'Replaced' : 'Added'} ${added.id} in ${added.folder}.`);
  print(added.next);
}

type RemoteOptions = CommonOptions & LocalOptions & { sha256?: string; force?: boolean };

/** What is sent: the file, or the address from which the daemon loads it. */
async function sourceOf(
  source: string,
  { sha256 }: RemoteOptions,
): Promise<{ file: Uint8Array; query: { sha256?: string } } | { body: PluginFromUrl; query: { sha256?: string } }> {
  if (!/^https?:/i.test(source)) return { file: await fileOf(source), query: sha256 === undefined ? {} : { sha256 } };
  if (sha256 === undefined) throw new UsageError('An address needs --sha256, which streamhub plugin pack prints.');
  return { body: { url: source, sha256 }, query: {} };
}

const fileOf = (file: string): Promise<Uint8Array> =>
  readNamed(file, `streamhub plugin pack ${file} makes one file of it.`);

async function install(source: string, options: RemoteOptions): Promise<void> {
  const input = await sourceOf(source, options);
  await withDaemon(options, async (daemon) => {
    const { data } = await daemon.call(ops.installPlugin, input, { timeout: PATIENCE_MS });
    if (formatOf(options) !== 'table') return printData(data, options);
    print(`Installed ${data.id}${data.version ? ` ${data.version}` : ''}: ${data.state}.`);
  });
}

async function update(id: string, source: string, options: RemoteOptions): Promise<void> {
  const { query, ...content } = await sourceOf(source, options);
  const input = { params: { id }, ...content, query: { ...query, ...(options.force ? { force: true } : {}) } };
  await withDaemon(options, async (daemon) => {
    const { data } = await daemon.call(ops.updatePlugin, input, { timeout: PATIENCE_MS });
    if (formatOf(options) !== 'table') return printData(data, options);
    print(`Updated ${id} to ${data.version ?? 'the new file'}.`);
  });
}
