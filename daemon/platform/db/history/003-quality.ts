// How well media travelled through a node, beside its load. Units: NODE_FIGURES in shared/rules/node-figures.ts.
export const sql = `
ALTER TABLE samples ADD COLUMN score REAL;
ALTER TABLE samples ADD COLUMN lossIn REAL;
ALTER TABLE samples ADD COLUMN lossOut REAL;
ALTER TABLE samples ADD COLUMN lossP95 REAL;
ALTER TABLE samples ADD COLUMN jitter REAL;
ALTER TABLE samples ADD COLUMN jitterP95 REAL;
ALTER TABLE samples ADD COLUMN rtt REAL;
ALTER TABLE samples ADD COLUMN rttP95 REAL;
ALTER TABLE samples ADD COLUMN nack REAL;
ALTER TABLE samples ADD COLUMN pli REAL;
ALTER TABLE samples ADD COLUMN forward REAL;
`;
