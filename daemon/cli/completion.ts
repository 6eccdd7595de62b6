import { Argument, type Command, type Option } from 'commander';
import { listApps } from '#shared/contract/apps.ts';
import { listNodes } from '#shared/contract/cluster.ts';
import { EXIT } from './exit-codes.ts';
import { rootProgram } from './program.ts';
import { type Commands, defaultCommand, innerCommand, newCommand } from './usage.ts';

/** What the scripts call. */
const COMPLETE = '__complete';

/** A person waits for the next letter. */
const LIMITS = { timeout: 1500, retries: 0 };

/** The scripts ask the program itself, so that they never need to be renewed. */
export const SCRIPTS: Readonly<Record<string, string>> = {
  // bash breaks words at a colon, as in localhost:3020: the line itself is split, and the part before the colon is left out
  bash: `_streamhub() {
  local line words before="\${COMP_LINE:0:COMP_POINT}"
  read -ra words <<< "$before"
  [[ $before != *[[:space:]] ]] || words+=("")
  local typed="\${words[\${#words[@]}-1]}"
  local colon="\${typed%"\${typed##*:}"}"
  COMPREPLY=()
  while IFS= read -r line; do
    line="\${line%%$'\\t'*}"
    COMPREPLY+=("\${line#"$colon"}")
  done < <(streamhub ${COMPLETE} -- "\${words[@]:1}" 2>/dev/null)
}
complete -o default -F _streamhub streamhub
`,
  zsh: `#compdef streamhub
_streamhub() {
  local -a found
  local line
  for line in "\${(@f)$(streamhub ${COMPLETE} -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    [[ -n $line ]] && found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  if (( \${#found} )); then _describe streamhub found; else _files; fi
}
compdef _streamhub streamhub
`,
  fish: `function __streamhub_complete
  set -l words (commandline -opc) (commandline -ct)
  streamhub ${COMPLETE} -- $words[2..-1] 2>/dev/null
end
complete -c streamhub -a '(__streamhub_complete)'
`,
};

/** `streamhub completion SHELL` */
export const command = (): Command =>
  newCommand('completion')
    .description('Print the script that completes commands and options in a shell.')
    .addArgument(new Argument('<shell>', 'Your shell.').choices(Object.keys(SCRIPTS)))
    .addHelpText(
      'after',
      `
Examples:
  $ streamhub completion bash > ~/.local/share/bash-completion/completions/streamhub
  $ streamhub completion zsh > "\${fpath[1]}/_streamhub"
  $ streamhub completion fish > ~/.config/fish/completions/streamhub.fish`,
    )
    .action((shell: string) => void process.stdout.write(SCRIPTS[shell] ?? ''));

/** Prints what the last word can become, one a line, with a description after a tab. Errors are nothing to complete. */
export async function printCandidates(commands: Commands, args: readonly string[]): Promise<void> {
  const words = args[0] === '--' ? args.slice(1) : args;
  const typed = words.at(-1) ?? '';
  const found = await candidates(commands, words.slice(0, -1), typed).catch(() => []);
  const lines = found
    .filter(([name]) => name.startsWith(typed))
    .map(([name, text]) => `${name}\t${text.replaceAll(/\s+/g, ' ')}\n`);
  await new Promise<void>((resolve) => process.stdout.write(lines.join(''), () => resolve()));
  // a connection to the daemon may be open still
  process.exit(EXIT.ok.code);
}

type Candidate = readonly [name: string, text: string];

/** What `typed` can become behind the words. */
export async function candidates(
  commands: Commands,
  [first, ...before]: string[],
  typed: string,
): Promise<Candidate[]> {
  const names = Object.entries(commands).map(([name, { summary }]): Candidate => [name, summary]);
  const isDaemon = first === undefined || first === 'start' || first.startsWith('-');
  if (isDaemon && typed.startsWith('-')) return optionsOf(rootProgram(commands));
  if (isDaemon) return first === undefined ? [['start', 'Start the daemon.'], ...names, ['help', 'Show help.']] : [];
  if (first === 'help') return before.length === 0 ? names : [];
  const program = (await commands[first]?.load())?.command();
  if (program === undefined) return [];
  const [command, rest] = innermost(program, before);
  const inner = command.createHelp().visibleCommands(command);
  // what runs without a name
  const main = inner.length > 0 ? defaultCommand(command) : command;
  const options = [...command.options, ...(main === undefined || main === command ? [] : main.options)];
  const option = optionBefore(options, before.at(-1));
  if (option !== undefined) return option.argChoices?.map(plain) ?? valuesOf(option.name(), before);
  if (typed.startsWith('-')) return optionsOf(command, main);
  const argument = main?.registeredArguments[wordsOf(options, rest).length];
  // without a daemon there are still the commands
  const values = async (name: string): Promise<Candidate[]> => valuesOf(name, before).catch(() => []);
  return [
    ...inner.map((one): Candidate => [one.name(), one.description()]),
    ...(argument === undefined ? [] : (argument.argChoices?.map(plain) ?? (await values(argument.name())))),
  ];
}

const plain = (name: string): Candidate => [name, ''];

const optionsOf = (...commands: (Command | undefined)[]): Candidate[] => {
  const all = commands.flatMap((command) => command?.createHelp().visibleOptions(command) ?? []);
  return [...new Map(all.flatMap(({ long, description }) => (long ? [[long, description] as const] : [])))];
};

/** The command that the words name, and the words behind it. */
function innermost(command: Command, words: readonly string[]): [command: Command, rest: readonly string[]] {
  const [first, ...rest] = words;
  const inner = innerCommand(command, first);
  return inner === undefined ? [command, words] : innermost(inner, rest);
}

/** The arguments among the words: neither options nor their values. */
const wordsOf = (options: readonly Option[], words: readonly string[]): string[] =>
  words.filter((word, at) => !word.startsWith('-') && optionBefore(options, words[at - 1]) === undefined);

/** The option that a word is, if its value follows. */
const optionBefore = (options: readonly Option[], word: string | undefined): Option | undefined =>
  word === undefined ? undefined : options.find((one) => one.required && (one.long === word || one.short === word));

/** Names that a value can be: contexts from their file, the others from the daemon that the line names. */
async function valuesOf(name: string, words: readonly string[]): Promise<Candidate[]> {
  if (name === 'context') {
    const { readContexts } = await import('./remote/contexts.ts');
    return (await readContexts()).contexts.map((context): Candidate => [context.name, context.url]);
  }
  if (name !== 'app' && name !== 'node') return [];
  const connection = Object.fromEntries(
    (['context', 'url', 'caFile', 'dataDir', 'envFile'] as const).flatMap((key) => {
      const at = words.lastIndexOf(`--${key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`);
      return at < 0 || words[at + 1] === undefined ? [] : [[key, words[at + 1]]];
    }),
  );
  const { withDaemon } = await import('./remote/daemon.ts');
  return withDaemon(connection, async (daemon) => {
    if (name === 'node') {
      const { data } = await daemon.call(listNodes, {}, LIMITS);
      return data.map((node): Candidate => [node.name, node.id]);
    }
    return (await daemon.call(listApps, {}, LIMITS)).map((app): Candidate => [app.name, app.displayName]);
  });
}
