import type { Command } from 'commander';
import { EXIT } from '#daemon/cli/exit-codes.ts';
import { COMMANDS } from '#daemon/cli/main.ts';
import { rootProgram } from '#daemon/cli/program.ts';

/** The completion of each shell. */
export { SCRIPTS as completionScripts } from '#daemon/cli/completion.ts';

const root = rootProgram(COMMANDS);
const commands = await Promise.all(
  Object.entries(COMMANDS).map(async ([name, { summary, load }]) => ({
    name,
    summary,
    command: (await load()).command().name(name),
  })),
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

### streamhub start

Start the daemon. It is what \`streamhub\` does without a command. Every [setting](settings.md) is also an environment variable. An option takes
precedence over the environment, and the environment over the file.

\`\`\`text
streamhub [start] [options]
\`\`\`

${partsTable(root)}
${commands.map(sectionOf).join('\n')}`;
}

const sectionOf = ({ name, command }: (typeof commands)[number]): string =>
  leavesOf(command, `streamhub ${name}`)
    .map((leaf, at) => commandText(leaf.command, leaf.path, at === 0 ? '###' : '####'))
    .join('\n');

/** A command and those below it. */
const leavesOf = (command: Command, path: string): { command: Command; path: string }[] => [
  { command, path },
  ...command
    .createHelp()
    .visibleCommands(command)
    .flatMap((inner) => leavesOf(inner, `${path} ${inner.name()}`)),
];

/** Options that every command with a daemon has: described once. */
const COMMON = new Set(['--context', '--url', '--ca-file', '--output', '--json', '--columns', '--help']);

interface Part {
  name: string;
  text: string;
}

/** Arguments and options of a command. */
const partsOf = (command: Command): Part[] =>
  [
    ...command.registeredArguments.map((one) => ({ ...one, name: one.name() })),
    ...command.options
      .filter(({ hidden, long }) => !hidden && !COMMON.has(long ?? ''))
      .map((one) => ({ ...one, name: one.flags })),
  ].map(({ name, description, argChoices }) => ({
    name,
    text: [description, argChoices === undefined ? '' : `One of: ${argChoices.join(', ')}.`].join(' ').trim(),
  }));

function partsTable(command: Command): string {
  const rows = partsOf(command).map(({ name, text }) => `| \`${name.replaceAll('|', '\\|')}\` | ${cell(text)} |`);
  return rows.length === 0 ? '' : `| argument or option | meaning |\n| --- | --- |\n${rows.join('\n')}\n`;
}

function commandText(command: Command, path: string, mark: string): string {
  const usage = `\`\`\`text\n${path} ${command.usage()}\n\`\`\``;
  const [alias] = command.aliases();
  const also = alias === undefined ? '' : ` Also: \`${path.replace(/\S+$/, alias)}\`.`;
  const table = partsTable(command);
  return `${mark} ${path}\n\n${command.description()}${also}\n\n${usage}\n${table && `\n${table}`}`;
}

/** The man page streamhub(1). */
export function manPage(version: string): string {
  const plain = (text: string): string =>
    text
      .replaceAll('`', '')
      .replaceAll('\\', '\\e')
      .replaceAll('-', '\\-')
      // groff takes its input for Latin-1
      .replaceAll(
        /[^\u0000-\u007f]/gu,
        (char) => `\\[u${char.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0')}]`,
      )
      .replaceAll(/^([.'])/gm, '\\&$1');
  const part = (name: string, text: string): string => `.TP\n\\fB${plain(name)}\\fR\n${plain(text) || '\\&'}`;
  const parts = (command: Command): string[] => partsOf(command).map(({ name, text }) => part(name, text));
  const sections = commands.flatMap(({ name, command }) =>
    leavesOf(command, `streamhub ${name}`).map(({ command: one, path }) =>
      [`.SS ${plain(`${path} ${one.usage()}`)}`, plain(one.description()), ...parts(one)].join('\n'),
    ),
  );
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
.SH OPTIONS OF THE DAEMON
${parts(root).join('\n')}
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
