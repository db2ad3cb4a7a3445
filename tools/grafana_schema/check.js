// Check dashboards against the types that Grafana publishes in @grafana/schema: the dashboard, and the
// options and the look of each panel by its kind. A key that Grafana does not know is an error. Queries
// to Loki go through Grafana's own parser of LogQL.
//
// node check.js FILE...  prints a line for each violation; exits 1 if there are any.

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { parser } from '@grafana/lezer-logql';
import Ajv from 'ajv';
import { createGenerator } from 'ts-json-schema-generator';

const types = join(
  dirname(fileURLToPath(import.meta.url)), 'node_modules/@grafana/schema/dist/types/raw'
);

// The type of a file as a function that gives the violations of a value.
function checker(file, type) {
  const path = join(types, file, 'x/types.gen.d.ts');
  const schema = createGenerator({ path, type, skipTypeCheck: true, additionalProperties: false })
    .createSchema(type);
  relax(schema.definitions ?? {});
  const validate = new Ajv({ allErrors: true, strict: false }).compile(schema);
  return (value) => (validate(value) ? [] : validate.errors.map(asText));
}

// What Grafana reads and writes, and these types do not say.
function relax({ Threshold, AnnotationQuery }) {
  if (Threshold) {
    // "From the beginning" is -Infinity there, for which JSON has null, or nothing.
    Threshold.required = Threshold.required.filter((key) => key !== 'value');
  }
  if (AnnotationQuery) {
    // They know the annotations of Grafana's own store only, not those that a data source gives.
    Object.assign(AnnotationQuery.properties, {
      target: { type: 'object', required: ['expr', 'refId'] },
      titleFormat: { type: 'string' },
      textFormat: { type: 'string' },
    });
  }
}

function asText({ instancePath, message, params }) {
  return `${instancePath || '/'} ${message} ${JSON.stringify(params)}`;
}

// Generating a schema takes about a second, so each is made once.
const made = new Map();
function checked(file, type, value) {
  const key = `${file} ${type}`;
  if (!made.has(key)) {
    made.set(key, checker(file, type));
  }
  return made.get(key)(value);
}

// What Grafana calls a panel's kind, and the folder that has its types.
const folders = {
  'state-timeline': 'statetimeline', logs: 'logs', stat: 'stat', table: 'table', text: 'text',
  timeseries: 'timeseries', bargauge: 'bargauge', gauge: 'gauge', heatmap: 'heatmap',
};
const withLooks = new Set(['state-timeline', 'table', 'timeseries', 'heatmap']);

function ofPanel(panel) {
  const folder = folders[panel.type];
  if (!folder) {
    return [`no such kind of panel is known: ${panel.type}`];
  }
  const file = `composable/${folder}/panelcfg`;
  const found = checked(file, 'Options', panel.options);
  if (withLooks.has(panel.type)) {
    found.push(...checked(file, 'FieldConfig', panel.fieldConfig.defaults.custom));
  }
  found.push(...(panel.targets ?? []).flatMap(ofTarget));
  return found.map((violation) => `${panel.title}: ${violation}`);
}

// LogQL that does not parse: the places, with something put in for the variables.
function ofTarget({ datasource, expr }) {
  if (datasource.type !== 'loki') {
    return [];
  }
  const query = expr.replace(/\$__\w+/g, '1m').replace(/\$\w+|\$\{\w+\}/g, 'x');
  const found = [];
  parser.parse(query).iterate({
    enter: ({ type, from }) => {
      if (type.isError) {
        found.push(`no LogQL from character ${from} on: ${query}`);
      }
    },
  });
  return found;
}

let failed = false;
for (const name of process.argv.slice(2)) {
  const dashboard = JSON.parse(readFileSync(name, 'utf8'));
  const panels = dashboard.panels.flatMap((one) => (one.type === 'row' ? one.panels : [one]));
  const violations = [...checked('dashboard', 'Dashboard', dashboard), ...panels.flatMap(ofPanel)];
  for (const violation of violations) {
    console.log(`${name}: ${violation}`);
  }
  failed ||= violations.length > 0;
}
process.exitCode = failed ? 1 : 0;
