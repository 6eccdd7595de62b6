import type { Command } from 'commander';
import * as ops from '#shared/contract/vods.ts';
import { group } from '../usage.ts';
import { operationCommand, remoteCommand } from './command.ts';

/** `streamhub recordings …` */
export const command = (): Command =>
  group('recordings', 'List, download and delete the recordings of an app', [
    operationCommand('ls', ops.listVods, {
      summary: 'List the recordings of an app, newest first',
      columns: ['id', 'name', 'room', 'status', 'durationS', 'sizeBytes', 'startedAt'],
    }),
    operationCommand('show', ops.getVod, { summary: 'Show a recording with its links' }),
    remoteCommand('get', 'Download a recording. Run it again to continue where it stopped')
      .argument('<app>', 'Name of the app.')
      .argument('<id>', 'Id of the recording.')
      .option(
        '--to <place>',
        'File or folder, or - for standard output. Default: a file with the recording’s name, here.',
      )
      .option('--force', 'Replace a file that is there.')
      .action(async (app: string, id: string, options) =>
        (await import('./download.ts')).getRecording(app, id, options),
      ),
    operationCommand('transcode', ops.transcodeVod, { summary: 'Make an HLS ladder of a recording', waits: 'asked' }),
    operationCommand('rm', ops.deleteVod, {
      summary: 'Delete a recording',
      confirm: ({ id, app }) => `Delete the recording ${id} of ${app}?`,
      done: ({ id }) => `Deleted the recording ${id}.`,
    }),
  ]);
