import type { Command } from 'commander';
import { exportConfiguration } from '#shared/contract/declared.ts';
import { plural } from '#shared/format.ts';
import { newCommand } from '../usage.ts';
import { withConnection } from './command.ts';
import type { ConnectionOptions } from './connection.ts';
import { withDaemon } from './daemon.ts';
import { writeFolder } from './folder.ts';
import { note, print } from './output.ts';

const PATIENCE_MS = 600_000;

/** `streamhub export FOLDER` */
export const command = (): Command =>
  withConnection(
    newCommand('export')
      .description('Write the configuration of a daemon as a folder of YAML, with references in place of secrets.')
      .argument('<folder>', 'Folder to write. Files of an earlier export are updated; others are left alone.'),
  )
    .addHelpText(
      'after',
      `
Examples:
  $ streamhub export studio
  $ git -C studio diff`,
    )
    .action((folder: string, options: ConnectionOptions) =>
      withDaemon(options, async (daemon) => {
        const { data } = await daemon.call(exportConfiguration, {}, { timeout: PATIENCE_MS });
        for (const warning of data.warnings) note(`streamhub: ${warning}`);
        const { written, removed } = await writeFolder(folder, data.files);
        print(`${plural(data.files.length, 'file')} in ${folder}: ${written} written, ${removed} removed.`);
      }),
    );
