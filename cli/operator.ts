import { userInfo } from 'node:os';

/** Who gives the command, for the audit log; on AWS the credentials' identity is in CloudTrail besides. */
export function operatorName(): string {
  return userInfo().username;
}
