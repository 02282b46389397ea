import { buildApp } from './stages.ts';

const deployFilePath = process.env['HAL9_DEPLOY_FILE'];

buildApp(deployFilePath === undefined ? {} : { deployFilePath }).synth();
