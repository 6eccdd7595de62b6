import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import type { AdminTool } from '#daemon/identity/auth/admin-tool.ts';
import type { DataDir } from '#daemon/platform/data-dir.ts';
import { secretLine } from './ask.ts';
import { type LocalOptions, withDataDir, withLocal } from './settings.ts';
import { group, newCommand } from './usage.ts';

interface ResetOptions extends LocalOptions {
  generate?: boolean;
  reset2fa?: boolean;
  superadmin?: boolean;
}

/** Milliseconds to wait for another program’s lock of the registry. */
const BUSY_MS = 5000;

const print = (line: string): void => void process.stdout.write(`${line}\n`);

/** `streamhub admin …` */
export const command = (): Command =>
  group(
    'admin',
    'Restore access for an operator, with the daemon’s files alone. Stop the daemon first',
    [
      withLocal(newCommand('users').description('List the accounts.')).action((options: LocalOptions) =>
        withRegistry(options, listUsers),
      ),
      withLocal(
        newCommand('reset-password')
          .description('Set the password of an account and end all its sessions.')
          .argument('[email]', 'Address of the account. Default: the only superadmin.')
          .option(
            '--generate',
            'Generate the password and print it. Without it, enter it, or pass it on standard input.',
          )
          .option('--reset-2fa', 'Turn two-factor sign-in off as well.')
          .option('--superadmin', 'Make the account a superadmin.'),
      ).action((email: string | undefined, options: ResetOptions) =>
        withTool(options, (tool) => resetPassword(tool, email, options)),
      ),
      withLocal(
        newCommand('create-token')
          .description('Create an API token of global scope and print it.')
          .option('--name <name>', 'Name of the token.', 'command line'),
      ).action((options: LocalOptions & { name: string }) =>
        withTool(options, async (tool) => print(tool.createToken(options.name))),
      ),
    ],
    false,
  );

async function resetPassword(
  tool: AdminTool,
  email: string | undefined,
  { generate = false, reset2fa = false, superadmin = false }: ResetOptions,
): Promise<void> {
  const account = tool.find(email);
  const password = generate
    ? randomBytes(15).toString('base64url')
    : await secretLine(`New password of ${account.label}: `, 'password');
  await tool.resetPassword(account.id, password, { resetTwoFactor: reset2fa, superadmin });
  print(generate ? password : `The password of ${account.label} is set. Its sessions have ended.`);
}

async function listUsers({ registry }: DataDir): Promise<void> {
  const [{ accountLines }, { openDatabase }] = await Promise.all([
    import('#daemon/identity/auth/admin-tool.ts'),
    import('#daemon/platform/db/open.ts'),
  ]);
  const db = openDatabase(registry, { readonly: true, mustExist: true, busyMs: BUSY_MS });
  try {
    accountLines(db).forEach(print);
  } finally {
    db.close();
  }
}

const withTool = (options: LocalOptions, work: (tool: AdminTool) => Promise<void>): Promise<void> =>
  withRegistry(options, async (dir) => {
    const [{ AdminTool: Tool }, { requireNoRestore }, { openRegistry }] = await Promise.all([
      import('#daemon/identity/auth/admin-tool.ts'),
      import('#daemon/operations/backup/restore.ts'),
      import('#daemon/operations/backup/upgrade.ts'),
    ]);
    await requireNoRestore(dir.root);
    const { db, copy } = await openRegistry(dir, { busyMs: BUSY_MS });
    if (copy !== undefined)
      process.stderr.write(`streamhub: copied the data of ${copy.from} to ${copy.folder} before the upgrade\n`);
    try {
      await work(new Tool(db));
    } finally {
      db.close();
    }
  });

const withRegistry = (options: LocalOptions, work: (dir: DataDir) => Promise<void>): Promise<void> =>
  withDataDir(
    options,
    async (dir) => {
      if (!existsSync(dir.registry)) throw new Error(`${dir.root} contains no StreamHub data; start the daemon once`);
      await work(dir);
    },
    { why: ', because it keeps the accounts in memory' },
  );
