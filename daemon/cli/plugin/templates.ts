import { PLUGIN_API_VERSION } from '#shared/plugin-sdk/api-version.ts';

export interface TemplateValues {
  name: string;
  title: string;
  extension: 'js' | 'ts';
  /** Path from the plugin's folder to StreamHub's package. */
  sdk: string;
}

type Files = Record<string, string>;

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

function packageFile({ name, sdk }: TemplateValues): string {
  return json({
    name: `streamhub-plugin-${name}`,
    version: '0.1.0',
    private: true,
    type: 'module',
    scripts: { test: 'node --test' },
    devDependencies: { streamhub: `file:${sdk}` },
  });
}

const GITIGNORE = 'node_modules/\n*.tgz\n';

const PLUGIN_TEST = `import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
`;

/** A plugin that adds one preset. */
export function presetFiles(values: TemplateValues): Files {
  const { name, title } = values;
  return {
    'plugin.json': json({
      id: name,
      version: '0.1.0',
      api: `^${PLUGIN_API_VERSION}`,
      title,
      description: 'Says in a sentence what the plugin adds.',
      documentation: 'README.md',
      contributes: { presets: [`presets/${name}.json`] },
    }),
    [`presets/${name}.json`]: json({
      id: name,
      title,
      description: 'Records every room as one small picture.',
      useCase: 'Whom it is for, and when.',
      latency: 'about a second',
      cost: 'one small recording a room',
      patch: {
        recording: { enabled: true, mode: 'room-composite' },
        webrtc: { layers: [{ name: 'low', height: 360 }] },
      },
    }),
    'README.md': `# ${title}

What the preset does, for whom, and what it asks of the server. This text is shown with the plugin.
`,
    'package.json': packageFile(values),
    '.gitignore': GITIGNORE,
    'plugin.test.js': `${PLUGIN_TEST}import { definePreset } from 'streamhub/plugin-sdk';

const manifest = JSON.parse(await readFile(new URL('./plugin.json', import.meta.url), 'utf8'));

for (const file of manifest.contributes.presets) {
  test(\`\${file} is a preset\`, async () => {
    const preset = definePreset(JSON.parse(await readFile(new URL(file, import.meta.url), 'utf8')));
    assert.ok(Object.keys(preset.patch).length > 0);
  });
}
`,
  };
}

/** A plugin that adds one storage provider. */
export function storageFiles(values: TemplateValues): Files {
  const { name, title, extension } = values;
  const isTyped = extension === 'ts';
  const files: Files = {
    'plugin.json': json({
      id: name,
      version: '0.1.0',
      api: `^${PLUGIN_API_VERSION}`,
      title,
      description: 'Says in a sentence what the plugin adds.',
      entry: `index.${extension}`,
      documentation: 'README.md',
      contributes: { storageProviders: [{ id: name, title, description: 'Says where recordings go.' }] },
    }),
    [`index.${extension}`]: storageEntry(values),
    'README.md': `# ${title}

Which service it is for, which rights its keys need, and what it costs. This text is shown with the plugin.
`,
    'package.json': packageFile(values),
    'tsconfig.json': json({
      compilerOptions: {
        target: 'es2024',
        module: 'nodenext',
        strict: true,
        noEmit: true,
        skipLibCheck: true,
        allowImportingTsExtensions: true,
        erasableSyntaxOnly: true,
        verbatimModuleSyntax: true,
        ...(isTyped ? {} : { allowJs: true, checkJs: true }),
        types: ['node'],
      },
      include: [`*.${extension}`],
    }),
    '.gitignore': GITIGNORE,
    [`plugin.test.${extension}`]: `${PLUGIN_TEST}import plugin from './index.${extension}';

test('the entry exports what the manifest says', async () => {
  const manifest = JSON.parse(await readFile(new URL('./plugin.json', import.meta.url), 'utf8'));
  assert.deepEqual(
    plugin.storageProviders?.map((provider) => provider.id),
    manifest.contributes.storageProviders.map((${isTyped ? 'provider: { id: string }' : '/** @type {{ id: string }} */ provider'}) => provider.id),
  );
});
`,
    [`conformance.test.${extension}`]: conformanceTest(values),
  };
  return files;
}

const storageEntry = ({
  name,
  title,
}: TemplateValues): string => `import { definePlugin, defineStorageProvider, Type } from 'streamhub/plugin-sdk';
import { checkS3Settings, openS3, s3Credentials } from 'streamhub/plugin-sdk/s3';

/** What people fill in. Titles and descriptions become the form; every field needs a default. */
const settings = Type.Object({
  bucket: Type.String({ title: 'Bucket', default: '', maxLength: 255, description: 'Name of the bucket. It must exist.' }),
  region: Type.String({ title: 'Region', default: 'eu-1', maxLength: 64, description: 'Region of the bucket.' }),
  endpoint: Type.String({
    title: 'Endpoint',
    default: 'https://s3.eu-1.example.com',
    maxLength: 255,
    description: 'Full URL of the service.',
  }),
  forcePathStyle: Type.Boolean({ title: 'Path-style addresses', default: true }),
});

export const provider = defineStorageProvider({
  id: '${name}',
  title: '${title}',
  description: 'Says where recordings go.',
  capabilities: { bulkDelete: true, presign: true, versions: true, multipart: true },
  credentials: s3Credentials,
  settings,
  maxDeleteBatch: 1000,
  validate: (values) => checkS3Settings(values),
  endpoint: (values) => values.endpoint || undefined,
  // a service that does not speak S3 returns a separate StorageClient here
  open: (context) => openS3(context),
});

export default definePlugin({ storageProviders: [provider] });
`;

const conformanceTest = ({
  extension,
}: TemplateValues): string => `// The behaviours that every storage provider must have, against a server of yours:
//   STORAGE_BUCKET=… STORAGE_ENDPOINT=https://… STORAGE_REGION=… STORAGE_KEY=… STORAGE_SECRET=… npm test
// Objects are written and deleted below a separate prefix, which is empty again afterwards.
import { testStorageProvider } from 'streamhub/plugin-sdk/conformance';
import { provider } from './index.${extension}';

const { STORAGE_BUCKET = '', STORAGE_ENDPOINT = '', STORAGE_REGION = '', STORAGE_KEY = '', STORAGE_SECRET = '' } =
  process.env;

testStorageProvider(provider, {
  settings: { bucket: STORAGE_BUCKET, region: STORAGE_REGION, endpoint: STORAGE_ENDPOINT, forcePathStyle: true },
  credentials: { key: STORAGE_KEY, secret: STORAGE_SECRET },
  skip: STORAGE_BUCKET === '' && 'set STORAGE_BUCKET and the other variables named in this file',
});
`;
