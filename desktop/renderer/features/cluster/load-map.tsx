import { useMemo } from 'react';
import { nodeLoad, nodeMeasures } from '#shared/rules/measures.ts';
import { loadTone } from '../../ui/data/bar.tsx';
import { percent } from '../../ui/words/format.ts';
import classes from './cluster.module.css';
import { type Node, nodeTone } from './node-words.ts';

const MAX = 600;

/** Every node as a small box by region: the fuller, the darker; in another shape when something is wrong. */
export function LoadMap({ nodes, onOpen }: { nodes: readonly Node[]; onOpen: (node: Node) => void }) {
  const regions = useMemo(() => {
    const groups = Map.groupBy(nodes.slice(0, MAX), (node) => node.region ?? 'no region');
    return [...groups].toSorted(([a], [b]) => a.localeCompare(b));
  }, [nodes]);
  if (nodes.length < 2) return null;
  return (
    <section className={classes.map} aria-label="Load by region">
      <span className={classes.regionName} title="The fuller a node, the darker its box.">
        Load
      </span>
      {regions.map(([region, list]) => (
        <div key={region} className={classes.region}>
          <span className={classes.regionName}>{region}</span>
          <div className={classes.boxes}>
            {list.map((node) => {
              const load = nodeLoad(nodeMeasures(node.stats));
              const { tone, word } = nodeTone(node);
              const words = `${node.name}: ${word}${load === undefined ? '' : `, load ${percent(load)}`}`;
              return (
                <button
                  key={node.id}
                  type="button"
                  tabIndex={-1}
                  className={classes.box}
                  data-tone={tone === 'ok' ? (load === undefined ? 'muted' : loadTone(load)) : tone}
                  data-odd={tone !== 'ok' || undefined}
                  style={{ ['--load' as string]: `${Math.round(18 + (load ?? 0) * 82)}%` }}
                  title={words}
                  aria-label={words}
                  onClick={() => onOpen(node)}
                />
              );
            })}
          </div>
        </div>
      ))}
    </section>
  );
}
