import { Button, Checkbox, FileButton, FileInput, SegmentedControl, Textarea, TextInput } from '@mantine/core';
import { IconFolder } from '@tabler/icons-react';
import { useState } from 'react';
import type { DeclaredFile, PlanBody } from '#shared/schema/declared.ts';
import { Form, useApiForm } from '../../ui/form/form.tsx';
import { Panel } from '../../ui/layout/page.tsx';
import { plural } from '../../ui/words/format.ts';
import { checked, readChosen } from './folder-files.ts';

interface Values {
  from: 'files' | 'folder' | 'text';
  files: File[];
  path: string;
  text: string;
  prune: boolean;
}

/** Takes a folder as a zip archive, as files, or as the text of one file. */
export function ChooseFolder({ onChosen }: { onChosen: (body: PlanBody) => void }) {
  const [folder, setFolder] = useState<File[]>([]);
  const form = useApiForm({
    initialValues: { from: 'files', files: [], path: 'cluster.yaml', text: '', prune: false } as Values,
    send: async ({ from, files, path, text }): Promise<DeclaredFile[]> =>
      from === 'text' ? checked([{ path: path.trim(), text }]) : readChosen(from === 'files' ? files : folder),
    onDone: (files) => onChosen({ files, ...(form.values.prune ? { prune: true } : {}) }),
    keep: 'configuration folder',
  });
  const { from, files, text, path } = form.values;
  const isReady = {
    files: files.length > 0,
    folder: folder.length > 0,
    text: text.trim() !== '' && path.trim() !== '',
  };
  return (
    <Panel title="Apply a folder">
      <Form form={form} action="Show plan" isDisabled={!isReady[from]} problemTitle="The files can’t be read">
        <p className="dim">
          A folder of YAML describes the configuration, as an export does. You see what it would change before anything
          happens. What it doesn’t mention stays as it is.
        </p>
        <SegmentedControl
          aria-label="Source"
          style={{ alignSelf: 'flex-start' }}
          data={[
            { value: 'files', label: 'Zip or files' },
            { value: 'folder', label: 'Folder' },
            { value: 'text', label: 'Text' },
          ]}
          {...form.getInputProps('from')}
        />
        {from === 'files' ? (
          <FileInput
            label="Files"
            description="A zip archive of the folder, or YAML files from its top level. At most 8 MiB."
            placeholder="Choose files"
            accept=".zip,.yaml,.yml"
            multiple
            clearable
            clearButtonProps={{ 'aria-label': 'Clear files' }}
            {...form.getInputProps('files')}
          />
        ) : null}
        {from === 'folder' ? (
          <div className="row">
            <FileButton multiple onChange={setFolder} inputProps={{ webkitdirectory: '' } as object}>
              {(props) => (
                <Button {...props} leftSection={<IconFolder size={14} />}>
                  Choose folder
                </Button>
              )}
            </FileButton>
            <span className="dim">{folder.length === 0 ? 'No folder chosen' : plural(folder.length, 'file')}</span>
          </div>
        ) : null}
        {from === 'text' ? (
          <>
            <TextInput
              label="Path in the folder"
              description="For example cluster.yaml or apps/live/config.yaml"
              spellCheck={false}
              autoComplete="off"
              {...form.getInputProps('path')}
            />
            <Textarea
              label="Text of the file"
              autosize
              minRows={6}
              maxRows={18}
              spellCheck={false}
              styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
              {...form.getInputProps('text')}
            />
          </>
        ) : null}
        <Checkbox
          label="Also delete what the folder doesn’t have"
          description="Only of the kinds of which it has a file. Deletions are marked in the plan."
          {...form.getInputProps('prune', { type: 'checkbox' })}
        />
      </Form>
    </Panel>
  );
}
