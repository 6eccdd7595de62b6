import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Command } from 'commander';
import { candidates } from './completion.ts';
import { COMMANDS } from './main.ts';

/** The command itself and those in it, each with the words that name it. */
function* named(command: Command, words: string[]): Generator<[words: string[], command: Command]> {
  yield [words, command];
  for (const inner of command.commands) yield* named(inner, [...words, inner.name()]);
}

test('each option and each inner command of every command is completed', async () => {
  let options = 0;
  for (const [name, { load }] of Object.entries(COMMANDS)) {
    for (const [words, command] of named((await load()).command(), [name])) {
      const help = command.createHelp();
      const found = async (typed: string) => (await candidates(COMMANDS, words, typed)).map(([text]) => text);
      const visible = help.visibleOptions(command).flatMap(({ long }) => long ?? []);
      const offered = await found('--');
      assert.deepEqual(
        visible.filter((option) => !offered.includes(option)),
        [],
        words.join(' '),
      );
      options += visible.length;
      if (command.commands.length === 0) continue;
      const inner = await found('');
      for (const one of help.visibleCommands(command)) assert.ok(inner.includes(one.name()), one.name());
    }
  }
  assert.ok(options > 100);
});
