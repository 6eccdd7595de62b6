import { type EditInput, type EditResult, editConfig } from '#shared/config/edit.ts';

/** Makes edits in a config text in place, and checks and compares the outcome. */
export default async function configEdit(input: EditInput): Promise<EditResult> {
  return editConfig(input);
}
