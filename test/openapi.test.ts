import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BaseResolver, createConfig, lintDocument, makeDocumentFromString } from '@redocly/openapi-core';
import spectral, { type RulesetDefinition } from '@stoplight/spectral-core';
import rulesets from '@stoplight/spectral-rulesets';
import { openApiDocument } from '#daemon/platform/http/openapi.ts';

const document = openApiDocument('1.2.3', '/api/v1', 'https://streamhub.test');

test('Redocly finds nothing in the OpenAPI document', async () => {
  const config = await createConfig({ extends: ['recommended'] });
  const problems = await lintDocument({
    document: makeDocumentFromString(JSON.stringify(document), '/openapi.json'),
    externalRefResolver: new BaseResolver(),
    config,
  });
  assert.deepEqual(
    problems.map(({ ruleId, message, location }) => `${ruleId}: ${message} at ${location[0]?.pointer}`),
    [],
  );
});

test('Spectral finds nothing in the OpenAPI document', async () => {
  const linter = new spectral.Spectral();
  const oas = rulesets.oas as RulesetDefinition;
  linter.setRuleset({
    extends: [[oas, 'recommended']],
    rules: {
      // openapi.test.ts beside the generator checks every example against its schema in a tenth of the time
      'oas3-valid-media-example': 'off',
      'oas3-valid-schema-example': 'off',
    },
  });
  const problems = await linter.run(document);
  assert.deepEqual(
    problems.map(({ code, message, path }) => `${code}: ${message} at ${path.join('/')}`),
    [],
  );
});
