import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkConfig } from './config/check.ts';
import { findOddText } from './odd-text.ts';

const findings = (text: string) =>
  checkConfig({ app: 'live', text: `name: live\nroom_prefix: live\n${text}` }).diagnostics.map(
    ({ severity, code, path, line, message }) => `${severity} ${code} ${path} ${line}: ${message}`,
  );

test('what is rarely meant in a value is named with its line and what to do', () => {
  // biome-ignore-start lint/suspicious/noTemplateCurlyInString: a placeholder as an operator writes it
  const cases: [text: string, finding: RegExp][] = [
    ['s3: {bucket: "${BUCKET}"}\n', /^\w+ placeholder s3\.bucket 3: .*\$\{BUCKET\}.*write the value itself/],
    ['s3:\n  bucket: {{ bucket }}\n', /./],
    ['callbacks: {url: "$CALLBACK_URL"}\n', /^error placeholder callbacks\.url 3: /],
    ['s3:\n  bucket: “media”\n', /^\w+ typographic-quotes s3\.bucket 4: .*U\+201C/],
    ['recording:\n  enabled: true\u00a0\n', /^error odd-space recording\.enabled 4: .*no-break space \(U\+00A0\)/],
    ['s3:\n  bucket: me\u200bdia\n', /^\w+ odd-space s3\.bucket 4: .*zero-width space/],
    ['s3: {bucket: "me\\tdia"}\n', /^\w+ tab s3\.bucket 3: /],
    ['s3:\n  bucket:\u00a0media\n  region: x\n', /^error odd-space {2}4: the line .*no-break space/],
    ['s3:\n\tbucket: media\n', /^error tab-as-indent {2}4: /],
    ['\u00a0s3: {}\n', /^warning odd-space .*no-break/],
    ['s3:\n  bucket: me\u200ddia\n', /^warning odd-space s3\.bucket 4: .*zero-width joiner/],
    ['s3:\n  bucket: me\u2800dia\n', /^warning odd-space s3\.bucket 4: .*U\+2800/],
    ['s3:\n  bu\u200bcket: media\n', /^warning odd-space s3\.\S+ 4: .*zero-width space/],
    ['s3:\n  “bucket”: media\n', /^warning typographic-quotes s3\.“bucket” 4: /],
    ['s3:\n  ${KEY}: media\n', /^warning placeholder s3\.\$\{KEY\} 4: /],
    ['s3:\n  bucket: ＂media＂\n', /^warning typographic-quotes s3\.bucket 4: .*U\+FF02/],
    ['s3:\n  bucket: "media”\n', /^error typographic-quotes {2}4: the line .*U\+201D/],
    ['callbacks:\n  url: “https://h: 1”\n', /^error typographic-quotes {2}4: the line .*U\+201C/],
    ['callbacks: {url: “https://h: 1”}\n', /^error typographic-quotes {2}3: the line /],
    ['s3:\n  bucket: __BUCKET__\n', /^warning placeholder s3\.bucket 4: .*__BUCKET__/],
    ['s3:\n  bucket: <%= bucket %>\n', /^warning placeholder s3\.bucket 4: /],
    ['s3:\n  bucket: "#{bucket}"\n', /^warning placeholder s3\.bucket 4: .*#\{bucket\}/],
    ['callbacks:\n  secret: “hidden”\n', /^warning typographic-quotes callbacks\.secret 4: /],
  ];
  // biome-ignore-end lint/suspicious/noTemplateCurlyInString: a placeholder as an operator writes it
  for (const [text, finding] of cases)
    assert.ok(
      findings(text).some((one) => finding.test(one)),
      `${JSON.stringify(text)}: ${findings(text).join('; ')}`,
    );
  const marked = checkConfig({ app: 'live', text: '\ufeffname: live\n' }).diagnostics;
  assert.equal(marked.find(({ code }) => code === 'byte-order-mark')?.severity, 'info');
});

test('ordinary texts are left alone', () => {
  for (const text of [
    'media',
    'Anna’s channel',
    '👩‍💻',
    'https://h/a%20b?c=d',
    'price $5',
    '2 # 3 {a}',
    'می\u200cخواهم',
    '__init',
    '@home',
    '90%{',
    'a {name} b',
    '100%',
    '<3',
  ])
    assert.equal(findOddText(text), undefined, text);
});

test('nothing but the name of a placeholder is quoted', () => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a placeholder as an operator writes it
  assert.doesNotMatch(findOddText('hunter2 ${hunter2:-x}')?.message ?? 'hunter', /hunter/);
});
