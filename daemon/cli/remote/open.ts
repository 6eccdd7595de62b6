import { spawn } from 'node:child_process';
import { type Command, Option } from 'commander';
import { newCommand } from '../usage.ts';
import { withConnection } from './command.ts';
import { addressOf, type ConnectionOptions } from './connection.ts';
import { note, print } from './output.ts';

/** `streamhub open [APP]` */
export const command = (): Command =>
  withConnection(
    newCommand('open')
      .description('Open the web console in the browser, or the page of an app.')
      .argument('[app]', 'Name of an app.')
      .addOption(new Option('--print', 'Print the address only.')),
  ).action(open);

async function open(app: string | undefined, options: ConnectionOptions & { print?: boolean }): Promise<void> {
  const base = await addressOf(options);
  const url = app === undefined ? `${base}/` : `${base}/apps/${encodeURIComponent(app)}`;
  print(url);
  if (options.print || !process.stdout.isTTY) return;
  const [program, args] =
    process.platform === 'darwin'
      ? ['open', [url]]
      : process.platform === 'win32'
        ? ['rundll32', ['url.dll,FileProtocolHandler', url]]
        : ['xdg-open', [url]];
  await new Promise<void>((resolve) => {
    const child = spawn(program as string, args as string[], { stdio: 'ignore', detached: true });
    child.once('error', () => {
      note('No browser could be started: open the address yourself.');
      resolve();
    });
    child.once('spawn', () => {
      child.unref();
      resolve();
    });
  });
}
