'use strict';
// A JSON list of YAML texts on stdin -> a JSON list of what Hexo's own js-yaml reads in each.
const yaml = require('js-yaml');
const texts = JSON.parse(require('fs').readFileSync(0, 'utf8'));
process.stdout.write(JSON.stringify(texts.map(text => yaml.load(text))));
