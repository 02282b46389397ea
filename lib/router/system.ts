/** The two systems that a request may be sent to. */
export type System = 'flat' | 'hierarchical';
