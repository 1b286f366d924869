// SPDX-License-Identifier: MIT
// The ESLint rule that keeps imports to the table in houses.mjs.
import { projectRoot } from '../setup/project.mjs';
import { forbiddenImport } from './houses.mjs';

/** `lamina/imports` */
export const importsRule = {
  meta: { type: 'problem', schema: [], docs: { description: 'imports run one way between the folders of src' } },
  create(context) {
    function check(source) {
      if (typeof source?.value !== 'string') return;
      const message = forbiddenImport(source.value, context.filename, projectRoot);
      if (message) context.report({ node: source, message });
    }
    return {
      ImportDeclaration: (node) => check(node.source),
      ImportExpression: (node) => check(node.source),
      ExportNamedDeclaration: (node) => check(node.source),
      ExportAllDeclaration: (node) => check(node.source),
      TSImportType: (node) => check(node.source),
    };
  },
};
