import { Command, CommanderError } from 'commander';
import { SettingsError } from '#daemon/platform/settings-error.ts';
import { sentence } from '#shared/format.ts';
import { nearest } from '#shared/nearest.ts';
import { EXIT, ExitWith, exitCodeOf, Interrupted } from './exit-codes.ts';

/** The commands by their names. Help, completion, the man page and docs/cli.md are made of their definitions. */
export type Commands = Readonly<Record<string, { summary: string; load(): Promise<{ command(): Command }> }>>;

/** A command as all are: it throws instead of ending the process, and errors begin with the program's name. */
export function newCommand(name: string): Command {
  return new Command(name)
    .exitOverride()
    .allowExcessArguments(false)
    .helpOption('-h, --help', 'Show this help.')
    .helpCommand(false)
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error:/, 'streamhub:')) });
}

/** The commands that run without a name, by their group. */
const DEFAULTS = new WeakMap<Command, Command>();

/** The command that runs without a name. */
export const defaultCommand = (command: Command): Command | undefined => DEFAULTS.get(command);

/** Other names of commands, as other programs call them. */
const ALIASES: Readonly<Record<string, string>> = { ls: 'list', list: 'ls', rm: 'delete' };

/** Commands about one thing. The first is the one that runs without a name, if `isDefault`. */
export function group(name: string, summary: string, commands: readonly Command[], isDefault = true): Command {
  const command = newCommand(name).description(sentence(summary));
  const main = isDefault ? commands[0] : undefined;
  if (main !== undefined) DEFAULTS.set(command, main);
  for (const inner of commands) {
    const alias = ALIASES[inner.name()];
    if (alias !== undefined && !commands.some((other) => other.name() === alias)) inner.alias(alias);
    command.addCommand(inner, { isDefault: inner === main });
  }
  return command;
}

/** The inner command with that name or alias. */
export const innerCommand = (command: Command, word: string | undefined): Command | undefined =>
  command.commands.find((inner) => inner.name() === word || (word !== undefined && inner.aliases().includes(word)));

/** Exit code for what commander throws: 0 after help or version, 2 for wrong usage; undefined for any other error. */
export function usageExitCode(error: unknown): number | undefined {
  if (!(error instanceof CommanderError)) return undefined;
  return error.exitCode === 0 ? EXIT.ok.code : EXIT.usage.code;
}

/** Parses the arguments, runs the action that they name, and returns the exit code. */
export async function runProgram(program: Command, args: readonly string[]): Promise<number> {
  pointToHelp(program, program.name());
  return runCommand(async () => {
    await program.parseAsync(commandFirst(program, args), { from: 'user' });
    return EXIT.ok.code;
  });
}

/** After a wrong line, each command names its own help. */
function pointToHelp(command: Command, path: string): void {
  command.showHelpAfterError(`Try ${path} --help.`);
  for (const inner of command.commands) pointToHelp(inner, `${path} ${inner.name()}`);
}

/** Options may stand before the name of an inner command. A name that is wrong is said, with the nearest one. */
function commandFirst(program: Command, args: readonly string[]): readonly string[] {
  if (program.commands.length === 0) return args;
  const at = firstWord(program, args);
  const word = args[at];
  if (word === undefined) return args;
  if (innerCommand(program, word) !== undefined) return [word, ...args.slice(0, at), ...args.slice(at + 1)];
  if ((defaultCommand(program)?.registeredArguments.length ?? 0) > 0) return args;
  const near = nearest(
    word,
    program.commands.flatMap((inner) => [inner.name(), ...inner.aliases()]),
  );
  const hint = near === undefined ? '' : ` Did you mean ${near}?`;
  return program.error(`error: there is no command ${program.name().replace(/^streamhub /, '')} ${word}.${hint}`);
}

/** Where the first word is that is neither an option nor the value of one; behind the end if there is none, or none can be told. */
function firstWord(program: Command, args: readonly string[]): number {
  const options = [program, ...program.commands].flatMap((one) => one.options);
  for (let at = 0; at < args.length; at += 1) {
    const word = args[at] as string;
    if (word === '--' || word === '-h' || word === '--help') return args.length;
    if (!word.startsWith('-')) return at;
    const option = options.find(({ long, short }) => {
      const [name] = word.split('=', 1);
      return name === long || (short && word.startsWith(short));
    });
    // commander names it
    if (option === undefined) return args.length;
    if (option.required && (option.long === word || option.short === word)) at += 1;
  }
  return args.length;
}

/**
 * Runs a command. Each problem is a line on standard error; lines that begin with a space continue the one before.
 * @returns the exit code, by the table of `exit-codes.ts`
 */
async function runCommand(command: () => Promise<number>): Promise<number> {
  process.stdout.on('error', endQuietly);
  try {
    return await command();
  } catch (error) {
    const wrongUsage = usageExitCode(error);
    if (wrongUsage !== undefined) return wrongUsage;
    if (error instanceof ExitWith || error instanceof Interrupted) return exitCodeOf(error);
    const problems =
      error instanceof SettingsError ? error.problems : (await import('./remote/failures.ts')).explainFailure(error);
    for (const problem of problems)
      process.stderr.write(problem.startsWith(' ') ? `${problem}\n` : `streamhub: ${problem}\n`);
    return error instanceof SettingsError ? EXIT.usage.code : exitCodeOf(error);
  }
}

/** Ends a command whose output can't be written: quietly if the reader left, as `head` does, else with a message. */
export function endQuietly(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(EXIT.ok.code);
  process.stderr.write(`streamhub: The output can’t be written: ${error.message}\n`);
  process.exit(EXIT.failed.code);
}
