import { Button } from '@mantine/core';
import { getSettings } from '#shared/contract/system.ts';
import { getLiveKit } from '#shared/contract/webhooks.ts';
import { useRead } from '../../api/query.ts';
import { CopyBox } from '../../ui/data/copy.tsx';
import { QueryView } from '../../ui/data/query-view.tsx';
import { State } from '../../ui/feedback/state.tsx';
import { SidePanel } from '../../ui/layout/side-panel.tsx';
import { SettingsForm } from './settings-form.tsx';

const NAMES = ['LIVEKIT_URL', 'LIVEKIT_API_KEY', 'LIVEKIT_API_SECRET'];

/** Address and keys of LiveKit: tested in steps, then saved and used. */
export function ConnectLiveKit({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  return (
    <SidePanel isOpen={isOpen} onClose={onClose} title="Connect LiveKit">
      {isOpen ? <Content onClose={onClose} /> : null}
    </SidePanel>
  );
}

function Content({ onClose }: { onClose: () => void }) {
  const settings = useRead(getSettings);
  const livekit = useRead(getLiveKit, undefined, { every: 3000 });
  return (
    <QueryView query={settings} what="the settings">
      {(data) => (
        <div className="stack">
          {livekit.data?.status === 'reachable' ? (
            <div className="row">
              <State tone="ok">LiveKit is connected</State>
              <Button size="xs" onClick={onClose}>
                Close
              </Button>
            </div>
          ) : null}
          <p className="dim">
            The key and the secret are in <code>keys</code> of LiveKit’s configuration. The connection is tested before
            it is saved.
          </p>
          <SettingsForm
            settings={data.settings.filter(({ name }) => NAMES.includes(name))}
            etag={data.etag}
            action="Test and save"
            keep="connect-livekit"
            onSaved={onClose}
          />
          {livekit.data ? (
            <div>
              <p className="dim">
                Add this to LiveKit’s configuration, so that streams show up immediately. LiveKit signs with the same
                key.
              </p>
              <CopyBox
                text={`webhook:\n  api_key: <your API key>\n  urls:\n    - ${livekit.data.webhooks.url}`}
                what="webhook configuration"
              />
            </div>
          ) : null}
        </div>
      )}
    </QueryView>
  );
}
