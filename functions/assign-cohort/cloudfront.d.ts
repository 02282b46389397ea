/** The module that the CloudFront Functions runtime 2.0 provides; only what we use of it. */
declare module 'cloudfront' {
  interface CloudFront {
    /** The key-value store associated with the function. */
    kvs(): { get(key: string): Promise<string> };
    /** Adds a text to the request's real-time log record; absent where the runtime does not have it. */
    logCustomData?: (data: string) => void;
  }
  const cloudfront: CloudFront;
  export default cloudfront;
}
