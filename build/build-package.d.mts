/** Fills a folder with what the npm package holds. */
export function stagePackage(folder: string): Promise<void>;
/** Makes everything that is published, in one folder, which it empties first. @returns names of the files */
export function buildPackages(target: string): Promise<string[]>;
