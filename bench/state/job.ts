/** What a process of the benchmark is told; one JSON argument. */
export interface Job {
  readonly way:
    | 'safe-copy'
    | 'blind-loop'
    | 'conditional-puts'
    | 'copy-dynamodb-table'
    | 'dynamodb-batch-iterator'
    | 'verify'
    | 'plain-scan'
    | 'dump-items'
    | 'write-units'
    | 'find-wrong-records';
  readonly endpoint: string;
  /** SQLite file of the flat store. */
  readonly flatPath: string;
  /** JSON Lines of the items that the safe copy made, for those that write the same again. */
  readonly itemsPath: string;
  /** Directory of the bodies that no item holds. */
  readonly bodiesPath: string;
  readonly tables: { readonly state: string; readonly progress: string; readonly quarantine: string };
  /** Table that is read, for those that copy from table to table. */
  readonly fromTable: string;
  readonly concurrency: number;
  /** At most so many items; all when null. */
  readonly mostItems: number | null;
}

export interface JobResult {
  readonly records: number;
  readonly seconds: number;
  /** Peak of the process. */
  readonly rssMb: number;
  readonly writeUnits?: number;
  readonly blindUnits?: number;
  readonly kilobytes?: number;
  /** Rows and records, the most for one wrong record. */
  readonly rowsRead?: number;
  readonly digestBytes?: number;
}
