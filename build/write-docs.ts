// npm run docs: writes the documents and monitoring files that derive from the code.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { generatedDocs } from './generated-docs.ts';

for (const [file, text] of Object.entries(generatedDocs())) {
  writeFileSync(path.resolve(import.meta.dirname, '..', file), text);
}
