import type { Command } from 'commander';
import { EXIT } from '#daemon/cli/exit-codes.ts';
import { COMMANDS } from '#daemon/cli/main.ts';

/** The completion of each shell. */
export { SCRIPTS as completionScripts } from '#daemon/cli/completion.ts';

interface Described {
  name: string;
  summary: string;
  /** Made of commander's definitions. */
  command?: Command;
  /** Help of a command that reads its arguments itself. */
  help?: string;
}

const commands: Described[] = await Promise.all(
  Object.entries(COMMANDS).map(async ([name, { summary, load }]): Promise<Described> => {
    const loaded = await load();
    if ('command' in loaded) return { name, summary, command: loaded.command().name(name) };
    return { name, summary, ...(loaded.HELP === undefined ? {} : { help: loaded.HELP }) };
  }),
);

const VARIABLES: readonly (readonly [name: string, meaning: string])[] = [
  ['STREAMHUB_URL', 'Address of the daemon, such as `https://stream.example.com`.'],
  [
    'STREAMHUB_TOKEN',
    'API token for STREAMHUB_URL or `--url`; without both, for the daemon on this machine. It is never sent to the address of a context.',
  ],
  ['STREAMHUB_CONTEXT', 'Name of the context to use instead of the current one.'],
  ['STREAMHUB_CA_FILE', 'PEM file with authorities to trust beside those of the system, as `--ca-file`.'],
  [
    'STREAMHUB_CONFIG_DIR',
    'Folder of the contexts. Default: `$XDG_CONFIG_HOME/streamhub`, `~/.config/streamhub`, or `%APPDATA%\\StreamHub`.',
  ],
  ['VISUAL, EDITOR', 'Editor of `config edit`, with arguments if you like. Default: `vi`.'],
  ['NO_COLOR', 'Any value turns colors off. They are off wherever the output is not a terminal.'],
];

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ').replaceAll('<', '&lt;');

/** docs/cli.md */
export function cliReference(): string {
  return `# Command line

\`streamhub\` starts the daemon. With a command it does one thing and ends. Most commands ask a daemon over its API, here or far away; the others
work on the files of this machine.

## Choose a daemon

\`streamhub connect\` signs in with an API token, and \`--user\` with a password. It keeps the daemon as a context, and stores the credential in the
keychain of the system. Where there is none, it says so. Then set the two variables below, or add \`--credential-file\` for a file that only you can read.

\`\`\`sh
# Needs another host.
streamhub connect https://stream.example.com
streamhub contexts
streamhub apps
\`\`\`

A command uses the first of these: \`--context\`, \`--url\`, \`STREAMHUB_URL\`, \`STREAMHUB_CONTEXT\`, the daemon on this machine if \`STREAMHUB_TOKEN\` is
set, the current context. For a certificate that your system doesn’t trust, add \`--ca-file\`.

## Output

A result is a table. \`--output json\`, \`yaml\` or \`csv\` is for programs, and \`--json\` is short for the first. \`--columns\` chooses columns. Results
are on standard output; questions, notes, progress and errors are on standard error. An error names the field, what to do, and the id of the request.

Commands that delete or disconnect ask first. Where nobody can be asked, they end with an error until you add \`--yes\`. Secrets are read from the terminal
without an echo, or from standard input with \`--token-stdin\`, \`--password-stdin\` and \`--secret-stdin\`.

## Exit codes

| code | meaning |
| --- | --- |
${Object.values(EXIT)
  .map(({ code, meaning }) => `| ${code} | ${cell(meaning)} |`)
  .join('\n')}

## Environment

| variable | meaning |
| --- | --- |
${VARIABLES.map(([name, meaning]) => `| \`${name}\` | ${cell(meaning)} |`).join('\n')}

The settings of the daemon are environment variables, too: see [Settings](settings.md).

## Completion

\`streamhub completion bash\`, \`zsh\` or \`fish\` prints the script for your shell. \`streamhub completion --help\` shows where to put it. The Debian
package brings all three, and the man page.

## Commands

| command | what it does |
| --- | --- |
${commands.map(({ name, summary }) => `| [\`${name}\`](#streamhub-${name}) | ${cell(summary)} |`).join('\n')}

