import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { AdminTool } from '#daemon/identity/auth/admin-tool.ts';
import { DataDirInUse, lockDataDir, prepareDataDir } from '#daemon/platform/data-dir.ts';
import { migrate } from '#daemon/platform/db/migrate.ts';
import { openDatabase } from '#daemon/platform/db/open.ts';
import { registryMigrations } from '#daemon/platform/db/registry/index.ts';
import { askSecret } from './passphrase.ts';
import { commandSettings } from './settings.ts';
import { commandWithHelp, runCommand } from './usage.ts';

/** Shown by --help and in docs/cli.md. */
export const HELP = `streamhub admin: restores access for an operator. Needs the daemon's files; stop the daemon first.

streamhub admin users                      list the accounts
streamhub admin reset-password [EMAIL]     set a password and end all sessions of that account (default: the only superadmin)
  --generate                               generate the password and print it; otherwise enter it or pass it on standard input
  --reset-2fa                              turn two-factor sign-in off as well
  --superadmin                             make the account a superadmin
streamhub admin create-token [--name NAME] create a global API token and print it

  --data-dir DIR, --env-file FILE          as for the daemon
`;

interface AdminOptions {
  dataDir?: string;
  envFile?: string;
  name?: string;
  generate?: boolean;
  reset2fa?: boolean;
  superadmin?: boolean;
}

/** `streamhub admin …` */
export const run = (args: string[]): Promise<number> =>
  runCommand(
    () => command(args),
    (error) => [explain(error)],
  );

function explain(error: Error): string {
  if (error instanceof DataDirInUse)
    return `${error.message.split(';', 1)[0]}; stop it first, because it keeps the accounts in memory`;
  return error.message;
}

async function command(args: string[]): Promise<number> {
  const program = commandWithHelp('streamhub admin', HELP)
    .argument('[command]')
    .argument('[email]')
    .option('--data-dir <dir>')
    .option('--env-file <file>')
    .option('--name <name>')
    .option('--generate')
    .option('--reset-2fa')
    .option('--superadmin')
    .parse(args, { from: 'user' });
  const [verb, email] = program.args;
  const values = program.opts<AdminOptions>();
  if (!['users', 'reset-password', 'create-token'].includes(verb ?? '')) {
    process.stdout.write(HELP);
    return 2;
  }
  const settings = commandSettings(values);
  const dir = prepareDataDir(settings.dataDir);
  if (!existsSync(dir.registry))
    throw new Error(`${settings.dataDir} contains no StreamHub data; start the daemon once`);
  const unlock = lockDataDir(dir);
  const db = openDatabase(dir.registry, { busyMs: 5000 });
  try {
    migrate(db, registryMigrations);
    const tool = new AdminTool(db);
    if (verb === 'users') for (const line of tool.users()) process.stdout.write(`${line}\n`);
    else if (verb === 'create-token') process.stdout.write(`${tool.createToken(values.name ?? 'command line')}\n`);
    else {
      const account = tool.find(email);
      const password = values.generate
        ? randomBytes(15).toString('base64url')
        : await askSecret(`New password of ${account.label}: `, 'password');
      await tool.resetPassword(account.id, password, {
        resetTwoFactor: values.reset2fa ?? false,
        superadmin: values.superadmin ?? false,
      });
      process.stdout.write(
        values.generate ? `${password}\n` : `The password of ${account.label} is set. Its sessions have ended.\n`,
      );
    }
    return 0;
  } finally {
    db.close();
    unlock();
  }
}
