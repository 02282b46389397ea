/** The local cloud is one account in one region; the same numbers as the other embedded engines use. */
export const localAccount = '000000000000';
export const localRegion = 'us-east-1';

export function arnOf(service: string, resource: string): string {
  return `arn:aws:${service}:${localRegion}:${localAccount}:${resource}`;
}

/** CloudFront is global: its ARNs carry no region. */
export function globalArnOf(service: string, resource: string): string {
  return `arn:aws:${service}::${localAccount}:${resource}`;
}

/** The plain name in a function name, partial ARN, or ARN with or without a version or alias. */
export function functionNameOf(nameOrArn: string): string {
  const marker = ':function:';
  const at = nameOrArn.indexOf(marker);
  const name = at < 0 ? nameOrArn : nameOrArn.slice(at + marker.length);
  return name.split(':')[0] ?? name;
}

/** The last part of an ARN's resource, `alarm:high` and `stream/outcomes` alike; a plain name stays as it is. */
export function nameInArn(nameOrArn: string): string {
  if (!nameOrArn.startsWith('arn:')) {
    return nameOrArn;
  }
  const resource = nameOrArn.split(':').slice(5).join(':');
  const cut = resource.search(/[:/]/u);
  return cut < 0 ? resource : resource.slice(cut + 1);
}