${commands.map(sectionOf).join('\n')}`;
}

const sectionOf = ({ name, summary, command, help }: Described): string =>
  command === undefined
    ? `### streamhub ${name}\n\n${help === undefined ? `${summary} \`streamhub ${name} --help\` lists its commands.` : `\`\`\`text\n${help.trimEnd()}\n\`\`\``}\n`
    : leavesOf(command, `streamhub ${name}`)
        .map((leaf, at) => commandText(leaf.command, leaf.path, at === 0 ? '###' : '####'))
        .join('\n');

/** A command and those below it. */
const leavesOf = (command: Command, path: string): { command: Command; path: string }[] => [
  { command, path },
  ...command.commands.flatMap((inner) => leavesOf(inner, `${path} ${inner.name()}`)),
];

/** Options that every command with a daemon has: described once. */
const COMMON = new Set(['--context', '--url', '--ca-file', '--output', '--json', '--columns', '--help']);

function commandText(command: Command, path: string, mark: string): string {
  const usage = `\`\`\`text\n${path} ${command.usage()}\n\`\`\``;
  const parts = [
    ...command.registeredArguments.map(
      (argument) => [argument.name(), argument.description, argument.argChoices] as const,
    ),
    ...command.options
      .filter(({ hidden, long }) => !hidden && !COMMON.has(long ?? ''))
      .map((option) => [option.flags, option.description, option.argChoices] as const),
  ].map(
    ([name, text, choices]) =>
      `| \`${name.replaceAll('|', '\\|')}\` | ${cell([text, choices === undefined ? '' : `One of: ${choices.join(', ')}.`].join(' ').trim())} |`,
  );
  const table = parts.length === 0 ? '' : `\n| argument or option | meaning |\n| --- | --- |\n${parts.join('\n')}\n`;
  return `${mark} ${path}\n\n${command.description()}\n\n${usage}\n${table}`;
}

/** The man page streamhub(1). */
export function manPage(version: string): string {
  const plain = (text: string): string =>
    text
      .replaceAll('`', '')
      .replaceAll('\\', '\\e')
      .replaceAll('-', '\\-')
      .replaceAll(/^([.'])/gm, '\\&$1');
  const part = (name: string, text: string): string => `.TP\n\\fB${plain(name)}\\fR\n${plain(text) || '\\&'}`;
  const sections = commands.flatMap(({ name, summary, command, help }) => {
    if (command === undefined)
      return [
        `.SS ${plain(`streamhub ${name}`)}\n${help === undefined ? plain(summary) : `.nf\n${plain(help.trimEnd())}\n.fi`}`,
      ];
    return leavesOf(command, `streamhub ${name}`).map(({ command: one, path }) =>
      [
        `.SS ${plain(`${path} ${one.usage()}`)}`,
        plain(one.description()),
        ...one.registeredArguments.map((argument) => part(argument.name(), argument.description)),
        ...one.options
          .filter(({ hidden, long }) => !hidden && !COMMON.has(long ?? ''))
          .map((option) => part(option.flags, option.description)),
      ].join('\n'),
    );
  });
  return `.TH STREAMHUB 1 "" "StreamHub ${plain(version)}" "StreamHub"
.SH NAME
streamhub \\- control plane for self\\-hosted LiveKit streaming servers
.SH SYNOPSIS
\\fBstreamhub\\fR [\\fBstart\\fR] [\\fIflags\\fR]
.br
\\fBstreamhub\\fR \\fIcommand\\fR [\\fIarguments\\fR]
.SH DESCRIPTION
Without a command it starts the daemon. Most commands ask a daemon over its API, here or far away; the others work on the files of this machine.
Every command that asks a daemon has \\-\\-context, \\-\\-url, \\-\\-ca\\-file, \\-\\-output, \\-\\-json and \\-\\-columns.
.SH COMMANDS
${sections.join('\n')}
.SH EXIT STATUS
${Object.values(EXIT)
  .map(({ code, meaning }) => part(String(code), meaning))
  .join('\n')}
.SH ENVIRONMENT
${VARIABLES.map(([name, meaning]) => part(name, meaning)).join('\n')}
.SH SEE ALSO
The documents of the package: docs/cli.md, docs/settings.md.
`;
}
