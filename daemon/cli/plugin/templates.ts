import { fillTemplate } from '#daemon/platform/files/template.ts';
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

const template = (name: string, values: Record<string, string>): string =>
  fillTemplate(`cli/plugin/assets/${name}.tmpl`, values);

/** A plugin that adds one preset. */
export function presetFiles(values: TemplateValues): Files {
  const { name, title } = values;
  return {
    'plugin.json': json({
      id: name,
      version: '0.1.0',
      api: `^${PLUGIN_API_VERSION}`,
      title,
      description: 'Say in one sentence what the plugin adds.',
      documentation: 'README.md',
      contributes: { presets: [`presets/${name}.json`] },
    }),
    [`presets/${name}.json`]: json({
      id: name,
      title,
      description: 'Records every room as one small video.',
      useCase: 'Who should use it, and when.',
      latency: 'about a second',
      cost: 'one small recording per room',
      patch: {
        recording: { enabled: true, mode: 'room-composite' },
        webrtc: { layers: [{ name: 'low', height: 360 }] },
      },
    }),
    'README.md': template('preset/README.md', { title }),
    'package.json': packageFile(values),
    '.gitignore': template('gitignore', {}),
    'plugin.test.js': template('preset/plugin.test.js', {}),
  };
}

/** A plugin that adds one storage provider. */
export function storageFiles(values: TemplateValues): Files {
  const { name, title, extension } = values;
  const isTyped = extension === 'ts';
  return {
    'plugin.json': json({
      id: name,
      version: '0.1.0',
      api: `^${PLUGIN_API_VERSION}`,
      title,
      description: 'Say in one sentence what the plugin adds.',
      entry: `index.${extension}`,
      documentation: 'README.md',
      contributes: { storageProviders: [{ id: name, title, description: 'Say where recordings are stored.' }] },
    }),
    [`index.${extension}`]: template('storage/index', { name }),
    'README.md': template('storage/README.md', { title }),
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
    '.gitignore': template('gitignore', {}),
    [`plugin.test.${extension}`]: template('storage/plugin.test', {
      extension,
      parameter: isTyped ? 'provider: { id: string }' : '/** @type {{ id: string }} */ provider',
    }),
    [`conformance.test.${extension}`]: template('storage/conformance.test', { extension }),
  };
}
