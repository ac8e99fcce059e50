// The views' modules are plain JavaScript outside of this folder: they are transformed like our own sources.
module.exports = {
  testEnvironment: 'jsdom',
  testMatch: ['<rootDir>/src/__tests__/*.spec.ts'],
  setupFiles: ['<rootDir>/jest.setup.js'],
  moduleNameMapper: { '^sparkk8s-views/(.*)$': '<rootDir>/../sparkk8s_nb/views/static/$1' },
  modulePaths: ['<rootDir>/node_modules'],
  transform: {
    '\\.[jt]s$': [
      'ts-jest',
      {
        diagnostics: false,
        tsconfig: { module: 'CommonJS', target: 'ES2022', allowJs: true, esModuleInterop: true, isolatedModules: true }
      }
    ]
  },
  transformIgnorePatterns: ['/node_modules/']
};
