import { Command, CommanderError } from 'commander';
import { SettingsError } from '#daemon/platform/settings.ts';

/** A command with its own help text. It throws instead of ending the process; wrong usage is one line on standard error. */
export function commandWithHelp(name: string, help: string): Command {
  const command = new Command(name)
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error:/, 'streamhub:')) });
  command.helpInformation = () => help;
  return command;
}

/** Exit code for what commander throws: 0 after help or version, 2 for wrong usage; undefined for any other error. */
export function usageExitCode(error: unknown): number | undefined {
  if (!(error instanceof CommanderError)) return undefined;
  return error.exitCode === 0 ? 0 : 2;
}

/**
 * Runs a command. Each problem is a line on standard error.
 * @param explain what failed, for people; wrong settings say it themselves
 * @returns the exit code: 2 for wrong usage and wrong settings, 1 for other problems
 */
export async function runCommand(
  command: () => Promise<number>,
  explain: (error: Error) => readonly string[] = ({ message }) => [message],
): Promise<number> {
  try {
    return await command();
  } catch (error) {
    const wrongUsage = usageExitCode(error);
    if (wrongUsage !== undefined) return wrongUsage;
    const problems = error instanceof SettingsError ? error.problems : explain(error as Error);
    for (const problem of problems) process.stderr.write(`streamhub: ${problem}\n`);
    return error instanceof SettingsError ? 2 : 1;
  }
}
