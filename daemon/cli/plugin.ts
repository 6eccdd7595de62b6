import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import * as ops from '#shared/contract/plugins.ts';
import { EXIT, ExitWith, UsageError } from './exit-codes.ts';
import { addPlugin } from './plugin/add.ts';
import { checkPlugin, reportOf } from './plugin/check.ts';
import { packPlugin } from './plugin/pack.ts';
import { KINDS, type Kind, scaffoldPlugin } from './plugin/scaffold.ts';
import { type ConnectionOptions, clientOf } from './remote/connection.ts';
import { newCommand } from './usage.ts';

const print = (text: string): void => void process.stdout.write(`${text}\n`);

/** `streamhub plugin …`: what authors and operators do with plugins. */
export function command(): Command {
  const program = newCommand('plugin').description(
    'Create, check, pack and add plugins, and manage those of a daemon. See docs/plugins.md for the guide.',
  );

  program.hook('preAction', () => {
    // npm runs its scripts in the package's folder; paths are meant from where the person is
    if (process.env['npm_lifecycle_event'] === 'start' && process.env['INIT_CWD'])
      process.chdir(process.env['INIT_CWD']);
  });
  program
    .command('new')
    .description('create a plugin in a new folder; it passes its check and its tests as it is')
    .argument('<name>', 'id of the plugin: lowercase letters, digits, dashes')
    .option('--kind <kind>', `what it adds: ${KINDS.join(' or ')}`, 'preset')
    .option('--typescript', 'write the code in TypeScript, which StreamHub runs directly')
    .option('--dir <folder>', 'where to create the folder', '.')
    .action(async (name: string, options: { kind: string; typescript?: boolean; dir: string }) => {
      const kind = KINDS.find((known) => known === options.kind);
      if (kind === undefined) throw new UsageError(`--kind must be ${KINDS.join(' or ')}`);
      const made = await scaffoldPlugin({ ...options, name, kind: kind as Kind, isTyped: options.typescript ?? false });
      print(`Created ${made.folder}:`);
      for (const file of made.files) print(`  ${file}`);
      print(`Next: cd ${made.folder}; npm test; streamhub plugin check .`);
    });

  program
    .command('check')
    .description('verify a plugin exactly as the daemon does, and run its code once with the same isolation')
    .argument('<place>', 'folder, packed plugin (.tgz) or preset file')
    .option('--json', 'print the result as JSON')
    .action(async (place: string, options: { json?: boolean }) => {
      const result = await checkPlugin(place);
      print(options.json ? JSON.stringify(result, null, 2) : reportOf(result));
      if (!result.ok) throw new ExitWith(EXIT.failed.code);
    });

  program
    .command('pack')
    .description('check a plugin and write it to one .tgz file, always the same bytes, with the SHA-256 of its files')
    .argument('<folder>', 'folder of the plugin')
    .option('--out <folder>', 'where to write it', '.')
    .action(async (folder: string, options: { out: string }) => {
      const packed = await packPlugin(folder, options.out);
      print(`${packed.file}  ${packed.files} files, ${packed.bytes} bytes`);
      print(`sha256 ${packed.sha256}`);
    });

  program
    .command('add')
    .description('check a plugin and copy it to a daemon’s folder; replaces a plugin with the same id')
    .argument('<place>', 'folder, packed plugin (.tgz) or preset file')
    .option('--data-dir <folder>', 'DATA_DIR of the daemon')
    .option('--env-file <file>', 'settings of the daemon')
    .action(async (place: string, options: { dataDir?: string; envFile?: string }) => {
      const added = await addPlugin(place, options);
      print(`${added.replaced ? 'Replaced' : 'Added'} ${added.id} in ${added.folder}.`);
      print(added.next);
    });

  const remote = (name: string, description: string): Command =>
    program
      .command(name)
      .description(`${description}, in a running daemon`)
      .option('--context <name>', 'use this stored context instead of the current one')
      .option('--url <address>', 'address of the daemon; the token is STREAMHUB_TOKEN')
      .option('--ca-file <file>', 'PEM file with authorities to trust beside those of the system')
      .option('--data-dir <folder>', 'DATA_DIR of a daemon on this machine')
      .option('--env-file <file>', 'settings of the daemon');
  const timeout = 240_000;
  remote('list', 'list the plugins').action(async (options: ConnectionOptions) => {
    const { data } = await (await clientOf(options)).call(ops.listPlugins, {}, { timeout });
    for (const { id, version, state, reason } of data)
      print([id, version ?? '-', state, reason ?? ''].join('\t').trimEnd());
  });
  remote('update', 'replace a plugin with another version')
    .argument('<id>', 'id of the plugin')
    .argument('<file>', 'packed plugin (.tgz) or preset file')
    .option('--force', 'also if apps use a storage provider that will be gone')
    .action(async (id: string, file: string, options: ConnectionOptions & { force?: boolean }) => {
      const input = { params: { id }, file: await readFile(file), query: forced(options) };
      const { data } = await (await clientOf(options)).call(ops.updatePlugin, input, { timeout });
      print(`Updated ${id} to ${data.version ?? 'the new file'}.`);
    });
  for (const [name, op, done] of [
    ['enable', ops.enablePlugin, 'Enabled'],
    ['disable', ops.disablePlugin, 'Disabled'],
  ] as const)
    remote(name, `${name} a plugin`)
      .argument('<id>', 'id of the plugin')
      .action(async (id: string, options: ConnectionOptions) => {
        await (await clientOf(options)).call(op, { params: { id } }, { timeout });
        print(`${done} ${id}.`);
      });
  for (const [name, op, what, done] of [
    ['rollback', ops.rollBackPlugin, 'bring back the version before the last update', 'Rolled back'],
    ['remove', ops.removePlugin, 'remove a plugin', 'Removed'],
  ] as const)
    remote(name, what)
      .argument('<id>', 'id of the plugin')
      .option('--force', 'also if apps use its storage; they record nothing until they have another one')
      .action(async (id: string, options: ConnectionOptions & { force?: boolean }) => {
        const input = { params: { id }, query: forced(options) };
        await (await clientOf(options)).call(op as typeof ops.rollBackPlugin, input, { timeout });
        print(`${done} ${id}.`);
      });

  return program;
}

const forced = ({ force }: { force?: boolean }): { force?: true } => (force ? { force: true } : {});
