import type { Command } from 'commander';
import { group, newCommand } from '../usage.ts';
import { withOutput } from './command.ts';
import { forgetCredential, readContext, readContexts, writeContexts } from './contexts.ts';
import { type OutputOptions, print, printData } from './output.ts';

/** `streamhub contexts …` */
export const command = (): Command =>
  group('contexts', 'List, choose and remove the daemons that you connected to', [
    withOutput(newCommand('ls'))
      .description('List the contexts. The current one is used unless you name another.')
      .action(list),
    newCommand('use')
      .description('Make a context the current one.')
      .argument('<context>', 'Name of the context.')
      .action(use),
    newCommand('rm')
      .description('Remove a context and its credential. The daemon keeps its token or session.')
      .argument('<context>', 'Name of the context.')
      .action(remove),
  ]);

async function list(options: OutputOptions): Promise<void> {
  const { current, contexts } = await readContexts();
  const rows = contexts.map(({ name, url, user, store }) => ({
    name,
    current: name === current,
    url,
    user,
    credential: store,
  }));
  await printData(rows, options);
}

async function use(name: string): Promise<void> {
  const context = await readContext(name);
  await writeContexts({ ...(await readContexts()), current: context.name });
  print(`${context.name} (${context.url}) is now the current context.`);
}

async function remove(name: string): Promise<void> {
  const context = await readContext(name);
  await forgetCredential(context);
  const { current, contexts } = await readContexts();
  await writeContexts({
    current: current === name ? null : current,
    contexts: contexts.filter((one) => one.name !== name),
  });
  print(`Removed the context ${name} and its credential.`);
}
