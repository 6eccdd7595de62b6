/** Version of the agent; the bundle that machines fetch has it built in. */
export const VERSION: string = process.env.STREAMHUB_EDGE_VERSION ?? 'source';
