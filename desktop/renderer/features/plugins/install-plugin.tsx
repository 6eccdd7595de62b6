import { FileInput, SegmentedControl, TextInput } from '@mantine/core';
import { installPlugin, updatePlugin } from '#shared/contract/plugins.ts';
import { useChange } from '../../api/query.ts';
import { CopyBox } from '../../ui/data/copy.tsx';
import { Form, useApiForm } from '../../ui/form/form.tsx';
import { SidePanel } from '../../ui/layout/side-panel.tsx';
import { PATIENCE, type Plugin, REFRESHES } from './plugin-words.ts';

interface Values {
  from: 'file' | 'address';
  file: File | null;
  url: string;
  sha256: string;
}

/** Installs a plugin from a file or an address, or updates one. */
export function InstallPlugin({
  update,
  folder,
  onClose,
  onDone,
}: {
  /** The plugin to replace; undefined = a new one. */
  update?: Plugin | undefined;
  /** The daemon's plugin folder, for those who work on the server. */
  folder: string;
  onClose: () => void;
  onDone: (id: string) => void;
}) {
  const options = { refreshes: REFRESHES, timeout: PATIENCE };
  const install = useChange(installPlugin, options);
  const replace = useChange(updatePlugin, options);
  const form = useApiForm({
    initialValues: { from: 'file', file: null, url: '', sha256: '' } as Values,
    send: async ({ from, file, url, sha256 }) => {
      const sum = sha256.trim();
      const given =
        from === 'file'
          ? {
              file: new Uint8Array((await file?.arrayBuffer()) ?? new ArrayBuffer(0)),
              query: sum === '' ? {} : { sha256: sum },
            }
          : { body: { url: url.trim(), sha256: sum } };
      return update === undefined
        ? install.mutateAsync(given)
        : replace.mutateAsync({ ...given, params: { id: update.id } });
    },
    onDone: ({ id }) => onDone(id),
    fields: (path) => path.replace(/^query\./, ''),
  });
  const { from, file } = form.values;
  return (
    <SidePanel isOpen onClose={onClose} title={update === undefined ? 'Install a plugin' : `Update ${update.title}`}>
      <Form
        form={form}
        action={update === undefined ? 'Install plugin' : 'Update plugin'}
        onCancel={onClose}
        isDisabled={from === 'file' && file === null}
      >
        <SegmentedControl
          aria-label="Source"
          data={[
            { value: 'file', label: 'File' },
            { value: 'address', label: 'Address' },
          ]}
          {...form.getInputProps('from')}
        />
        {from === 'file' ? (
          <FileInput
            label="Plugin file"
            description="A packed plugin (.tgz) or a preset file (.yaml), at most 32 MiB."
            placeholder="Choose file"
            accept=".tgz,.gz,.yaml,.yml,.json"
            clearable
            clearButtonProps={{ 'aria-label': 'Clear file' }}
            {...form.getInputProps('file')}
          />
        ) : (
          <TextInput
            label="Address"
            description="An https address. The server downloads the file itself."
            placeholder="https://example.com/my-store-1.2.0.tgz"
            required
            {...form.getInputProps('url')}
          />
        )}
        <TextInput
          label="SHA-256"
          description={
            from === 'file'
              ? 'Optional. The file is refused if its checksum is another one.'
              : 'From the plugin’s author. The file is unpacked only if its checksum is the same.'
          }
          required={from === 'address'}
          spellCheck={false}
          autoComplete="off"
          {...form.getInputProps('sha256')}
        />
        <p className="dim">
          The plugin is checked before it replaces anything. It takes part without a restart, and running work finishes
          with the code it started with. Its code runs in separate processes, but it can send what it gets anywhere,
          such as the keys of the apps that use its storage. Install only plugins from people you trust.
        </p>
        {update === undefined ? (
          <>
            <p className="dim">On the server, you can also install a package with npm, then reload the plugins:</p>
            <CopyBox text={`npm install --prefix '${folder}' NAME`} what="npm command" />
          </>
        ) : null}
      </Form>
    </SidePanel>
  );
}
