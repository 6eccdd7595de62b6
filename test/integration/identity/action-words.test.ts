import assert from 'node:assert/strict';
import { test } from 'node:test';
import { operations } from '#shared/contract/index.ts';
import { isAudited } from '../../../daemon/identity/audit/install.ts';
import { actionWords } from '../../../desktop/renderer/ui/words/action-words.ts';

test('every audited action has words, for what was done and for what failed', () => {
  const actions = operations.filter(isAudited).map(({ audit, id }) => audit || id);
  for (const action of new Set([...actions, 'node.join'])) {
    assert.match(actionWords(action), /^[A-Z][a-z]+( |$)/, `${action} has no words`);
  }
  assert.equal(actionWords('app.delete', false), 'Delete app (failed)');
  assert.equal(actionWords('of.tomorrow', false), 'of.tomorrow');
});
