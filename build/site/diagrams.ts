import { renderMermaidSVG } from 'beautiful-mermaid';

/**
 * A Mermaid diagram as a figure of the site: drawn by the build, so that a browser needs no script for it, in the page's own
 * colours (site.css). Throws when the text is not a diagram.
 * @param index among the diagrams of a page; names in the picture have it
 */
export function diagram(text: string, index: number): string {
  const drawn = renderMermaidSVG(text, { nodeSpacing: 16, layerSpacing: 28, padding: 10 })
    // it would load a font from another host; site.css has the rest
    .replace(/<style>.*?<\/style>/s, '')
    .replace(/(<svg[^>]*) style="[^"]*"/, '$1')
    .replaceAll('arrowhead', `arrow-${index}`)
    .replace(/\n\s*/g, ' ');
  // one that is wider than a phone scrolls, also with the keyboard
  return `<figure class="diagram" tabindex="0" aria-label="Diagram" v-pre>${drawn}</figure>\n`;
}
