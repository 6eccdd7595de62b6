import { Command, CommanderError } from 'commander';
import { SettingsError } from '#daemon/platform/settings.ts';
import { EXIT, ExitWith, exitCodeOf, Interrupted } from './exit-codes.ts';

/** A command with its own help text. It throws instead of ending the process; wrong usage is one line on standard error. */
export function commandWithHelp(name: string, help: string): Command {
  const command = newCommand(name);
  command.helpInformation = () => help;
  return command;
}

/** A command as all are: it throws instead of ending the process, and errors begin with the program's name. */
export function newCommand(name: string): Command {
  return new Command(name)
    .exitOverride()
    .helpOption('-h, --help', 'Show this help.')
    .helpCommand(false)
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error:/, 'streamhub:')) });
}

/** Exit code for what commander throws: 0 after help or version, 2 for wrong usage; undefined for any other error. */
export function usageExitCode(error: unknown): number | undefined {
  if (!(error instanceof CommanderError)) return undefined;
  return error.exitCode === 0 ? EXIT.ok.code : EXIT.usage.code;
}

/** Parses the arguments, runs the action that they name, and returns the exit code. */
export async function runProgram(program: Command, args: readonly string[]): Promise<number> {
  pointToHelp(program, program.name());
  return runCommand(async () => {
    await program.parseAsync(args, { from: 'user' });
    return EXIT.ok.code;
  });
}

/** After a wrong line, each command names its own help. */
function pointToHelp(command: Command, path: string): void {
  command.showHelpAfterError(`Try ${path} --help.`);
  for (const inner of command.commands) pointToHelp(inner, `${path} ${inner.name()}`);
}

/**
 * Runs a command. Each problem is a line on standard error; lines that begin with a space continue the one before.
 * @param explain what failed, for people; wrong settings say it themselves
 * @returns the exit code, by the table of `exit-codes.ts`
 */
export async function runCommand(
  command: () => Promise<number>,
  explain?: (error: Error) => readonly string[],
): Promise<number> {
  process.stdout.on('error', endQuietly);
  try {
    return await command();
  } catch (error) {
    const wrongUsage = usageExitCode(error);
    if (wrongUsage !== undefined) return wrongUsage;
    if (error instanceof ExitWith || error instanceof Interrupted) return exitCodeOf(error);
    const said = explain ?? (await import('./remote/failures.ts')).explainFailure;
    const problems = error instanceof SettingsError ? error.problems : said(error as Error);
    for (const problem of problems)
      process.stderr.write(problem.startsWith(' ') ? `${problem}\n` : `streamhub: ${problem}\n`);
    return error instanceof SettingsError ? EXIT.usage.code : exitCodeOf(error);
  }
}

/** The reader of the output left, as `head` does: nobody is there to be told. */
function endQuietly(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(EXIT.ok.code);
  throw error;
}
