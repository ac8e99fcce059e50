import js from '@eslint/js';
import jupyter from '@jupyter/eslint-plugin';
import { defineConfig } from 'eslint/config';
import typescript from 'typescript-eslint';

export default defineConfig([
  { ignores: ['lib', 'node_modules'] },
  {
    files: ['src/**/*.ts'],
    plugins: { jupyter },
    extends: [js.configs.recommended, typescript.configs.strictTypeChecked, jupyter.configs.recommended],
    languageOptions: {
      parserOptions: { project: 'tsconfig.test.json', tsconfigRootDir: import.meta.dirname }
    },
    rules: {
      'no-console': 'error',
      // Jupyter's way to keep the ids of commands together.
      '@typescript-eslint/no-namespace': 'off',
      curly: ['error', 'multi-line'],
      eqeqeq: 'error',
      'prefer-arrow-callback': 'error',
      // Lumino's signals take a method and, beside it, whose it is.
      '@typescript-eslint/unbound-method': 'off',
      // JupyterLab finds cells and widgets by what they are, not by their constructors.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      // The views speak English only; the panel around them as well.
      'jupyter/no-untranslated-string': 'off',
      // All of it is 80 kB, and the status bar needs nearly all at once.
      'jupyter/prefer-lazy-imports': 'off',
      'jupyter/command-described-by': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }]
    }
  }
]);
