/**
 * What can be wrong with a plugin, and how its author can fix it. The host, `streamhub plugin check` and
 * the guide use this one table. `{…}` stands for the detail of the case.
 */
export const PLUGIN_PROBLEMS = {
  MANIFEST_NOT_JSON: {
    text: 'is not valid JSON: {detail}',
    cure: 'Correct the syntax; JSON has double quotes, no comments and no trailing commas.',
  },
  MANIFEST_INVALID: {
    text: '{detail}',
    cure: 'Correct the key; docs/plugin-reference.md lists all fields.',
  },
  MANIFEST_UNKNOWN_KEY: {
    text: 'is an unknown key',
    cure: 'Remove it or correct its spelling; the plugin works without it.',
  },
  API_RANGE_INVALID: {
    text: 'is not a version range: {detail}',
    cure: 'Write a range of semantic versions, e.g. `^1.0.0`.',
  },
  API_VERSION_UNSUPPORTED: {
    text: 'it is written for plugin API {detail}',
    cure: 'Adapt the plugin to this API version and widen `api`, or use a StreamHub with that version.',
  },
  ENTRY_MISSING: {
    text: 'is missing: storageProviders need an entry',
    cure: 'Name the module that exports the providers in `entry`.',
  },
  BUILT_IN_ONLY: {
    text: 'is for built-in plugins only',
    cure: 'Remove it; the code of an installed plugin can’t access the machine’s files.',
  },
  FILE_MISSING: { text: 'does not exist', cure: 'Create the file or correct its path; paths are case-sensitive.' },
  FILE_OUTSIDE: {
    text: "leads outside the plugin's folder",
    cure: 'Put the file itself into the folder; links to other places are not followed. `streamhub plugin add` leaves out node_modules.',
  },
  FILE_NOT_A_FILE: { text: 'is not a file', cure: 'Name a regular file.' },
  FILE_TOO_LARGE: { text: 'is larger than {detail} bytes', cure: 'Shorten the file.' },
  FILE_UNREADABLE: {
    text: 'it cannot be read ({detail})',
    cure: 'Let the daemon’s user read the folder and its files.',
  },
  FILE_CHANGED: {
    text: 'differs from what was packed',
    cure: 'Unpack the plugin again. If you changed it on purpose, pack it again or remove `files` from plugin.json.',
  },
  FILE_UNLISTED: {
    text: 'is not among the packed files',
    cure: 'Remove the file, or pack the plugin again with it.',
  },
  TOO_MANY_FILES: {
    text: 'the plugin contains more than {detail}',
    cure: 'Leave out what is not needed at run time; bundle dependencies into the entry.',
  },
  ARCHIVE_UNREADABLE: {
    text: 'it cannot be unpacked ({detail})',
    cure: 'Create it with `streamhub plugin pack`. If you downloaded it, download it again.',
  },
  ARCHIVE_LINK: {
    text: 'is a link or a device',
    cure: 'Pack the file itself; a plugin contains only files and folders.',
  },
  ARCHIVE_PATH: {
    text: 'is not a path that a packed plugin can contain',
    cure: 'Pack one folder. Use names of letters, digits, `@`, `_`, `.` and `-` that do not start with a dot.',
  },
  PRESET_UNREADABLE: { text: '{detail}', cure: 'Correct the YAML or JSON at that place.' },
  PRESET_INVALID: { text: '{detail}', cure: 'Correct the field; docs/plugin-reference.md lists all fields.' },
  PRESET_PROTECTED: {
    text: 'is protected and never applied',
    cure: 'Remove it from the patch; a preset cannot change it.',
  },
  PRESET_UNKNOWN_KEY: {
    text: '{detail}',
    cure: 'Use the keys and values of docs/config.md; an app refuses a preset that makes its config invalid.',
  },
  ID_TAKEN: { text: '{detail}', cure: 'Choose another id, or remove the other plugin.' },
  ID_TWICE: { text: '{detail}', cure: 'Give each its own id.' },
  CODE_THROWS: {
    text: '{detail}',
    cure: 'Run the plugin’s own tests; the entry must load without doing anything else.',
  },
  CODE_NO_EXPORT: {
    text: 'its entry has no default export made by definePlugin',
    cure: 'Write `export default definePlugin({ storageProviders: […] })`.',
  },
  PROVIDER_NOT_EXPORTED: {
    text: 'its entry does not export the storage provider {detail}',
    cure: 'Export it with the same id as in plugin.json.',
  },
  PROVIDER_NOT_IN_MANIFEST: {
    text: 'its manifest does not name the storage provider {detail}',
    cure: 'Add it to `contributes.storageProviders`, or do not export it.',
  },
  PROVIDER_INVALID: { text: '{detail}', cure: 'Correct the declaration; the types of defineStorageProvider show how.' },
  CODE_TIMEOUT: {
    text: '{detail}',
    cure: 'Find the endless loop or the promise that never settles. Loading must not wait for anything.',
  },
  CODE_MEMORY: { text: '{detail}', cure: 'Stream instead of holding whole objects in memory.' },
  CODE_ENDED: { text: 'its code ended {detail}', cure: 'Throw an error instead of ending the process.' },
} as const satisfies Record<string, { text: string; cure: string }>;

export type PluginProblemCode = keyof typeof PLUGIN_PROBLEMS;

/** One thing that is wrong with a plugin. */
export interface PluginProblem {
  /** Stable word for it. */
  code: PluginProblemCode;
  /** File below the plugin's folder; null = the plugin as a whole. */
  file: string | null;
  /** Dotted path of the key in that file; null = the file as a whole. */
  key: string | null;
  message: string;
  cure: string;
}

/** Where a problem is, and what is special about it. */
export interface ProblemPlace {
  file?: string | null;
  key?: string | null;
  detail?: string;
}

/** Makes the problem of a code. */
export function pluginProblem(code: PluginProblemCode, { file, key, detail = '' }: ProblemPlace = {}): PluginProblem {
  const { text, cure } = PLUGIN_PROBLEMS[code];
  return { code, file: file || null, key: key || null, message: text.replace('{detail}', () => detail), cure };
}

/** A problem as one line for people: file, key, what is wrong. */
export function problemLine({ file, key, message }: PluginProblem): string {
  if (key !== null) return file === null ? `${key} ${message}` : `${file}: ${key} ${message}`;
  if (file === null) return message;
  return /^(?:is|does|leads|differs) /.test(message) ? `${file} ${message}` : `${file}: ${message}`;
}

/** Keeps a plugin from loading. */
export class PluginRefusal extends Error {
  readonly problems: readonly PluginProblem[];
  constructor(problems: readonly PluginProblem[]) {
    super(problems.map(problemLine).join('; '));
    this.name = 'PluginRefusal';
    this.problems = problems;
  }
}

/** Refuses a plugin for one reason. */
export function refusal(code: PluginProblemCode, place?: ProblemPlace): PluginRefusal {
  return new PluginRefusal([pluginProblem(code, place)]);
}

/** Finds the key at the head of a schema's sentence such as `title must be string`. */
export function splitSentence(sentence: string): { key: string | null; detail: string } {
  const [head = '', ...rest] = sentence.split(' ');
  const isKey = head !== 'it' && rest.length > 0;
  return { key: isKey ? head : null, detail: isKey ? rest.join(' ') : sentence };
}
