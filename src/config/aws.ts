/** How an AWS service is reached; everything else is the SDK's own configuration. */
export interface AwsConfig {
  readonly endpoint?: string;
  readonly region?: string;
  /** Only for the emulators of `sluice dev`; otherwise the SDK finds credentials itself. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
}
