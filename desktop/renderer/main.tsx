import '@fontsource-variable/ibm-plex-sans/wght.css';
import '@fontsource-variable/jetbrains-mono/wght.css';
import '@mantine/core/styles.layer.css';
import './theme/tokens.css';
import './ui/base.css';
import { localStorageColorSchemeManager, MantineProvider } from '@mantine/core';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { recordHistory } from './api/history.ts';
import { followHost } from './api/live.ts';
import { queryClient } from './api/query.ts';
import { features } from './app/features.ts';
import { makeRouter } from './app/router.tsx';
import { BASE_PATH } from './host/base.ts';
import { desktopBridge } from './host/bridge-desktop.ts';
import { WebBridge } from './host/bridge-web.ts';
import { setBridge } from './host/host.ts';
import { cssVariables, theme } from './theme/theme.ts';
import { tellCutTexts } from './ui/data/cut-texts.ts';

setBridge(window.streamhub ? desktopBridge(window.streamhub) : new WebBridge());
followHost(features.flatMap(({ live }) => live ?? []));
recordHistory();
tellCutTexts();
// reached past the proxy, without its path: the pages are the same
if (BASE_PATH !== '' && !`${location.pathname}/`.startsWith(`${BASE_PATH}/`))
  history.replaceState(null, '', BASE_PATH + location.pathname + location.search + location.hash);
const router = makeRouter();

createRoot(document.getElementById('root') as HTMLElement).render(
  <StrictMode>
    <MantineProvider
      theme={theme}
      cssVariablesResolver={cssVariables}
      defaultColorScheme="auto"
      colorSchemeManager={localStorageColorSchemeManager({ key: 'streamhub.theme' })}
    >
      <QueryClientProvider client={queryClient}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
