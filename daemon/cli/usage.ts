import { Command, CommanderError } from 'commander';

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
