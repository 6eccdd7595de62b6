import type { Command } from 'commander';
import * as ops from '#shared/contract/presets.ts';
import { confirm } from '../ask.ts';
import { group } from '../usage.ts';
import { type CommonOptions, operationCommand, remoteCommand } from './command.ts';
import { withDaemon } from './daemon.ts';
import { showDiff } from './diff.ts';
import { formatOf, note, print, printData } from './output.ts';

/** `streamhub presets …` */
export const command = (): Command =>
  group('presets', 'List, preview and apply presets', [
    operationCommand('ls', ops.listPresets, { columns: ['id', 'title', 'latency', 'cost', 'plugin', 'description'] }),
    operationCommand('preview', ops.previewPreset),
    remoteCommand('apply', 'Apply a preset to an app')
      .argument('<app>', 'Name of the app.')
      .argument('<preset>', 'Id of the preset.')
      .option('-y, --yes', 'Agree without being asked.')
      .action(apply),
  ]);

async function apply(app: string, preset: string, options: CommonOptions): Promise<void> {
  await withDaemon(options, async (daemon) => {
    const params = { name: app, preset };
    const { data: preview } = await daemon.call(ops.previewPreset, { params });
    if (preview.error !== null) throw new Error(preview.error);
    if (preview.changed.length === 0) return note('Nothing would change.');
    showDiff(preview.diff);
    for (const line of preview.delivery.after) note(line);
    if (!(await confirm(`Apply ${preset} to ${app}?`, options.yes))) return note('Nothing was changed.');
    const { data } = await daemon.call(ops.applyPreset, { params });
    if (formatOf(options) !== 'table') return printData(data, options);
    for (const warning of data.warnings) note(`streamhub: warning: ${warning}`);
    print(`Applied ${preset} to ${app}.`);
  });
}
