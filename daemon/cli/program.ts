import type { Command } from 'commander';
import { SETTINGS } from '#daemon/platform/settings-table.ts';
import { VERSION } from '#daemon/platform/version.ts';
import { nearest } from '#shared/nearest.ts';
import { EXIT } from './exit-codes.ts';
import { type Commands, endQuietly, newCommand, runProgram, usageExitCode } from './usage.ts';

type Flags = Record<string, string | undefined>;

/** The program itself: the flags of the daemon, and the names of the commands. Each command is defined in its file. */
export function rootProgram(commands: Commands): Command {
  const program = newCommand('streamhub')
    .description(`StreamHub ${VERSION}: control plane for self-hosted LiveKit streaming servers.`)
    .usage('[start] [options]\n       streamhub <command> [options]')
    .version(VERSION, '-v, --version', 'Print the version.')
    .option('--env-file <file>', 'Read settings from this file. Default: streamhub.env in the data folder.')
    .option('--safe', 'Start without third-party plugins.')
    .option('--with-livekit', 'Also run LiveKit on this machine, as --livekit-mode managed does.');
  for (const setting of Object.values(SETTINGS))
    if ('flag' in setting && setting.flag && setting.type !== 'flag')
      program.option(`--${setting.flag} <${setting.type === 'int' ? 'n' : 'text'}>`, setting.doc.replaceAll('`', ''));
  program.addHelpText(
    'after',
    `
Without a command, or with start, it starts the daemon. For the options of a command: streamhub <command> --help
Every setting is also an environment variable (docs/settings.md). An option takes precedence over the environment, and
the environment over the file.`,
  );
  for (const [name, { summary }] of Object.entries(commands))
    program
      .command(name)
      .description(summary)
      .helpOption(false)
      .allowUnknownOption()
      .allowExcessArguments()
      .action(() => program.error(`error: options of a command follow its name: streamhub ${name} …`));
  return program.action(() => {});
}

/** The options of the daemon by their names. */
function flagsOf(program: Command): Flags {
  const given = program.options.map(
    (option) => [option.name(), program.getOptionValue(option.attributeName())] as const,
  );
  const flags: Flags = Object.fromEntries(
    given.filter(([, value]) => value !== undefined).map(([name, value]) => [name, String(value)]),
  );
  return flags['with-livekit'] === undefined ? flags : { 'livekit-mode': 'managed', ...flags };
}

/**
 * Reads a line whose first word is not a command.
 * @returns the flags to start the daemon with, or the exit code where the line ends here
 */
export async function runRoot(commands: Commands, [first = '', ...rest]: readonly string[]): Promise<Flags | number> {
  if (first === 'help') {
    const [name = '', ...inner] = rest;
    const program = (await commands[name]?.load())?.command().name(`streamhub ${name}`);
    return runProgram(program ?? rootProgram(commands), [...(program === undefined ? [] : inner), '--help']);
  }
  if (first !== 'start' && !first.startsWith('-')) {
    const near = nearest(first, ['start', ...Object.keys(commands)]);
    const hint = near === undefined ? '' : ` Did you mean ${near}?`;
    process.stderr.write(`streamhub: there is no command ${first}.${hint}\nTry streamhub --help.\n`);
    return EXIT.usage.code;
  }
  const program = rootProgram(commands).showHelpAfterError('Try streamhub --help.');
  process.stdout.on('error', endQuietly);
  try {
    program.parse(first === 'start' ? rest : [first, ...rest], { from: 'user' });
    // the daemon outlives a reader of its output
    process.stdout.off('error', endQuietly);
    return flagsOf(program);
  } catch (error) {
    const code = usageExitCode(error);
    if (code === undefined) throw error;
    return code;
  }
}
