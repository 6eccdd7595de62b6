import { refusal } from '#shared/plugin-sdk/problems.ts';

/** Parses the JSON of an author's file. A byte order mark, which editors on Windows write, is skipped. @throws PluginRefusal */
export function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    const detail = (error as Error).message.replace(/ in JSON at position \d+/, '');
    throw refusal('MANIFEST_NOT_JSON', { file, detail });
  }
}
