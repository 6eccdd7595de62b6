import { Argument, type Command } from 'commander';
import { newCommand } from './usage.ts';

/** What the scripts call. */
const COMPLETE = '__complete';

/** As much of the table of commands as completion needs. */
type Commands = Readonly<Record<string, { summary: string; load(): Promise<object> }>>;

/** The scripts ask the program itself, so that they never need to be renewed. */
export const SCRIPTS: Readonly<Record<string, string>> = {
  bash: `_streamhub() {
  local IFS=$'\\n'
  COMPREPLY=($(compgen -W "$(streamhub ${COMPLETE} -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | cut -f1)" -- "\${COMP_WORDS[COMP_CWORD]}"))
  [ \${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -F _streamhub streamhub
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
    .allowExcessArguments(false)
    .addHelpText(
      'after',
      `
Examples:
  $ streamhub completion bash > ~/.local/share/bash-completion/completions/streamhub
  $ streamhub completion zsh > "\${fpath[1]}/_streamhub"
  $ streamhub completion fish > ~/.config/fish/completions/streamhub.fish`,
    )
    .action((shell: string) => void process.stdout.write(SCRIPTS[shell] ?? ''));

/** Prints what the last word can become, one a line, with a description after a tab. */
export async function printCandidates(commands: Commands, args: readonly string[]): Promise<void> {
  const words = args[0] === '--' ? args.slice(1) : args;
  for (const [name, text] of await candidates(commands, words)) process.stdout.write(`${name}\t${text}\n`);
}

async function candidates(commands: Commands, words: readonly string[]): Promise<[name: string, text: string][]> {
  const typed = words.at(-1) ?? '';
  const [first, ...before] = words.slice(0, -1);
  const begins = ([name]: readonly [string, string]): boolean => name.startsWith(typed);
  if (first === undefined)
    return Object.entries(commands)
      .map(([name, { summary }]): [string, string] => [name, summary])
      .filter(begins);
  const loaded = await commands[first]?.load();
  if (loaded === undefined || !('command' in loaded)) return [];
  const command = innermost((loaded.command as () => Command)(), before);
  const option = command.options.find(({ long, short }) => [long, short].includes(before.at(-1)) && long !== undefined);
  if (option?.required) return (option.argChoices ?? []).map((name): [string, string] => [name, '']).filter(begins);
  if (typed.startsWith('-'))
    return command.options
      .filter(({ hidden, long }) => !hidden && long !== undefined)
      .map(({ long, description }): [string, string] => [long ?? '', description])
      .filter(begins);
  const given = before.filter((word) => !word.startsWith('-')).length - depthOf(command);
  const choices = command.registeredArguments[Math.max(0, given)]?.argChoices ?? [];
  return [
    ...command.commands.map((inner): [string, string] => [inner.name(), inner.description()]),
    ...choices.map((name): [string, string] => [name, '']),
  ].filter(begins);
}

function innermost(command: Command, words: readonly string[]): Command {
  const [first, ...rest] = words;
  const inner = command.commands.find((one) => one.name() === first);
  return inner === undefined ? command : innermost(inner, rest);
}

const depthOf = (command: Command): number => (command.parent === null ? 0 : 1 + depthOf(command.parent));
