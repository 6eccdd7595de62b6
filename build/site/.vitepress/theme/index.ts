import '@fontsource-variable/ibm-plex-sans/wght.css';
import '@fontsource-variable/jetbrains-mono/wght.css';
import theme from 'vitepress/theme-without-fonts';
import 'virtual:tokens.css';
import './site.css';

export default theme;
