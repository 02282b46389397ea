/** Fault of the quarantine entries of edges that were taken out of the graph. */
export const orphanedEdge = 'OrphanedEdge';
