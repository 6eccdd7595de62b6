import { Button } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { bridge } from '../../host/host.ts';
import { CopyBox } from '../data/copy.tsx';
import { Notice } from '../feedback/problem.tsx';

/** A secret that is shown this once: to copy, or to take away as a file. */
export function SecretOnce({ text, what, file, note }: { text: string; what: string; file: string; note: string }) {
  return (
    <div className="stack" style={{ gap: 8 }}>
      <Notice tone="warn" title="Shown this once">
        <p>{note}</p>
      </Notice>
      <CopyBox text={text} what={what} />
      <div>
        <Button
          size="xs"
          leftSection={<IconDownload size={14} />}
          onClick={() => void bridge().saveText(file, `${text}\n`)}
        >
          Save as a file
        </Button>
      </div>
    </div>
  );
}
