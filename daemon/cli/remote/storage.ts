import { styleText } from 'node:util';
import { type Command, Option } from 'commander';
import * as ops from '#shared/contract/s3.ts';
import { secret } from '../ask.ts';
import { EXIT, ExitWith } from '../exit-codes.ts';
import { group } from '../usage.ts';
import { type CommonOptions, operationCommand, remoteCommand } from './command.ts';
import { withDaemon } from './daemon.ts';
import { formatOf, print, printData, printText } from './output.ts';
import { plainText } from './table.ts';

const MARKS = {
  ok: ['ok', 'green'],
  warning: ['warning', 'yellow'],
  failed: ['FAILED', 'red'],
  skipped: ['skipped', 'gray'],
} as const;
const TEST_MS = 120_000;

/** `streamhub storage …` */
export const command = (): Command =>
  group(
    'storage',
    'Show, set and test the storage of an app',
    [
      operationCommand('get', ops.getS3, { summary: 'Get the storage of an app' }),
      operationCommand('set', ops.putS3, {
        summary: 'Set the storage of an app. What you leave out keeps its value',
        without: ['secret'],
        adds: (command) =>
          command
            .addOption(new Option('--secret-stdin', 'Read the secret key from standard input.').conflicts('askSecret'))
            .option('--ask-secret', 'Enter the secret key on the terminal.'),
        extra: async ({ secretStdin, askSecret }) =>
          secretStdin || askSecret
            ? { secret: await secret('Secret key: ', secretStdin as boolean | undefined, '--secret-stdin') }
            : {},
        done: ({ name }, { provider, bucket }) =>
          `The storage of ${name} is ${provider}${bucket === '' ? '' : `, bucket ${bucket}`}.`,
      }),
      remoteCommand('test', 'Test the storage of an app, step by step')
        .argument('<app>', 'Name of the app.')
        .action(test),
      operationCommand('create-bucket', ops.createS3Bucket, { without: BODY, summary: 'Create the bucket of an app' }),
      operationCommand('providers', ops.listStorageProviders, { columns: ['id', 'title', 'plugin', 'description'] }),
    ],
    false,
  );

const BODY = Object.keys(ops.createS3Bucket.body.properties);

async function test(app: string, options: CommonOptions): Promise<void> {
  await withDaemon(options, async (daemon) => {
    const { data } = await daemon.call(ops.testS3, { params: { name: app }, body: {} }, { timeout: TEST_MS });
    if (formatOf(options) === 'table')
      for (const { id, state, message, cure } of data.steps) {
        const [mark, color] = MARKS[state];
        printText(`${styleText(color, mark.padEnd(8))}${id.padEnd(10)} ${plainText(message)}`);
        if (cure !== undefined) print(`${' '.repeat(19)}${cure}`);
      }
    else await printData(data, options);
    if (!data.ok) throw new ExitWith(EXIT.failed.code);
  });
}
